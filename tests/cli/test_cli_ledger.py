"""`postback ledger ...`: every command shows, asks, acts and is recorded, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import Result

from postback_pipeline.delivery.enqueue import rules_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import EnqueueReport, Ledger
from postback_pipeline.model import Desired, Outcome, State
from postback_pipeline.settings import Settings

Postback = Callable[..., Result]
WHO_AND_WHY = ("--reason", "asked by support", "--actor", "ann", "--yes")


def state(ledger: Ledger, order: str) -> State:
    """Where the newest revision of an order's conversion stands."""
    return ledger.inspect(f"purchase:{order}")[-1].state


def test_init_makes_a_ledger_once(postback: Postback, deployment: Settings) -> None:
    first, second = postback("ledger", "init"), postback("ledger", "init")

    assert first.exit_code == 0
    assert first.stdout.startswith("Made ledger ")
    assert "of environment staging." in first.stdout
    assert second.exit_code == 1
    assert "There is a ledger at" in second.stderr
    assert "Nothing was changed." in second.stderr


def test_init_upgrade_leaves_a_ledger_of_this_schema_as_it_is(postback: Postback, ledger: Ledger) -> None:
    result = postback("ledger", "init", "--upgrade")

    assert result.exit_code == 0
    assert ledger.identity.ledger_id in result.stdout


def test_init_upgrade_makes_none(postback: Postback, deployment: Settings) -> None:
    result = postback("ledger", "init", "--upgrade")

    assert result.exit_code == 1
    assert "There is no ledger at" in result.stderr
    assert not (deployment.home / "ledger.sqlite").exists()


def test_status_shows_queues_pauses_and_waiting_approvals(
    postback: Postback, ledger: Ledger, enqueue: Callable[..., EnqueueReport], desired: Callable[..., Desired]
) -> None:
    enqueue(ledger, desired("1"), desired("2"))
    ledger.pause("partner", reason="they moved", actor="ann")

    text, machine = postback("ledger", "status"), json.loads(postback("ledger", "status", "--json").stdout)

    assert "by ann: they moved" in text.stdout
    assert re.search(r"^partner +pending +2 ", text.stdout, re.MULTILINE)
    partner = next(each for each in machine["destinations"] if each["destination"] == "partner")
    assert partner["states"]["pending"]["count"] == 2
    assert (partner["due"], partner["paused"]) == (2, True)
    assert machine["approvals"] == []


def test_status_tells_ages_drains_at_work_breaker_and_turns(
    postback: Postback,
    deployment: Settings,
    sqlite_ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
) -> None:
    enqueue(sqlite_ledger, desired("1"))
    quiet = postback("ledger", "status").stdout
    rules = rules_of(build_destinations(deployment)["partner"], deployment.destinations["partner"])
    sqlite_ledger.beat("partner", "worker-7:12")
    sqlite_ledger.trip("partner", "20 attempts in a row failed", rules=rules)
    sqlite_ledger.take_turns("partner", 600, 1.0)
    sqlite_ledger.pause("crm", reason="it said 401", actor="drain", mark="1a2b3c4d")

    text, machine = postback("ledger", "status").stdout, json.loads(postback("ledger", "status", "--json").stdout)

    assert re.search(r"^partner +pending +1 .* \d+ s$", quiet, re.MULTILINE)
    assert not re.search("drains|breaker|turn", quiet)
    assert "worker-7:12 since " in text
    assert "opened 1 times in a row; a single postback tries first" in text
    assert "20 attempts in a row failed" in text
    assert "next turn" in text
    assert "by drain: it said 401, until what it stumbled over is changed" in text
    crm, partner = machine["destinations"]
    assert (crm["ends_by_itself"], crm["drains"]) == (True, [])
    assert (partner["trips"], [drain["owner"] for drain in partner["drains"]]) == (1, ["worker-7:12"])


def test_an_enqueue_that_was_stopped_is_let_through_by_its_number(
    postback: Postback,
    deployment: Settings,
    sqlite_ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
) -> None:
    deployment.file.write_text(deployment.file.read_text() + "[guard]\nminimum = 1\n")
    rows = [desired(str(order)) for order in range(3)]
    stopped = enqueue(sqlite_ledger, *rows).stopped_by
    assert stopped is not None
    assert f"{stopped.id} " in postback("ledger", "status").stdout

    result = postback("ledger", "approve", str(stopped.id), *WHO_AND_WHY)

    assert result.exit_code == 0, result.output
    assert "Approved: 3 postbacks for partner, 0 of them retractions." in result.stdout
    assert enqueue(sqlite_ledger, *rows).inserted == 3


