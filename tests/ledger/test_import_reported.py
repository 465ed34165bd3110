"""What a previous sender reported is imported as accepted, once, and adjusted like anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from postback_pipeline.ledger import Action, ImportReport, LedgerError, Reported
from postback_pipeline.model import Kind, State
from postback_pipeline.settings import Guard

if TYPE_CHECKING:
    from tests.ledger.conftest import Shop


def reported(shop: Shop, key: str = "purchase:1", value: str = "10.00", destination: str = "meta") -> Reported:
    return Reported(
        destination=destination,
        conversion_key=key,
        event_name="purchase",
        value=Decimal(value),
        currency="GBP",
        transaction_id="old-1",
        event_time=shop.clock.now - timedelta(days=3),
        click_id="old-click",
        identifiers={"gclid": "g.1"},
    )


def run(shop: Shop, *rows: Reported) -> ImportReport:
    return shop.ledger.import_reported(rows, actor="ann", reason="moving over")


def test_an_imported_report_is_accepted_without_an_attempt(shop: Shop) -> None:
    assert run(shop, reported(shop)) == ImportReport(inserted=1, known=0)
    story = shop.newest()
    assert (story.revision, story.kind, story.state, story.attempts) == (1, Kind.CONVERSION, State.ACCEPTED, ())
    assert [(change.from_state, change.to_state, change.actor) for change in story.history] == [
        (None, State.ACCEPTED, "ann")
    ]
    assert shop.claim() == []


def test_importing_again_changes_nothing(shop: Shop) -> None:
    run(shop, reported(shop))
    before = shop.history()
    assert run(shop, reported(shop, value="99.00"), reported(shop, "purchase:2")) == ImportReport(inserted=1, known=1)
    assert shop.history()[: len(before)] == before
    assert shop.newest().value == Decimal("10.00")


def test_what_the_ledger_sent_itself_is_not_overwritten(shop: Shop) -> None:
    shop.tell("7.00")
    assert run(shop, reported(shop)) == ImportReport(inserted=0, known=1)
    assert shop.newest().value == Decimal("7.00")


def test_the_warehouse_s_next_look_finds_nothing_to_tell(shop: Shop) -> None:
    run(shop, reported(shop, value="10.0"))
    assert shop.report("10.00").actions == {Action.KNOWN: 1}
    assert shop.history()[0]["fingerprint"] == shop.desired(value="10.00").fingerprint
    odd = replace(shop.desired(value="10.00"), fingerprint="written otherwise")
    assert shop.enqueue(odd).actions == {Action.KNOWN: 1}


def test_an_adjustment_keeps_what_was_reported_and_takes_the_rest_from_the_outbox(shop: Shop) -> None:
    run(shop, reported(shop))
    assert shop.report("7.00").kinds == {Kind.RESTATEMENT: 1}
    facts = shop.rendered[-1].facts
    assert (facts.transaction_id, facts.click_id, facts.identifiers) == ("old-1", "old-click", {"gclid": "g.1"})
    assert facts.event_time == shop.clock.now - timedelta(days=3)
    assert (facts.receiver_event, facts.event_id) == ("Purchase", "event-purchase:1")
    assert shop.rendered[-1].previous_value == Decimal("10.00")


def test_an_import_does_not_count_as_volume(shop: Shop) -> None:
    run(shop, *[reported(shop, f"purchase:{number}") for number in range(100)])
    shop.guard = Guard(minimum=10, multiple=2)
    rows = [shop.desired(f"purchase:{number}", against=0) for number in range(1_000, 1_011)]
    assert shop.enqueue(*rows).stopped_by is not None


@pytest.mark.parametrize(
    ("second", "word"),
    [
        ({"value": Decimal("-1")}, "Row 2 of the import: The desired value is not an amount"),
        ({"currency": "pounds"}, "Row 2 of the import: The currency"),
        ({"conversion_key": "purchase:1"}, "Row 2 of the import: The conversion purchase:1 of meta stands there twice"),
    ],
)
def test_one_wrong_row_stops_the_whole_import(shop: Shop, second: dict[str, object], word: str) -> None:
    wrong = replace(reported(shop, "purchase:2"), **second)  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match=word):
        run(shop, reported(shop), wrong)
    assert shop.history() == []
