"""What the delivery asset shows of a drain, and that none of it is a person's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]

from postback_pipeline.defs import deliver, stepping_in
from postback_pipeline.defs.drain_figures import figures, form_address
from postback_pipeline.defs.markdown import chart_of, table_text
from postback_pipeline.delivery.enqueue import rules_by_destination
from postback_pipeline.delivery.report import Course, DrainReport
from postback_pipeline.ledger import Ledger, Selection, open_ledger
from postback_pipeline.model import Outcome, State
from postback_pipeline.sandbox.behaviour import Behaviour, SandboxConfig

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def ledger(shop: Any) -> Iterator[Ledger]:
    settings = shop.settings()
    with open_ledger(settings.ledger_url(), settings.environment) as opened:
        yield opened


def delivered(shop: Any, destination: str) -> dict[str, Any]:
    """Runs one partition of the asset; its metadata as plain values."""
    (asset,) = deliver.defs().assets or ()
    assert isinstance(asset, dg.AssetsDefinition)
    result = dg.materialize([asset], resources={"settings": shop.settings()}, partition_key=destination)
    (materialization,) = result.asset_materializations_for_node("delivery__sent")
    assert materialization.partition == destination
    return {name: value.value for name, value in materialization.metadata.items()}


def test_a_run_shows_outcomes_rates_latencies_and_its_course(shop: Any, make: Any, ledger: Ledger) -> None:
    make.due(ledger, "google", *range(1, 31))
    shop.sandbox.behave(SandboxConfig(default=Behaviour(reject_when={"transaction_id": "7"}, delay_seconds=0.01)))

    found = delivered(shop, "google")

    assert (found["accepted"], found["rejected"], found["unknown"]) == (29, 1, 0)
    assert (found["requests"], found["bisect_requests"], found["ended"]) == (30, 0, "drained")
    assert (found["claimed"], found["went_back_unsent"]) == (30, 0)
    assert (found["parked"], found["expired"], found["oldest_due_seconds"]) == (0, 0, 0.0)
    assert 10 <= found["request_p50_ms"] <= found["request_p95_ms"] <= found["request_p99_ms"]
    assert 0 < found["due_to_accepted_p50_seconds"] <= found["due_to_accepted_p95_seconds"]
    assert found["postbacks_per_second"] > 0
    assert "█" in found["accepted_over_time"]
    assert not [name for name in found if name.startswith("how_to")]


def test_what_waits_for_a_person_is_listed_with_the_form_that_deals_with_it(
    shop: Any, make: Any, ledger: Ledger
) -> None:
    make.due(ledger, "partner", 1, 2, email="canary@example.com")
    make.settle(ledger, "partner", Outcome.UNKNOWN, "the connection was cut")

    found = delivered(shop, "partner")

    assert (found["parked"], found["expired"]) == (2, 0)
    listed = found["parked_postbacks"]
    assert re.search(r"\| 1 +\| purchase:1 +\| conversion +\| 2\d\d\d-", listed)
    assert "receiver\\_does\\_not\\_deduplicate" in listed
    assert len(addresses_in(listed)) == 3
    assert found["how_to_resolve"].job_name == "ledger_resolve"
    assert "canary" not in str(found)


@pytest.fixture
def one_per_state(shop: Any, make: Any, ledger: Ledger) -> Ledger:
    """At `partner`: 1 is rejected, 2 parked, 3 accepted, 4 cancelled by a person, 5 expired, 6 waits, 7 is with it."""
    file = shop.settings().file
    once = "[destinations.partner]\nretry = { max_attempts = 1 }\n"
    file.write_text(file.read_text().replace("[destinations.partner]\n", once))
    endings = {1: Outcome.REJECTED, 2: Outcome.UNKNOWN, 3: Outcome.ACCEPTED, 5: Outcome.NOT_SENT}
    for number, outcome in endings.items():
        make.due(ledger, "partner", number)
        make.settle(ledger, "partner", outcome, "because")
    make.due(ledger, "partner", 4)
    ledger.cancel(Selection(conversion_keys=["purchase:4"]), actor="ann", reason="no")
    make.due(ledger, "partner", 7)
    settings = shop.settings()
    rules = rules_by_destination(settings)["partner"]
    assert len(ledger.claim("partner", 1, lease_seconds=60, owner="another", rules=rules)) == 1
    make.due(ledger, "partner", 6)
    ledger.postpone("partner", ledger.now() + timedelta(hours=1), "it asked to wait")
    return ledger


def test_each_form_acts_on_what_its_link_says_and_on_nothing_else(shop: Any, one_per_state: Ledger) -> None:
    found = delivered(shop, "partner")
    standing = {each.conversion_key: each.state for each in one_per_state.newest(Selection(destination="partner"), 9)}
    assert standing == {
        "purchase:1": State.REJECTED,
        "purchase:2": State.PARKED,
        "purchase:3": State.ACCEPTED,
        "purchase:4": State.CANCELLED,
        "purchase:5": State.EXPIRED,
        "purchase:6": State.PENDING,
        "purchase:7": State.SENDING,
    }

    one_parked, all_parked = addresses_in(found["parked_postbacks"])
    one_expired, all_expired = addresses_in(found["expired_postbacks"])
    assert acts_on(shop, one_parked) == acts_on(shop, all_parked) == {"purchase:2"}
    assert acts_on(shop, one_expired) == acts_on(shop, all_expired) == {"purchase:5"}


def addresses_in(listed: str) -> list[str]:
    """Where its links lead."""
    return re.findall(r"\]\((/[^)]*)\)", listed)


def acts_on(shop: Any, address: str) -> set[str]:
    """The conversions that the form at an address shows when it is started as a rehearsal."""
    split = urlsplit(address)
    name = split.path.split("/")[4]
    run_config = yaml.safe_load(parse_qs(split.query)["config"][0])
    (form,) = (op["config"] for op in run_config["ops"].values())
    form |= {"reason": "looked", "actor": "ann"} | ({"found_out": "accepted"} if name == "ledger_resolve" else {})
    resources = dg.Definitions(resources={"settings": shop.settings()})
    job = dg.Definitions.merge(stepping_in.defs(), resources).resolve_job_def(name)
    result = job.execute_in_process(run_config=run_config)
    (output,) = [event for event in result.all_events if event.is_successful_output]
    return set(re.findall(r"purchase:\d+", str(output.step_output_data.metadata["postbacks"].value)))


def test_a_form_is_filled_in_as_its_job_wants_it() -> None:
    address = urlsplit(form_address("replay", postbacks=["17"]))
    (filled,) = parse_qs(address.query)["config"]
    assert address.path == "/locations/postback_pipeline/jobs/ledger_replay/playground/setup"
    assert yaml.safe_load(filled) == {
        "ops": {"replay": {"config": {"postbacks": ["17"], "reason": "", "dry_run": True}}}
    }
    resources = dg.Definitions(resources={"settings": None})
    job = dg.Definitions.merge(stepping_in.defs(), resources).resolve_job_def("ledger_replay")
    assert dg.validate_run_config(job, yaml.safe_load(filled))


def test_figures_that_nothing_was_measured_for_are_left_out() -> None:
    report = DrainReport(
        "partner",
        "postponed",
        "asked to wait",
        claimed=0,
        released=0,
        requests=0,
        bisect_requests=0,
        outcomes={},
        judged=0,
        stale=0,
        p50_ms=None,
        p95_ms=None,
        p99_ms=None,
        p50_due_seconds=None,
        p95_due_seconds=None,
        course=Course(1.0, ()),
        seconds=0.0,
        oldest_due_at=NOW - timedelta(minutes=2),
        next_due_at=NOW + timedelta(minutes=1),
        parked=0,
        expired=0,
    )
    found = {name: value.value for name, value in figures(report, NOW).items()}
    assert found["ended"] == "postponed: asked to wait"
    assert found["oldest_due_seconds"] == 120.0
    assert found["accepted_over_time"] == "Nothing was accepted."
    assert found["next_due_at"] == (NOW + timedelta(minutes=1)).timestamp()
    assert not [name for name in found if name.startswith(("request_", "due_to"))]


def test_a_chart_is_as_wide_as_its_course_and_as_high_as_its_best_moment() -> None:
    chart = chart_of([0, 50, 100, 0], 2.0).splitlines()
    assert chart[1] == "50.0/s |  █ "
    assert chart[6] == "       | ██ "
    assert chart[7] == "     0 +----"
    assert chart[8].split() == ["0", "8.0", "s"]


def test_what_others_wrote_in_a_table_stays_text() -> None:
    table = table_text(("a", "b"), [("<img src=x> | [x](javascript:y)", "1e5"), ("\x1b[2J`", None)])
    assert "\\<img src=x\\> \\| \\[x\\]\\(javascript:y\\)" in table
    assert "1e5" in table
    assert "\x1b" not in table