def test_an_approval_that_does_not_wait_is_a_sentence(postback: Postback, ledger: Ledger) -> None:
    result = postback("ledger", "approve", "7", *WHO_AND_WHY)

    assert result.exit_code == 1
    assert "7" in result.stderr


def test_inspect_lists_a_selection_and_tells_the_story_of_one(
    postback: Postback,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
) -> None:
    enqueue(ledger, desired("1"), desired("2"))
    send(ledger, outcome=Outcome.REJECTED, reason="unknown click", http_status=422)
    enqueue(ledger, desired("3"))

    rejected = json.loads(postback("ledger", "inspect", "--state", "rejected", "--json").stdout)
    story = postback("ledger", "inspect", "purchase:1").stdout

    assert [each["conversion_key"] for each in rejected] == ["purchase:1", "purchase:2"]
    assert "partner: revision 1, conversion of 10.50 GBP, rejected (unknown click)" in story
    assert "422" in story
    assert "worker" in story
    assert not any(secret in story for secret in ("g-1", "Example.com", "203.0.113.9"))


def test_what_a_receiver_answered_cannot_command_the_terminal(
    postback: Postback,
    sqlite_ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
) -> None:
    enqueue(sqlite_ledger, desired("1"))
    send(
        sqlite_ledger, outcome=Outcome.REJECTED, reason="[bold]\x1b[2Jgone\u202e", reply_head="\x1b]0;x\x07" + "y" * 900
    )

    story = postback("ledger", "inspect", "purchase:1").stdout

    assert not {"\x1b", "\x07", "\u202e"} & set(story)
    assert r"[bold]\x1b[2Jgone\u202e" in story
    assert "y" * 200 not in story


@pytest.mark.parametrize(
    ("options", "orders"),
    [
        (["purchase:2", "purchase:3"], ["2", "3"]),
        (["--destination", "partner"], ["1", "2", "3"]),
        (["--destination", "crm"], []),
        (["--event", "purchase", "--state", "pending", "--state", "held"], ["1", "2", "3"]),
        (["--last-reason", "no such reason"], []),
        (["--created-from", "2020-01-01", "--created-before", "2021-01-01"], []),
        (["--created-from", "2020-01-01T00:00:00"], ["1", "2", "3"]),
    ],
)
def test_inspect_takes_all_its_conditions_together(
    postback: Postback,
    sqlite_ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    options: list[str],
    orders: list[str],
) -> None:
    enqueue(sqlite_ledger, *(desired(order) for order in "123"))

    found = json.loads(postback("ledger", "inspect", *options, "--json").stdout)

    assert [each["transaction_id"] for each in found] == orders


def test_inspect_says_that_there_are_more(
    postback: Postback, ledger: Ledger, enqueue: Callable[..., EnqueueReport], desired: Callable[..., Desired]
) -> None:
    enqueue(ledger, *(desired(order) for order in "1234"))

    result = postback("ledger", "inspect", "--state", "pending", "--limit", "2", "--json")

    assert [each["transaction_id"] for each in json.loads(result.stdout)] == ["3", "4"]
    assert result.stderr == "These are the newest of 4; --limit shows more.\n"


@pytest.mark.parametrize("command", ["inspect", "replay", "cancel"])
def test_a_selection_of_everything_is_refused(postback: Postback, sqlite_ledger: Ledger, command: str) -> None:
    result = postback("ledger", command, *([] if command == "inspect" else WHO_AND_WHY))

    assert result.exit_code == 1
    assert "Say which postbacks" in result.stderr


def test_ids_and_conversion_keys_do_not_mix(postback: Postback, sqlite_ledger: Ledger) -> None:
    result = postback("ledger", "inspect", "1", "purchase:1")

    assert result.exit_code == 1
    assert "Give either ids of postbacks or conversion keys" in result.stderr


def test_replay_shows_asks_and_sends_again_what_was_rejected(
    postback: Postback,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
) -> None:
    enqueue(ledger, desired("1"))
    send(ledger, outcome=Outcome.REJECTED)
    enqueue(ledger, desired("2"))
    command = ("ledger", "replay", "purchase:1", "purchase:2", "--reason", "they fixed it", "--actor", "ann")

    refused = postback(*command, answer="n\n")
    assert (refused.exit_code, state(ledger, "1")) == (1, State.REJECTED)
    replayed = postback(*command, answer="y\n")

    assert "purchase:1" in refused.stdout
    assert "Send these again?" in refused.stdout
    assert replayed.exit_code == 0
    assert "1 done, 1 left alone." in replayed.stdout
    assert "It is pending, so there is nothing to replay." in replayed.stdout
    (story,) = ledger.inspect("purchase:1")
    assert (story.state, story.history[-1].actor, story.history[-1].reason) == (State.PENDING, "ann", "they fixed it")


