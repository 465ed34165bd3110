"""The sensor: when it starts a drain, when not, and that nobody has to do anything after a kill."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from postback_pipeline.defs import due_postbacks
from postback_pipeline.defs.due_postbacks import FIRST_SIGN, STARTING_UP, TICK_SECONDS, has_run_to_come
from postback_pipeline.defs.runs import due_destinations
from postback_pipeline.delivery.pause_mark import mark_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Ledger, LedgerError, open_ledger
from postback_pipeline.ledger.drains import BEAT_LAPSE
from postback_pipeline.model import Outcome
from postback_pipeline.settings import Delivery

STATUS = dg.DagsterRunStatus


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job(name="deliver")
def stand_in() -> None:
    """A job by the name of the real one."""
    nothing()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def ledger(shop: Any, make: Any) -> Iterator[Ledger]:
    """The shop's ledger, with one postback due to `google` and one to `partner`."""
    settings = shop.settings()
    with open_ledger(settings.ledger_url(), settings.environment) as opened:
        make.due(opened, "google", 1)
        make.due(opened, "partner", 1)
        yield opened


#: A run without a place to come from cannot be queued; Dagster shows the classes of such places to nobody.
ORIGIN = RemoteJobOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("postback_pipeline"), "__repository__"), "deliver"
)
REACHED_BY = {
    STATUS.NOT_STARTED: [],
    STATUS.QUEUED: ["PIPELINE_ENQUEUED"],
    STATUS.STARTING: ["PIPELINE_STARTING"],
    STATUS.STARTED: ["PIPELINE_STARTING", "PIPELINE_START"],
    STATUS.CANCELING: ["PIPELINE_STARTING", "PIPELINE_START", "PIPELINE_CANCELING"],
}


def run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus, partition: str = "google") -> None:
    """A run of `deliver` that has just got there."""
    made = instance.create_run_for_job(stand_in, tags={"dagster/partition": partition}, remote_job_origin=ORIGIN)
    for event in REACHED_BY[status]:
        instance.report_dagster_event(dg.DagsterEvent(event, job_name="deliver"), made.run_id)
    found = instance.get_run_by_id(made.run_id)
    assert found is not None
    assert found.status is status


def tick(instance: dg.DagsterInstance, shop: Any) -> list[str | None] | str | None:
    """One evaluation: the partitions that it starts runs for, or why it starts none."""
    (sensor,) = due_postbacks.defs().sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    with dg.build_sensor_context(instance, resources={"settings": shop.settings()}) as context:
        answer = sensor(context)
    if isinstance(answer, dg.SensorResult):
        return [request.partition_key for request in answer.run_requests or ()]
    assert isinstance(answer, dg.SkipReason)
    return answer.skip_message


def test_a_tick_starts_one_drain_for_each_destination_with_something_due(
    shop: Any, ledger: Ledger, instance: dg.DagsterInstance
) -> None:
    assert tick(instance, shop) == ["google", "partner"]


def test_nothing_due_or_a_pause_starts_no_run(shop: Any, instance: dg.DagsterInstance, make: Any) -> None:
    assert tick(instance, shop) == "Nothing is due."
    settings = shop.settings()
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        make.due(ledger, "partner", 1)
        ledger.pause("partner", actor="ann", reason="they moved")
    assert tick(instance, shop) == "Paused, with postbacks due: partner."
    (shop.home / "ledger.sqlite").unlink()
    assert "postback ledger init" in str(tick(instance, shop))


def test_a_verdict_that_a_receiver_owes_is_asked_for_where_nothing_else_is_due(
    shop: Any, instance: dg.DagsterInstance, make: Any
) -> None:
    settings = shop.settings()
    before = datetime.now(UTC) - timedelta(minutes=5)
    with open_ledger(settings.ledger_url(), settings.environment, clock=lambda: before) as ledger:
        make.due(ledger, "partner", 1)
        make.settle(ledger, "partner", Outcome.ACCEPTED, receipt="r-1")
    assert tick(instance, shop) == due_destinations(settings) == ["partner"]
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        ledger.beat("partner", "another machine:1")
    assert tick(instance, shop) == "A drain is at it: partner."


def test_a_drain_that_gives_signs_in_the_ledger_is_enough(
    shop: Any, ledger: Ledger, instance: dg.DagsterInstance
) -> None:
    ledger.beat("google", "another machine:1")
    assert tick(instance, shop) == ["partner"]
    ledger.beat("partner", "another machine:2")
    assert tick(instance, shop) == "A drain is at it: google, partner."
    ledger.leave("google", "another machine:1")
    assert tick(instance, shop) == ["google"]


