"""A person steps in: a form with reason and name, what it would do, the deed, and who may not."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from postback_pipeline.delivery.enqueue import rules_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Ledger, LedgerError, Result, Selection, Story, steps
from postback_pipeline.model import Outcome, Phase, Resolution, State
from postback_pipeline.settings import Settings
from tests.console.reading import hidden_of

RESOLVE = {"destination": "partner", "found_out": "accepted", "reason": "asked them", "actor": "ann"}


def story(ledger: Ledger, order: str) -> Story:
    (found,) = ledger.inspect(f"purchase:{order}")
    return found


def park(ledger: Ledger, shop: Settings, waiting: Story) -> None:
    """Sends what waits, and hears nothing of it."""
    rules = rules_of(build_destinations(shop)["partner"], shop.destinations["partner"])
    (claim,) = ledger.claim("partner", 10, lease_seconds=60, owner="worker", rules=rules)
    assert claim.postback_id == waiting.postback_id
    lost = Result(
        claim.postback_id,
        claim.token,
        finished_at=ledger.now(),
        outcome=Outcome.UNKNOWN,
        reason="no reply",
        phase=Phase.WRITTEN,
    )
    ledger.record([lost], rules=rules)
    ledger.sweep("partner", rules)


def sent(console: TestClient, command: str, **fields: str) -> str:
    """The page after sending a form with the token of its page."""
    token = hidden_of(console.get(f"/actions/{command}").text)["token"]
    page: str = console.post(f"/actions/{command}", data={"token": token, **fields}).text
    return page


def test_resolving_shows_first_and_does_then(console: TestClient, ledger: Ledger) -> None:
    preview = sent(console, "resolve", **RESOLVE)
    assert "To be resolved as accepted: 1. Left alone: 0." in preview
    assert "purchase:4705" in preview
    assert story(ledger, "4705").state is State.PARKED
    done = console.post("/actions/resolve", data=hidden_of(preview))
    assert "1 done, 0 left alone." in done.text
    last = story(ledger, "4705").history[-1]
    assert (last.to_state, last.actor, last.reason) == (State.ACCEPTED, "ann", "asked them")


def test_what_changed_since_the_preview_is_shown_anew(console: TestClient, ledger: Ledger) -> None:
    fields = hidden_of(sent(console, "replay", destination="partner", reason="mended", actor="ann"))
    ledger.cancel(Selection(conversion_keys=["purchase:4707"]), actor="bob", reason="no")
    page = console.post("/actions/replay", data=fields).text
    assert "Since you looked, something changed" in page
    assert story(ledger, "4704").state is State.REJECTED
    assert "done" in console.post("/actions/replay", data=hidden_of(page)).text
    assert story(ledger, "4704").state is State.PENDING


def test_another_postback_than_the_one_seen_is_not_acted_on(
    console: TestClient, ledger: Ledger, shop: Settings
) -> None:
    preview = sent(console, "resolve", **RESOLVE)
    seen, other = story(ledger, "4705"), story(ledger, "4707")
    # The same count as before, of the same kind: one is parked.
    ledger.resolve(Selection(ids=[seen.postback_id]), Resolution.REJECTED, actor="bob", reason="asked")
    park(ledger, shop, other)
    page = console.post("/actions/resolve", data=hidden_of(preview)).text
    assert "Since you looked, something changed" in page
    assert "To be resolved as accepted: 1. Left alone: 0." in page
    assert story(ledger, "4707").state is State.PARKED
    console.post("/actions/resolve", data=hidden_of(page))
    assert story(ledger, "4707").state is State.ACCEPTED


@pytest.mark.parametrize("command", ["replay", "cancel", "resolve"])
def test_a_step_is_refused_in_its_own_transaction_if_it_is_about_others(ledger: Ledger, command: str) -> None:
    chosen = Selection(destination="partner", states=[State.PARKED, State.PENDING])
    who = {"actor": "ann", "reason": "a test"}
    step = {
        "replay": steps.replay(chosen, force=False, **who),
        "cancel": steps.cancel(chosen, **who),
        "resolve": steps.resolve(chosen, Resolution.ACCEPTED, **who),
    }[command]
    seen = step.rehearse(ledger).identity
    with pytest.raises(LedgerError, match="changed just now"):
        step.take(ledger, "0" * 64)
    assert (story(ledger, "4705").state, story(ledger, "4707").state) == (State.PARKED, State.PENDING)
    assert step.take(ledger, seen).count == 1


def test_a_busy_destination_can_be_paused(console: TestClient, ledger: Ledger) -> None:
    preview = sent(console, "pause", destination="partner", reason="a test", actor="ann")
    assert "1 postbacks are due" in preview
    ledger.replay(Selection(states=[State.REJECTED]), actor="bob", reason="mended")
    console.post("/actions/pause", data=hidden_of(preview))
    assert ledger.destination("partner").paused_by == "ann"


def test_a_pause_that_somebody_else_made_meanwhile_is_shown(console: TestClient, ledger: Ledger) -> None:
    ledger.pause("partner", actor="bob", reason="a check")
    preview = sent(console, "resume", destination="partner", reason="over", actor="ann")
    ledger.resume("partner", actor="bob", reason="over")
    ledger.pause("partner", actor="cy", reason="wrong prices")
    page = console.post("/actions/resume", data=hidden_of(preview)).text
    assert "paused by cy: wrong prices" in page
    assert ledger.destination("partner").paused


def test_pausing_and_resuming_a_destination(console: TestClient, ledger: Ledger) -> None:
    for command, paused in (("pause", True), ("resume", False)):
        preview = sent(console, command, destination="partner", reason="a test", actor="ann")
        assert ledger.destination("partner").paused is not paused
        console.post(f"/actions/{command}", data=hidden_of(preview))
        assert ledger.destination("partner").paused is paused
        page = console.get("/destinations/partner").text
        assert ("by ann since" in page) is paused
        assert (">Resume<" in page) is paused


@pytest.mark.parametrize(
    ("command", "fields", "says"),
    [
        ("resolve", {**RESOLVE, "reason": " "}, "Say why"),
        ("resolve", {**RESOLVE, "found_out": ""}, "Say what you found out"),
        ("resolve", {**RESOLVE, "destination": ""}, "Say which postbacks"),
        ("replay", {"postback": "17 purchase:1", "reason": "r", "actor": "a"}, "not both at once"),
        ("cancel", {"postback": "purchase:none", "reason": "r", "actor": "a"}, "No postback fits"),
        ("pause", {"destination": "nobody", "reason": "r", "actor": "a"}, "is not a destination"),
        ("approve", {"approval": "99", "reason": "r", "actor": "a"}, "99"),
        ("approve", {"approval": "x", "reason": "r", "actor": "a"}, "by its number"),
        ("approve", {"approval": "9" * 5_000, "reason": "r", "actor": "a"}, "is no number of this ledger"),
        ("cancel", {"postback": "9" * 5_000, "reason": "r", "actor": "a"}, "is no number of this ledger"),
        ("cancel", {"postback": "9" * 18, "reason": "r", "actor": "a"}, "There is no postback"),
    ],
)
def test_what_is_refused_is_said_and_changes_nothing(
    console: TestClient, ledger: Ledger, command: str, fields: dict[str, str], says: str
) -> None:
    before = [story(ledger, order).state for order in ("4702", "4704", "4705", "4707")]
    page = sent(console, command, **fields)
    assert 'class="refused"' in page
    assert says in page
    assert [story(ledger, order).state for order in ("4702", "4704", "4705", "4707")] == before


@pytest.mark.parametrize("token", ["", "guessed"])
def test_a_form_of_somebody_else_does_nothing(console: TestClient, ledger: Ledger, token: str) -> None:
    preview = hidden_of(sent(console, "resolve", **RESOLVE))
    reply = console.post("/actions/resolve", data={**preview, "token": token})
    assert reply.status_code == 400
    assert "Nothing was changed. Open the page again." in reply.text
    assert story(ledger, "4705").state is State.PARKED


def test_the_parked_page_leads_to_the_filled_in_forms(console: TestClient, ledger: Ledger) -> None:
    page = console.get("/parked").text
    assert "resolve all" in page
    assert "replay all" in page
    one = story(ledger, "4705").postback_id
    assert f"/actions/resolve?postback={one}" in page
    assert f'name="postback" value="{one}"' in console.get(f"/actions/resolve?postback={one}").text
    assert "partner, postbacks of unknown fate" in console.get("/").text
