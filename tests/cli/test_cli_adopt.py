"""`postback ledger adopt`: a restored ledger is taken on by a person, and what waits in it is parked."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from postback_pipeline.ledger import EnqueueReport, Ledger, LedgerError, open_ledger
from postback_pipeline.model import Desired, State
from postback_pipeline.settings import Settings, load_settings

Postback = Callable[..., Result]
WHY = ("--reason", "the disk was lost", "--actor", "ann")


@pytest.fixture
def settings(ledger: Ledger, enqueue: Callable[..., EnqueueReport], desired: Callable[..., Desired]) -> Settings:
    """A deployment that has seen more of its ledger than there is."""
    enqueue(ledger, desired("1"), desired("2"))
    found = load_settings()
    seen = {"ledger_id": ledger.identity.ledger_id, "seq": 900, "at": "2026-01-10 09:00:00.000000+00:00"}
    found.ledger_mark_path.write_text(json.dumps(seen), encoding="utf-8")
    return found


def reopen(settings: Settings) -> None:
    """As a drain or an enqueue opens it."""
    open_ledger(settings.ledger_url(), settings.environment, mark=settings.ledger_mark_path).close()


def test_row_42_adopting_parks_what_waits_and_lets_the_deployment_go_on(
    postback: Postback, settings: Settings, ledger: Ledger
) -> None:
    with pytest.raises(LedgerError, match="postback ledger adopt"):
        reopen(settings)
    result = postback("ledger", "adopt", *WHY, "--yes")
    assert result.exit_code == 0, result.stderr
    assert "partner" in result.stdout
    assert ledger.inspect("purchase:1")[-1].state is State.PARKED
    reopen(settings)


def test_row_42_a_person_may_say_no(postback: Postback, settings: Settings, ledger: Ledger) -> None:
    refused = postback("ledger", "adopt", *WHY)
    assert refused.exit_code == 1
    assert "2 postbacks parked, 0 to be sent again" in refused.stdout
    assert ledger.inspect("purchase:1")[-1].state is State.PENDING
    with pytest.raises(LedgerError):
        reopen(settings)


def test_a_ledger_that_is_the_newest_is_adopted_only_where_the_whole_home_was_restored(
    postback: Postback, settings: Settings, ledger: Ledger
) -> None:
    settings.ledger_mark_path.unlink()
    refused = postback("ledger", "adopt", *WHY, "--yes")
    assert (refused.exit_code, ledger.inspect("purchase:1")[-1].state) == (1, State.PENDING)
    assert "Nothing was changed." in refused.stderr
    assert postback("ledger", "adopt", *WHY, "--yes", "--whole-home").exit_code == 0
    assert ledger.inspect("purchase:1")[-1].state is State.PARKED