def test_what_was_accepted_is_replayed_by_force_only(
    postback: Postback,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
) -> None:
    enqueue(ledger, desired("1"))
    send(ledger, outcome=Outcome.ACCEPTED)

    plain = postback("ledger", "replay", "purchase:1", *WHO_AND_WHY)
    assert "To be sent again: 0. Left alone: 1." in plain.stdout
    assert "There is nothing to do." in plain.stdout
    assert "replaying it needs force and makes a new revision" in plain.stdout
    forced = postback("ledger", "replay", "purchase:1", "--force", *WHO_AND_WHY)

    assert "1 done, 0 left alone." in forced.stdout
    assert [story.revision for story in ledger.inspect("purchase:1")] == [1, 2]


def test_without_a_name_or_a_state_a_command_looks_only_at_what_it_is_for(
    postback: Postback,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
) -> None:
    for order, outcome in (("1", Outcome.ACCEPTED), ("2", Outcome.REJECTED), ("3", Outcome.UNKNOWN)):
        enqueue(ledger, desired(order))
        send(ledger, outcome=outcome)
    enqueue(ledger, desired("4"))
    of_partner = ("--destination", "partner")

    said = [
        postback("ledger", *command, *of_partner, *WHO_AND_WHY).stdout
        for command in (["resolve", "--as", "rejected"], ["cancel"], ["replay", "--force"])
    ]

    assert [each.splitlines()[-1] for each in said] == [
        "1 done, 0 left alone.",
        "1 done, 0 left alone.",
        "3 done, 0 left alone.",
    ]
    assert [state(ledger, order) for order in "1234"] == [State.ACCEPTED, *[State.PENDING] * 3]


def test_cancel_takes_back_what_has_not_left(
    postback: Postback, ledger: Ledger, enqueue: Callable[..., EnqueueReport], desired: Callable[..., Desired]
) -> None:
    enqueue(ledger, desired("1"), desired("2"))

    result = postback("ledger", "cancel", "purchase:2", *WHO_AND_WHY)

    assert result.exit_code == 0
    assert (state(ledger, "1"), state(ledger, "2")) == (State.PENDING, State.CANCELLED)


def test_a_command_without_anybody_to_answer_changes_nothing(
    postback: Postback, ledger: Ledger, enqueue: Callable[..., EnqueueReport], desired: Callable[..., Desired]
) -> None:
    enqueue(ledger, desired("1"))

    result = postback("ledger", "cancel", "purchase:1", "--reason", "x", "--actor", "ann")

    assert result.exit_code == 1
    assert state(ledger, "1") is State.PENDING


def test_a_selection_that_finds_nothing_is_a_sentence(postback: Postback, ledger: Ledger) -> None:
    result = postback("ledger", "cancel", "purchase:nobody", *WHO_AND_WHY)

    assert result.exit_code == 1
    assert result.stderr == "No postback fits. Nothing was changed.\n"


@pytest.mark.parametrize(
    ("found_out", "expected"),
    [("accepted", State.ACCEPTED), ("rejected", State.REJECTED), ("resend", State.PENDING)],
)
def test_resolve_says_what_a_person_found_out_about_an_unknown_attempt(
    postback: Postback,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
    found_out: str,
    expected: State,
) -> None:
    enqueue(ledger, desired("1"))
    send(ledger, outcome=Outcome.UNKNOWN, reason="connection reset")
    (story,) = ledger.inspect("purchase:1")
    assert story.state is State.PARKED

    result = postback("ledger", "resolve", str(story.postback_id), "--as", found_out, *WHO_AND_WHY)

    assert result.exit_code == 0, result.output
    assert "connection reset" in result.stdout
    assert state(ledger, "1") is expected


def test_resolving_what_is_not_parked_is_a_sentence(
    postback: Postback, ledger: Ledger, enqueue: Callable[..., EnqueueReport], desired: Callable[..., Desired]
) -> None:
    enqueue(ledger, desired("1"))
    (story,) = ledger.inspect("purchase:1")

    result = postback("ledger", "resolve", str(story.postback_id), "--as", "accepted", *WHO_AND_WHY)

    assert result.exit_code == 0
    assert "only a parked one can be resolved" in result.stdout
    assert state(ledger, "1") is State.PENDING


