"""The jobs by which a person steps in from the UI: each shows first, does it when told to, and records who and why."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from postback_pipeline.defs import stepping_in
from postback_pipeline.defs.stepping_in import FoundOut, InState
from postback_pipeline.ledger import Ledger, open_ledger
from postback_pipeline.model import Outcome, Resolution, State

WHY: dict[str, Any] = {"reason": "asked by support", "actor": "ann"}
TOLD = """\
destination,conversion_key,event_name,value,currency,transaction_id,event_time
google,purchase:900,purchase,10.50,EUR,900,2026-01-02T03:04:05Z
"""


@pytest.fixture
def ledger(shop: Any, make: Any) -> Iterator[Ledger]:
    """At `partner`: 1 was rejected, 2 is parked, 3 was accepted, 4 waits."""
    settings = shop.settings()
    with open_ledger(settings.ledger_url(), settings.environment) as opened:
        for number, outcome in ((1, Outcome.REJECTED), (2, Outcome.UNKNOWN), (3, Outcome.ACCEPTED)):
            make.due(opened, "partner", number)
            make.settle(opened, "partner", outcome, f"because_{outcome}")
        make.due(opened, "partner", 4)
        yield opened


def take(shop: Any, command: str, tags: dict[str, str] | None = None, **config: Any) -> dg.ExecuteInProcessResult:
    """Runs a step's job as the launchpad does."""
    op = "import_reported" if command == "import" else command
    resources = dg.Definitions(resources={"settings": shop.settings()})
    job = dg.Definitions.merge(stepping_in.defs(), resources).resolve_job_def(f"ledger_{command}")
    run_config = {"ops": {op: {"config": config}}}
    return job.execute_in_process(run_config=run_config, tags=tags, raise_on_error=False)


