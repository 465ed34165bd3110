"""Nobody is flooded by accident: an unusual enqueue waits for an approval that names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from postback_pipeline.ledger import LedgerError
from postback_pipeline.model import Kind, Outcome
from postback_pipeline.settings import Guard

if TYPE_CHECKING:
    from postback_pipeline.ledger import EnqueueReport
    from tests.ledger.conftest import Clock, Shop

STRICT = Guard(minimum=10, multiple=2, trailing_days=28, retraction_share=0.5, retraction_minimum=4)


@pytest.fixture
def guarded(shop: Shop) -> Shop:
    shop.guard = STRICT
    return shop


def flood(shop: Shop, count: int, start: int = 0, **more: Any) -> EnqueueReport:
    rows = [shop.desired(f"purchase:{number}", against=0) for number in range(start, start + count)]
    return shop.enqueue(*rows, **more)


def test_a_usual_enqueue_passes(guarded: Shop) -> None:
    report = flood(guarded, 10)
    assert (report.inserted, report.stopped_by) == (10, None)


def test_a_flood_is_stopped_whole_and_waits(guarded: Shop) -> None:
    report = flood(guarded, 11)
    assert (report.inserted, guarded.history()) == (0, [])
    assert report.stopped_by is not None
    assert (report.stopped_by.destination, report.stopped_by.postbacks, report.stopped_by.retractions) == (
        "meta",
        11,
        0,
    )
    assert report.stopped_by.reason == "11 postbacks for meta are more than the 10 that pass without a question."
    assert guarded.ledger.approvals() == [report.stopped_by]
    assert guarded.ledger.status().approvals == (report.stopped_by,)


def test_the_same_flood_asks_once(guarded: Shop, clock: Clock) -> None:
    first = flood(guarded, 100)
    clock.forward(hours=1)
    assert flood(guarded, 105).stopped_by == first.stopped_by
    assert len(guarded.ledger.approvals()) == 1


def test_a_greater_flood_asks_anew_so_that_nobody_approves_more_than_they_read(guarded: Shop) -> None:
    first = flood(guarded, 100).stopped_by
    second = flood(guarded, 120).stopped_by
    assert first is not None
    assert second is not None
    assert guarded.ledger.approvals() == [second]
    with pytest.raises(LedgerError, match=f"Approval {first.id} is replaced"):
        guarded.ledger.approve(first.id, actor="ann", reason="backfill")


def test_an_approval_lets_one_enqueue_of_about_its_size_through(guarded: Shop) -> None:
    waiting = flood(guarded, 100).stopped_by
    assert waiting is not None
    approved = guarded.ledger.approve(waiting.id, actor="ann", reason="backfill")
    assert (approved.postbacks, approved.approved_by) == (100, "ann")
    assert guarded.ledger.approvals() == []
    assert flood(guarded, 111).stopped_by is not None
    assert flood(guarded, 110).inserted == 110
    assert flood(guarded, 300, start=1_000).stopped_by is not None


def test_an_approval_is_good_for_a_day(guarded: Shop, clock: Clock) -> None:
    waiting = flood(guarded, 100).stopped_by
    assert waiting is not None
    guarded.ledger.approve(waiting.id, actor="ann", reason="backfill")
    clock.forward(hours=24)
    assert flood(guarded, 100).stopped_by is not None


def test_an_approval_that_no_enqueue_needed_for_a_day_waits_no_longer(guarded: Shop, clock: Clock) -> None:
    waiting = flood(guarded, 100).stopped_by
    assert waiting is not None
    clock.forward(hours=24)
    assert guarded.ledger.approvals() == []
    with pytest.raises(LedgerError, match="not asked for"):
        guarded.ledger.approve(waiting.id, actor="ann", reason="backfill")


def test_only_what_waits_can_be_approved_and_only_by_somebody(guarded: Shop) -> None:
    waiting = flood(guarded, 100).stopped_by
    assert waiting is not None
    with pytest.raises(LedgerError, match="does not exist"):
        guarded.ledger.approve(99, actor="ann", reason="backfill")
    with pytest.raises(LedgerError, match="a name and a reason"):
        guarded.ledger.approve(waiting.id, actor="ann", reason=" ")
    assert guarded.ledger.approvals() == [waiting]
    guarded.ledger.approve(waiting.id, actor="ann", reason="backfill")
    with pytest.raises(LedgerError, match="is approved"):
        guarded.ledger.approve(waiting.id, actor="bob", reason="backfill")


def test_the_limit_grows_with_the_trailing_volume(guarded: Shop, clock: Clock) -> None:
    for day in range(10):
        assert flood(guarded, 10, start=10 * day).inserted == 10
        clock.forward(days=1)
    # Ten days with ten each: twice the average of ten a day.
    assert flood(guarded, 21, start=1_000).stopped_by is not None
    assert flood(guarded, 20, start=1_000).inserted == 20


def test_the_volume_of_a_first_hour_is_not_taken_for_a_day_s(guarded: Shop, clock: Clock) -> None:
    flood(guarded, 6)
    clock.forward(hours=1)
    # Twice six, not twice 144.
    assert flood(guarded, 13, start=100).stopped_by is not None
    assert flood(guarded, 12, start=100).inserted == 12


def test_volume_of_long_ago_does_not_count(guarded: Shop, clock: Clock) -> None:
    waiting = flood(guarded, 5_600).stopped_by
    assert waiting is not None
    guarded.ledger.approve(waiting.id, actor="ann", reason="backfill")
    flood(guarded, 5_600)
    clock.forward(days=27)
    assert flood(guarded, 300, start=10_000).inserted == 300
    clock.forward(days=29)
    assert flood(guarded, 300, start=20_000).stopped_by is not None


def test_too_many_retractions_are_stopped(guarded: Shop) -> None:
    flood(guarded, 8)
    guarded.ledger.record([guarded.result(claim) for claim in guarded.claim()], rules=guarded.rules)
    retractions = [guarded.desired(f"purchase:{number}", "0") for number in range(4)]
    others = [guarded.desired(f"purchase:{number}", "5.00") for number in range(4, 8)]
    report = guarded.enqueue(*retractions, *others[:3])
    assert report.stopped_by is not None
    assert (report.stopped_by.postbacks, report.stopped_by.retractions) == (7, 4)
    assert "retractions" in report.stopped_by.reason
    assert guarded.enqueue(*retractions, *others).kinds == {Kind.RETRACTION: 4, Kind.RESTATEMENT: 4}


def test_a_few_retractions_pass_whatever_their_share(guarded: Shop) -> None:
    guarded.tell("10.00")
    assert guarded.report("0").kinds == {Kind.RETRACTION: 1}


def test_an_approval_covers_its_number_of_retractions(guarded: Shop) -> None:
    flood(guarded, 10)
    guarded.ledger.record([guarded.result(claim) for claim in guarded.claim()], rules=guarded.rules)
    rows = [guarded.desired(f"purchase:{number}", "0") for number in range(10)]
    waiting = guarded.enqueue(*rows[:5]).stopped_by
    assert waiting is not None
    guarded.ledger.approve(waiting.id, actor="ann", reason="recall")
    assert guarded.enqueue(*rows).stopped_by is not None
    assert guarded.enqueue(*rows[:5]).kinds == {Kind.RETRACTION: 5}


def test_a_stopped_enqueue_takes_nothing_back_either(guarded: Shop) -> None:
    guarded.report("10.00", "purchase:before")
    rows = [guarded.desired(f"purchase:{number}", against=0) for number in range(11)]
    assert guarded.enqueue(guarded.desired("purchase:before", "0"), *rows).stopped_by is not None
    assert len(guarded.claim()) == 1


def test_a_dry_run_says_that_it_would_be_stopped_and_asks_nobody(guarded: Shop) -> None:
    report = flood(guarded, 11, dry_run=True)
    assert report.stopped_by is not None
    assert (report.stopped_by.id, report.stopped_by.postbacks, len(report.planned)) == (0, 11, 11)
    assert guarded.ledger.approvals() == []


def test_a_dry_run_uses_no_approval_up(guarded: Shop) -> None:
    waiting = flood(guarded, 11).stopped_by
    assert waiting is not None
    guarded.ledger.approve(waiting.id, actor="ann", reason="backfill")
    assert flood(guarded, 11, dry_run=True).stopped_by is None
    assert flood(guarded, 11).inserted == 11


def test_what_is_only_repeated_is_no_flood(guarded: Shop) -> None:
    for start in range(0, 30, 10):
        flood(guarded, 10, start=start)
    rows = [guarded.desired(f"purchase:{number}", against=1) for number in range(30)]
    assert guarded.enqueue(*rows).stopped_by is None


def test_the_guard_looks_at_one_destination_at_a_time(guarded: Shop) -> None:
    flood(guarded, 10)
    rows = [guarded.desired(f"purchase:{number}", against=0, destination="affiliate") for number in range(10)]
    assert guarded.enqueue(*rows).inserted == 10


def test_a_rejected_flood_is_no_way_around_the_guard(guarded: Shop) -> None:
    flood(guarded, 10)
    guarded.ledger.record([guarded.result(claim, Outcome.REJECTED) for claim in guarded.claim()], rules=guarded.rules)
    rows = [guarded.desired(f"purchase:{number}", "5.00") for number in range(10)]
    more = [guarded.desired(f"purchase:{number}", against=0) for number in range(100, 120)]
    assert guarded.enqueue(*rows, *more).stopped_by is not None
