"""Every order's decision for every destination, every refund's effect and every touchpoint, worked out a second time.

Belongs here: the rules as they are written down, over the shop's landing files: standard library only, nothing of
`postback_pipeline`, no SQL. Does not belong here: what a first run sends (`online_retail.py`), any warehouse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from tests.oracle.online_retail import (
    CENT,
    IDENTIFIERS,
    KEYS,
    QUALIFYING,
    Click,
    Clicks,
    Order,
    Route,
    apply_refunds,
    instant,
    read,
    read_clicks,
    read_orders,
    winners,
)


@dataclass(frozen=True)
class Terms:
    """A route with the rest of its rules. Consent is to `ad_user_data`; a denial blocks."""

    route: Route
    starts: datetime | None = None
    ends: datetime | None = None
    hold: timedelta = timedelta(0)
    asks_consent: bool = False
    unknown_blocks: bool = False
    #: Does not send what the shop's pixel, heard by every destination, reported.
    suppresses: bool = False

    def holds(self, order: Order) -> bool:
        """Whether the route was in force when the order was placed."""
        return (self.starts is None or self.starts <= order.ordered_at) and (
            self.ends is None or order.ordered_at < self.ends
        )


class Decided(NamedTuple):
    """One decision: the reason, and the click that the destination would be told of."""

    reason: str
    click_id: str | None


class Effect(NamedTuple):
    """What a refund did to its order. Amounts in pounds."""

    order_id: str
    kind: str
    month: str
    status: str
    applied: Decimal
    excess: Decimal


def decisions(landing: Path, terms: Sequence[Terms], as_of: datetime) -> dict[tuple[str, str], Decided]:
    """(order, destination) -> the decision at `as_of`, of all orders and all routes."""
    orders = read_orders(landing)
    apply_refunds(landing, orders)
    clicks = Clicks(read_clicks(landing))
    consents = _Consents(landing)
    seen_by_pixel = set(_pixel_orders(landing))
    decided = {}
    for order in orders.values():
        matches = {each.route: best for each in terms if (best := clicks.best(order, each.route))}
        # A route that is not in force takes nothing from the others of its group.
        held = winners(
            {each.route: matches[each.route] for each in terms if each.route in matches and each.holds(order)}
        )
        for each in terms:
            match = matches.get(each.route)
            reason = (
                _own_reason(order)
                or _route_reason(order, each, as_of)
                or ("no_match" if match is None else None)
                or ("lost_to_other_route" if each.route not in held else None)
                or _consent_reason(each, consents.state(order))
                or ("pixel_reported" if each.suppresses and order.order_id in seen_by_pixel else None)
                or ("fully_reversed" if order.net == 0 else None)
                or "eligible"
            )
            decided[order.order_id, each.route.destination] = Decided(reason, match.click_id if match else None)
    return decided


def effects(landing: Path) -> dict[str, Effect]:
    """Refund -> its effect, of those that name an order and have the declared sign, in their order of time."""
    orders = read_orders(landing)
    rows = [row for row in read(landing, "refunds") if "order_id" in row and Decimal(row["amount"]) >= 0]
    left = {order.order_id: order.amount for order in orders.values()}
    found = {}
    for row in sorted(rows, key=lambda row: (instant(row["refunded_at"]), row["refund_id"])):
        amount = Decimal(row["amount"])
        applied = min(amount, left[row["order_id"]])
        left[row["order_id"]] -= applied
        status = "over_refund" if amount > applied else "applied"
        month = f"{instant(row['refunded_at']):%Y-%m}"
        found[row["refund_id"]] = Effect(
            row["order_id"], row["kind"], month, status, applied.quantize(CENT), (amount - applied).quantize(CENT)
        )
    return found


def touchpoints(landing: Path, lookback: timedelta) -> dict[str, list[str]]:
    """Order that is a conversion -> its clicks with any network identifier, the oldest first; at once by their ids."""
    by_key: dict[tuple[str, str], list[Click]] = defaultdict(list)
    for click in read_clicks(landing).values():
        if any(name in click.identifiers for name in IDENTIFIERS):
            for key, value in click.keys.items():
                by_key[key, value].append(click)
    found = {}
    for order in read_orders(landing).values():
        clicks = {
            (click.clicked_at, click.click_id)
            for key in KEYS
            if key in order.keys
            for click in by_key[key, order.keys[key]]
            if order.ordered_at - lookback <= click.clicked_at <= order.ordered_at
        }
        if clicks and _own_reason(order) is None:
            found[order.order_id] = [click_id for _, click_id in sorted(clicks)]
    return found


class _Consents:
    """What the person of an order said: a denial counts whether it held at the time of the order or came later."""

    def __init__(self, landing: Path) -> None:
        self._records: dict[tuple[str, str], list[tuple[datetime, str]]] = defaultdict(list)
        for row in read(landing, "consents"):
            if row["purpose"] == "ad_user_data":
                subject = (row["subject_type"], row["subject_id"])
                self._records[subject].append((instant(row["recorded_at"]), row["state"]))
        for records in self._records.values():
            records.sort()

    def state(self, order: Order) -> str:
        states: set[str] = set()
        for subject in ("user", "session"):
            records = self._records.get((subject, order.keys.get(f"{subject}_id", "")), [])
            states |= {state for _, state in records[-1:]}
            states |= {state for _, state in [each for each in records if each[0] <= order.ordered_at][-1:]}
        return "denied" if "denied" in states else "granted" if states else "unknown"


def _pixel_orders(landing: Path) -> Iterator[str]:
    """The orders that pixel events name, by their order id, or in their event id `px-<order>`."""
    for row in read(landing, "pixel_events"):
        if row["event"] != "purchase" or "destination" in row:
            raise SystemExit(f"pixel event {row['event_id']}: other events and destinations are not known here.")
        yield row.get("order_id") or row["event_id"].removeprefix("px-")


def _own_reason(order: Order) -> str | None:
    if order.status not in QUALIFYING:
        return "not_qualified"
    return "zero_value" if order.amount == 0 else None


def _route_reason(order: Order, terms: Terms, as_of: datetime) -> str | None:
    if terms.starts and order.ordered_at < terms.starts:
        return "before_start"
    if terms.ends and order.ordered_at >= terms.ends:
        return "after_end"
    return "on_hold" if as_of < order.ordered_at + terms.hold else None


def _consent_reason(terms: Terms, state: str) -> str | None:
    if not terms.asks_consent or state == "granted":
        return None
    if state == "denied":
        return "consent_denied"
    return "consent_unknown" if terms.unknown_blocks else None