def test_pause_and_resume_say_whether_they_changed_anything(postback: Postback, ledger: Ledger) -> None:
    said = [
        postback("ledger", command, "partner", *WHO_AND_WHY).stdout.splitlines()
        for command in ("pause", "pause", "resume", "resume")
    ]

    assert said == [
        ["partner is running; 0 postbacks are due.", "partner is paused."],
        ["partner is paused by ann: asked by support; 0 postbacks are due.", "There is nothing to do."],
        ["partner is paused by ann: asked by support; 0 postbacks are due.", "partner is resumed."],
        ["partner is running; 0 postbacks are due.", "There is nothing to do."],
    ]


def test_a_persons_pause_replaces_the_machines_own_and_says_so(postback: Postback, ledger: Ledger) -> None:
    ledger.pause("partner", reason="it said 401", actor="drain", mark="1a2b")

    result = postback("ledger", "pause", "partner", *WHO_AND_WHY)

    assert result.stdout.splitlines() == [
        "partner is paused by drain: it said 401; 0 postbacks are due.",
        "partner is paused.",
    ]
    due = ledger.due(["partner"])["partner"]
    assert (due.paused, due.pause_mark) == (True, None)


def test_a_destination_that_the_settings_do_not_have_is_not_paused(postback: Postback, sqlite_ledger: Ledger) -> None:
    result = postback("ledger", "pause", "partnr", *WHO_AND_WHY)

    assert result.exit_code == 1
    assert "'partnr' is not a destination of" in result.stderr
    assert sqlite_ledger.status().destinations == ()


@pytest.mark.parametrize("command", ["replay", "cancel", "pause", "resume", "approve", "resolve", "import"])
def test_every_step_needs_a_reason(postback: Postback, sqlite_ledger: Ledger, command: str) -> None:
    result = postback("ledger", command, "1", *(["--as", "resend"] if command == "resolve" else []))

    assert result.exit_code == 2
    assert "--reason" in result.stderr


def test_an_empty_reason_is_none(postback: Postback, sqlite_ledger: Ledger) -> None:
    result = postback("ledger", "pause", "partner", "--reason", " ", "--yes")

    assert result.exit_code == 1
    assert "needs a name and a reason" in result.stderr


IMPORT = (
    "destination,conversion_key,event_name,value,currency,transaction_id,event_time,click_id,identifiers\n"
    "partner,purchase:1,purchase,10.50,GBP,1,2026-01-02T03:04:05+01:00,clk,gclid=abc|fbclid=def\n"
    "crm,purchase:1,purchase,7,JPY,1,2026-01-02T03:04:05Z,,\n"
)


def test_import_notes_what_was_reported_before_as_accepted(postback: Postback, ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "told.csv").write_text(IMPORT)

    first = postback("ledger", "import", "told.csv", *WHO_AND_WHY)
    second = postback("ledger", "import", "told.csv", *WHO_AND_WHY)

    assert first.stdout.endswith("2 imported; 0 were known and stay as they are.\n")
    assert "0 to be imported; 2 were known and stay as they are.\n" in second.stdout
    crm, partner = ledger.inspect("purchase:1")
    assert (partner.state, partner.value, partner.currency) == (State.ACCEPTED, Decimal("10.50"), "GBP")
    assert partner.event_time == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert (partner.identifiers, partner.click_id) == (("fbclid", "gclid"), "clk")
    assert (crm.value, crm.click_id, crm.attempts) == (Decimal(7), None, ())


def test_a_wrong_import_is_told_whole_and_imports_nothing(
    postback: Postback, sqlite_ledger: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "told.csv").write_text(
        IMPORT
        + "partner,purchase:1,purchase,1,GBP,1,2026-01-02T03:04:05Z,,\n"
        + "nobody,1,purchase,-1,XAU,1,2026-01-02 03:04:05,,gclid\n"
        + "nobody,1,purchase,1.23456,GBP,1,2026-01-02,,\n"
    )

    result = postback("ledger", "import", "told.csv", *WHO_AND_WHY)

    assert result.exit_code == 1
    *mistakes, _ = [line.removeprefix("told.csv, ") for line in result.stderr.splitlines()]
    assert mistakes == [
        "row 5, column value: '-1' is too small; the least is 0.",
        "row 5, column currency: 'XAU' is not an ISO 4217 currency.",
        "row 5, column event_time: '2026-01-02 03:04:05' has no time zone; write it like 2026-01-31T09:00:00Z.",
        "row 5, column identifiers: write identifiers like gclid=abc|fbclid=def.",
        "row 6, column value: Decimal input should have no more than 4 decimal places.",
        "row 4, column conversion_key: it is there already in row 2.",
    ]
    assert sqlite_ledger.status().destinations == ()
