"""What the ledger says a person should know of, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from postback_pipeline.ledger import Troubles
from postback_pipeline.model import Outcome, State


def look(shop: Any, *, refused_hours: float = 24, expiring_hours: float = 12, queued_minutes: float = 30) -> Troubles:
    now: datetime = shop.clock.now
    found: Troubles = shop.ledger.troubles(
        refused_since=now - timedelta(hours=refused_hours),
        expiring_before=now + timedelta(hours=expiring_hours),
        queued_before=now - timedelta(minutes=queued_minutes),
    )
    return found


def test_a_ledger_at_rest_has_none(shop: Any) -> None:
    shop.tell("10.00")
    found = look(shop)
    assert (found.pauses, found.approvals, found.postbacks, found.expiring) == ((), (), (), ())
    assert found.at == shop.clock.now


def test_a_pause_says_why_by_whom_and_since_when(shop: Any) -> None:
    began = shop.clock.now
    shop.ledger.pause("meta", actor="drain", reason="it said 401", mark="1a2b")
    shop.ledger.pause("tiktok", actor="ann", reason="they moved")
    shop.clock.forward(hours=2)
    meta, tiktok = look(shop).pauses
    assert (meta.destination, meta.reason, meta.by, meta.since, meta.ends_by_itself) == (
        "meta",
        "it said 401",
        "drain",
        began,
        True,
    )
    assert (tiktok.by, tiktok.ends_by_itself) == ("ann", False)
    shop.ledger.resume("meta", actor="ann", reason="new token")
    assert [each.destination for each in look(shop).pauses] == ["tiktok"]


def test_what_did_not_arrive_is_counted_by_state_and_reason(shop: Any) -> None:
    began = shop.clock.now
    for number, reason in enumerate(["too_old", "too_old", "no_click"]):
        shop.report("10.00", f"purchase:{number}")
        shop.send(Outcome.REJECTED, reason=reason)
        shop.clock.forward(minutes=10)
    found = look(shop).postbacks
    assert [(each.destination, each.state, each.reason, each.count) for each in found] == [
        ("meta", State.REJECTED, "no_click", 1),
        ("meta", State.REJECTED, "too_old", 2),
    ]
    assert (found[1].first_at, found[1].last_at) == (began, began + timedelta(minutes=10))


def test_refusals_pass_and_what_is_parked_stays(shop: Any) -> None:
    shop.report("10.00", "purchase:1")
    shop.send(Outcome.REJECTED, reason="too_old")
    shop.report("10.00", "purchase:2")
    shop.send(Outcome.UNKNOWN, reason="cut off")
    shop.report("10.00", "purchase:3", expires_at=shop.clock.now + timedelta(minutes=1))
    shop.clock.forward(minutes=2)
    shop.sweep()
    states = {each.state for each in look(shop).postbacks}
    assert states == {State.REJECTED, State.PARKED, State.EXPIRED}
    shop.clock.forward(hours=25)
    (parked,) = look(shop).postbacks
    assert (parked.state, parked.count) == (State.PARKED, 1)


def test_what_is_queued_and_runs_out_of_time_is_added_up_by_currency(shop: Any) -> None:
    def ends(hours: float) -> datetime:
        ends_at: datetime = shop.clock.now + timedelta(hours=hours)
        return ends_at

    shop.tell("100.00", "purchase:0")
    shop.report("70.10", "purchase:0", expires_at=ends(9))
    shop.report("10.10", "purchase:1", expires_at=ends(8))
    shop.report("5", "purchase:2", currency="JPY", expires_at=ends(7))
    shop.report("1000.00", "purchase:3", expires_at=ends(48))
    shop.report("1000.00", "purchase:4")
    assert look(shop).expiring == ()
    first = ends(7)
    shop.clock.forward(hours=1)
    (risk,) = look(shop).expiring
    assert (risk.destination, risk.count, risk.first_expires_at) == ("meta", 3, first)
    assert risk.money == {"GBP": Decimal("40.00"), "JPY": Decimal("5.00")}
    shop.clock.forward(hours=10)
    assert look(shop).expiring == ()


def test_a_flood_waits_until_somebody_answers(shop: Any) -> None:
    shop.guard = shop.guard.model_copy(update={"minimum": 1})
    shop.enqueue(shop.desired("purchase:1"), shop.desired("purchase:2"))
    (approval,) = look(shop).approvals
    assert (approval.destination, approval.postbacks) == ("meta", 2)
    shop.ledger.approve(approval.id, actor="ann", reason="a sale")
    assert look(shop).approvals == ()