def shown(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What the run's output shows."""
    assert result.success
    (output,) = [event for event in result.all_events if event.is_successful_output]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def refused(result: dg.ExecuteInProcessResult) -> str:
    """Why the run failed."""
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    error = failure.step_failure_data.error
    assert error is not None
    while error.cause is not None:
        error = error.cause
    return error.message


def states(ledger: Ledger, *numbers: int) -> list[State]:
    return [ledger.inspect(f"purchase:{number}")[-1].state for number in numbers]


def actions(shop: Any) -> list[tuple[str, str, str]]:
    with sqlite3.connect(shop.home / "ledger.sqlite") as connection:
        found = connection.execute("select command, actor, reason from actions order by id").fetchall()
    connection.close()
    return found


@pytest.mark.parametrize(
    ("command", "config", "number", "become"),
    [
        ("replay", {"postbacks": ["purchase:1"]}, 1, State.PENDING),
        ("replay", {"destination": "partner", "states": ["rejected"]}, 1, State.PENDING),
        ("replay", {"last_reason": "because_rejected", "created_from": "2026-01-01"}, 1, State.PENDING),
        ("replay", {"postbacks": ["purchase:3"], "force": True}, 3, State.PENDING),
        ("resolve", {"postbacks": ["2"], "found_out": "accepted"}, 2, State.ACCEPTED),
        ("resolve", {"destination": "partner", "found_out": "resend"}, 2, State.PENDING),
        ("cancel", {"event": "purchase"}, 4, State.CANCELLED),
    ],
)
def test_a_step_shows_what_it_would_do_and_then_does_it(
    shop: Any, ledger: Ledger, command: str, config: dict[str, Any], number: int, become: State
) -> None:
    before = states(ledger, 1, 2, 3, 4)

    rehearsed = shown(take(shop, command, **config, **WHY))
    assert states(ledger, 1, 2, 3, 4) == before
    assert actions(shop) == []
    done = shown(take(shop, command, **config, **WHY, dry_run=False))

    assert f"purchase:{number}" in json.dumps(rehearsed)
    assert "dry_run: false" in rehearsed["next"]
    assert done["said"] == "1 done, 0 left alone."
    assert "postbacks" in rehearsed
    assert str(become) in done["postbacks"]
    assert "next" not in done
    assert states(ledger, number) == [become]
    assert actions(shop) == [(command, "ann", "asked by support")]


def test_what_is_left_alone_is_shown_with_the_reason(shop: Any, ledger: Ledger) -> None:
    found = shown(take(shop, "replay", postbacks=["purchase:3", "purchase:4"], **WHY))

    assert found["said"] == "To be sent again: 0. Left alone: 2."
    assert found["next"] == "There is nothing to do."
    assert "replaying it needs force" in found["left_alone"]
    assert "there is nothing to replay" in found["left_alone"]


def test_pause_and_resume_a_destination(shop: Any, ledger: Ledger) -> None:
    assert shown(take(shop, "pause", destination="partner", **WHY))["said"] == (
        "partner is running; 1 postbacks are due."
    )
    assert not ledger.due(["partner"])["partner"].paused
    shown(take(shop, "pause", destination="partner", **WHY, dry_run=False))
    assert ledger.due(["partner"])["partner"].paused
    shown(take(shop, "resume", destination="partner", **WHY, dry_run=False))
    assert not ledger.due(["partner"])["partner"].paused
    assert [command for command, *_ in actions(shop)] == ["pause", "resume"]


def test_approve_a_flood(shop: Any, make: Any, ledger: Ledger) -> None:
    make.deployment(shop, guard_minimum=1)
    approval = make.flood(ledger, "google", 11, 12, 13)

    rehearsed = shown(take(shop, "approve", approval=approval, **WHY))
    assert "3 postbacks for google" in rehearsed["said"]
    assert [each.id for each in ledger.approvals()] == [approval]
    shown(take(shop, "approve", approval=approval, **WHY, dry_run=False))
    assert ledger.approvals() == []


def test_import_what_a_previous_sender_reported(shop: Any, ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "told.csv").write_text(TOLD)
    config: dict[str, Any] = {"file": str(tmp_path / "told.csv"), **WHY}

    assert shown(take(shop, "import", **config))["said"] == "1 to be imported; 0 were known and stay as they are."
    assert ledger.inspect("purchase:900") == []
    assert shown(take(shop, "import", **config, dry_run=False))["said"].startswith("1 imported")
    assert states(ledger, 900) == [State.ACCEPTED]


def test_the_run_says_who_it_is_unless_the_form_does(shop: Any, ledger: Ledger) -> None:
    config: dict[str, Any] = {"postbacks": ["purchase:1"], "reason": "asked", "dry_run": False}
    assert "Say who you are" in refused(take(shop, "replay", **config))
    shown(take(shop, "replay", tags={"user": "bob"}, **config))
    assert actions(shop) == [("replay", "bob", "asked")]


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("command", "config", "why"),
    [
        ("replay", WHY, "Say which postbacks"),
        ("replay", {"postbacks": ["1", "purchase:1"], **WHY}, "not both at once"),
        ("replay", {"postbacks": ["purchase:404"], **WHY}, "No postback fits"),
        ("replay", {"postbacks": ["purchase:1"], "actor": "ann", "reason": " "}, "needs a name and a reason"),
        ("cancel", {"created_from": "yesterday", **WHY}, "'yesterday' is no instant"),
        ("pause", {"destination": "partnr", **WHY}, "'partnr' is not a destination of the settings"),
        ("resume", {"destination": "partner", "actor": "ann", "reason": ""}, "needs a name and a reason"),
        ("approve", {"approval": 7, **WHY}, "Approval 7 does not exist"),
        ("import", {"file": "/nowhere.csv", **WHY}, "/nowhere.csv"),
    ],
)
def test_what_is_refused_is_refused_with_a_sentence(
    shop: Any, ledger: Ledger, command: str, config: dict[str, Any], why: str, dry_run: bool
) -> None:
    assert why in refused(take(shop, command, **config, dry_run=dry_run))
    assert actions(shop) == []


def test_adopt_a_restored_ledger(shop: Any, ledger: Ledger) -> None:
    mark = shop.settings().ledger_mark_path
    assert "Nothing was changed." in refused(take(shop, "adopt", **WHY))
    seen = {"ledger_id": ledger.identity.ledger_id, "seq": 900, "at": "2026-01-10 09:00:00.000000+00:00"}
    mark.write_text(json.dumps(seen))

    rehearsed = shown(take(shop, "adopt", **WHY))
    assert "1 postbacks parked, 0 to be sent again" in rehearsed["said"]
    assert "partner" in rehearsed["waited"]
    assert (states(ledger, 4), json.loads(mark.read_text()), actions(shop)) == ([State.PENDING], seen, [])
    shown(take(shop, "adopt", **WHY, dry_run=False))
    assert states(ledger, 4) == [State.PARKED]
    assert json.loads(mark.read_text())["seq"] < 900
    assert actions(shop) == [("adopt", "ann", "asked by support")]


@pytest.mark.parametrize(("offered", "meant"), [(InState, State), (FoundOut, Resolution)])
def test_the_forms_offer_every_state_and_every_answer(offered: type[Enum], meant: type[StrEnum]) -> None:
    assert {each.name: each.value for each in offered} == {str(each): each for each in meant}