@pytest.mark.parametrize("status", [STATUS.QUEUED, STATUS.NOT_STARTED, STATUS.STARTING, STATUS.STARTED])
def test_a_run_that_will_still_look_is_enough(
    shop: Any, ledger: Ledger, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    run(instance, status)
    assert tick(instance, shop) == ["partner"]
    run(instance, status, "partner")
    assert tick(instance, shop) == "A run is on its way: google, partner."


def test_a_run_that_is_being_cancelled_looks_no_more(shop: Any, ledger: Ledger, instance: dg.DagsterInstance) -> None:
    run(instance, STATUS.CANCELING)
    assert tick(instance, shop) == ["google", "partner"]


@pytest.mark.parametrize(
    ("status", "patience"),
    [(STATUS.NOT_STARTED, STARTING_UP), (STATUS.STARTING, STARTING_UP), (STATUS.STARTED, FIRST_SIGN)],
)
def test_a_run_whose_process_may_have_died_is_waited_for_no_longer_than_a_start_takes(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, patience: timedelta
) -> None:
    run(instance, status)
    now, margin = datetime.now(UTC), timedelta(seconds=5)

    assert has_run_to_come(instance, "deliver", "google", now + patience - margin)
    assert not has_run_to_come(instance, "deliver", "google", now + patience + margin)
    assert not has_run_to_come(instance, "deliver", "partner", now)
    assert not has_run_to_come(instance, "build", "google", now)


def test_a_queued_run_looks_whenever_its_turn_comes(instance: dg.DagsterInstance) -> None:
    run(instance, STATUS.QUEUED)
    assert has_run_to_come(instance, "deliver", "google", datetime.now(UTC) + timedelta(hours=5))


def test_two_daemons_that_tick_at_once_see_the_same(shop: Any, ledger: Ledger, instance: dg.DagsterInstance) -> None:
    """They may start two runs of one partition; that those send everything once is the ledger's business."""
    first, second = tick(instance, shop), tick(instance, shop)
    assert first == second == ["google", "partner"]


def test_with_the_defaults_what_a_killed_run_held_is_taken_up_within_a_minute() -> None:
    """Its claims are due again, its signs are missed, Dagster's word for it has lapsed; a tick, and a run starts."""
    start_up = 15
    noticed = max(Delivery().lease_seconds, BEAT_LAPSE.total_seconds(), FIRST_SIGN.total_seconds())
    assert noticed + TICK_SECONDS + start_up <= 60


def stumble_over_a_secret(shop: Any, ledger: Ledger) -> None:
    """A drain paused `partner`, whose token was `old`."""
    file = shop.settings().file
    headers = 'headers = { "X-Token" = "{secret:PARTNER_TOKEN}" }\n'
    file.write_text(file.read_text().replace("[destinations.partner]\n", f"[destinations.partner]\n{headers}"))
    partner = build_destinations(shop.settings())["partner"]
    mark = mark_of("partner", partner, ledger.identity.ledger_id, {"PARTNER_TOKEN": "old"})
    ledger.pause("partner", actor="drain", reason="it said 401", mark=mark)


def test_a_run_by_hand_looks_as_the_sensor_does(shop: Any, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTNER_TOKEN", "old")
    stumble_over_a_secret(shop, ledger)
    assert due_destinations(shop.settings()) == ["google"]
    monkeypatch.setenv("PARTNER_TOKEN", "new")
    assert due_destinations(shop.settings()) == ["google", "partner"]
    # Nor does it look at a ledger that was restored from a backup.
    seen = {"ledger_id": ledger.identity.ledger_id, "seq": 900, "at": "2026-01-10 09:00:00.000000+00:00"}
    shop.settings().ledger_mark_path.write_text(json.dumps(seen))
    with pytest.raises(LedgerError, match="postback ledger adopt"):
        due_destinations(shop.settings())


def test_a_destination_runs_again_when_the_secret_that_it_stumbled_over_was_changed(
    shop: Any, ledger: Ledger, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTNER_TOKEN", "old")
    stumble_over_a_secret(shop, ledger)
    ledger.beat("google", "another machine:1")

    # A drain is at google's; partner's postback waits for a secret.
    assert tick(instance, shop) == "A drain is at it: google."
    monkeypatch.setenv("PARTNER_TOKEN", "new")
    assert tick(instance, shop) == ["partner"]
    # A person's pause waits for a person.
    ledger.pause("partner", actor="ann", reason="they moved")
    monkeypatch.setenv("PARTNER_TOKEN", "newer")
    assert tick(instance, shop) == "A drain is at it: google."
