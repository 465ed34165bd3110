"""What the online-retail deployment must report, worked out a second time straight from its landing files.

An independent program: the standard library only, nothing of `postback_pipeline`, no SQL. It follows the landing
contract and the attribution, refund and zero-value rules as they are written down, over the routes and the conversion
definition of `examples/online_retail`, and refuses data that those rules would need more than it knows for.

    python tests/oracle/online_retail.py LANDING          a summary to read
    python tests/oracle/online_retail.py LANDING --json   the same, with the exact requests of a first run
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

SHOP_CLOCK = ZoneInfo("Europe/London")
CURRENCY = "GBP"
CENT = Decimal("0.01")
QUALIFYING = {"paid", "shipped", "completed"}
LOOKBACK = timedelta(days=30)
#: Explicit first, then the order in which keys win a tie.
KEYS = ("click_id", "session_id", "cart_id", "user_id")
IDENTIFIERS = ("gclid", "fbclid", "irclickid", "msclkid")

Row = dict[str, Any]


@dataclass(frozen=True)
class Route:
    """A destination that wants purchases: the identifier it accepts and the group it competes in."""

    destination: str
    identifier: str
    group: str | None = None
    lookback: timedelta = LOOKBACK


ROUTES = (
    Route("google", "gclid"),
    Route("meta", "fbclid"),
    Route("impact", "irclickid", "partners"),
    Route("microsoft", "msclkid", "partners"),
)


@dataclass(frozen=True)
class Click:
    """A click and the network identifiers of its landing page."""

    click_id: str
    clicked_at: datetime
    keys: dict[str, str]
    identifiers: dict[str, str]


@dataclass
class Order:
    """An order and what was given back of it. Amounts in pounds."""

    order_id: str
    ordered_at: datetime
    status: str
    amount: Decimal
    keys: dict[str, str]
    refunded: Decimal = Decimal(0)

    @property
    def net(self) -> Decimal:
        """What it is worth now: amount x (1 - refunded / amount), to the penny, never below zero."""
        return max(Decimal(0), self.amount - self.refunded).quantize(CENT)


@dataclass(frozen=True, order=True)
class Standing:
    """How well a click stands among the candidates of one order: the smallest wins."""

    #: False (first) for the click that the order names itself.
    not_explicit: bool
    #: Newer clicks first.
    age: timedelta
    #: On a tie: session, cart, user.
    key: int
    click_id: str
    click: Click = field(compare=False)


def read(landing: Path, entity: str) -> Iterator[Row]:
    """The rows of an entity's CSV and JSON Lines files, empty columns left out."""
    for path in sorted((landing / entity).rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
            lines = io.StringIO(text, newline="")
            rows = csv.DictReader(lines) if ".csv" in path.name else map(json.loads, lines)
            for row in rows:
                yield {column: value for column, value in row.items() if value not in ("", None)}


def instant(text: str) -> datetime:
    """UTC; a time without a zone is the shop's wall clock."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=SHOP_CLOCK)).astimezone(UTC)


def identity(row: Row) -> dict[str, str]:
    """The identity keys that a row has."""
    return {key: row[key] for key in KEYS if key in row}


def read_orders(landing: Path) -> dict[str, Order]:
    """Orders by id, refunds not yet applied."""
    orders: dict[str, Order] = {}
    for row in read(landing, "orders"):
        order = Order(row["order_id"], instant(row["ordered_at"]), row["status"], Decimal(row["amount"]), identity(row))
        if order.order_id in orders:
            raise SystemExit(f"order {order.order_id} appears twice: this program knows no versions of an order.")
        if order.amount < 0 or row["currency"] != CURRENCY:
            raise SystemExit(f"order {order.order_id}: negative amounts and other currencies are not known here.")
        if any(name in row for name in (*IDENTIFIERS, "is_test")):
            raise SystemExit(f"order {order.order_id}: stored identifiers and test orders are not known here.")
        orders[order.order_id] = order
    return orders


def apply_refunds(landing: Path, orders: dict[str, Order]) -> dict[str, int]:
    """Adds what was given back to each order; counts the rows and why some of them do not count."""
    counts = {"refunds": 0, "refunds_not_loaded": 0, "refunds_without_order_id": 0, "refunds_awaiting_order": 0}
    for row in read(landing, "refunds"):
        counts["refunds"] += 1
        counts["refunds_without_order_id"] += "order_id" not in row
        if row["kind"] == "dispute_won" or row["currency"] != CURRENCY:
            raise SystemExit(f"refund {row['refund_id']}: won disputes and other currencies are not known here.")
        if "order_id" not in row or Decimal(row["amount"]) < 0:
            counts["refunds_not_loaded"] += 1
        elif row["order_id"] not in orders:
            counts["refunds_awaiting_order"] += 1
        else:
            orders[row["order_id"]].refunded += Decimal(row["amount"])
    return counts


def read_clicks(landing: Path) -> dict[str, Click]:
    """Clicks by id."""
    clicks: dict[str, Click] = {}
    for row in read(landing, "clicks"):
        if row["click_id"] in clicks:
            raise SystemExit(f"click {row['click_id']} appears twice: which row holds is not known here.")
        query = dict(reversed(parse_qsl(urlsplit(row.get("landing_url", "")).query)))
        identifiers = {name: query[name] for name in IDENTIFIERS if name in query}
        clicks[row["click_id"]] = Click(row["click_id"], instant(row["clicked_at"]), identity(row), identifiers)
    return clicks


class Clicks:
    """Finds the best candidate of an order for a route."""

    def __init__(self, clicks: dict[str, Click]) -> None:
        """Indexes the clicks by each identity key."""
        self._by_key: dict[tuple[str, str], list[Click]] = defaultdict(list)
        for click in clicks.values():
            for key, value in click.keys.items():
                self._by_key[key, value].append(click)

    def best(self, order: Order, route: Route) -> Standing | None:
        """The winning candidate: carries the identifier, shares a key, lies in the window (both ends included)."""
        candidates = [
            Standing(rank > 0, order.ordered_at - click.clicked_at, rank, click.click_id, click)
            for rank, key in enumerate(KEYS)
            if key in order.keys
            for click in self._by_key[key, order.keys[key]]
            if route.identifier in click.identifiers
            and order.ordered_at - route.lookback <= click.clicked_at <= order.ordered_at
        ]
        return min(candidates, default=None)


def winners(matches: dict[Route, Standing]) -> set[Route]:
    """The routes whose candidate holds against those of the other routes of their group."""
    held = set()
    for route, standing in matches.items():
        others = [other for other in matches if other is not route and other.group == route.group]
        rivals = [matches[other] for other in others if other.group is not None]
        if standing in rivals:
            raise SystemExit(f"click {standing.click_id} carries identifiers of two routes of group {route.group}.")
        if all(standing < rival for rival in rivals):
            held.add(route)
    return held


def report(landing: Path) -> Row:
    """Everything this program knows about a landing folder; money as text."""
    orders = read_orders(landing)
    refunds = apply_refunds(landing, orders)
    clicks = Clicks(read_clicks(landing))
    zero_value = [order for order in orders.values() if order.amount == 0]
    conversions = [order for order in orders.values() if order.amount > 0 and order.status in QUALIFYING]
    counts = {route: {"matches": 0, "winners": 0, "lost": 0} for route in ROUTES}
    expected: list[Row] = []
    for order in conversions:
        matches = {route: best for route in ROUTES if (best := clicks.best(order, route))}
        held = winners(matches)
        for route, best in matches.items():
            counts[route]["matches"] += 1
            counts[route]["winners" if route in held else "lost"] += 1
            if route in held and order.net > 0:
                expected.append(_request(route, order, best.click))
    return {
        "orders": len(orders),
        "zero_value": len(zero_value),
        "zero_value_with_refund": sum(order.refunded > 0 for order in zero_value),
        "conversions": len(conversions),
        "fully_reversed": sum(order.net == 0 for order in conversions),
        "partly_reversed": sum(order.refunded > 0 and order.net > 0 for order in conversions),
        "over_refunded": sum(order.refunded > order.amount for order in conversions),
        **refunds,
        "gross": str(sum((order.amount for order in conversions), Decimal(0))),
        "net": str(sum((order.net for order in conversions), Decimal(0))),
        "destinations": {route.destination: counts[route] | _sent(route, expected) for route in ROUTES},
        "expected": expected,
    }


def _sent(route: Route, expected: list[Row]) -> Row:
    values = [Decimal(request["value"]) for request in expected if request["destination"] == route.destination]
    return {"requests": len(values), "value": str(sum(values, Decimal(0)))}


def _request(route: Route, order: Order, click: Click) -> Row:
    return {
        "destination": route.destination,
        "order_id": order.order_id,
        "click_id": click.click_id,
        "identifier": route.identifier,
        "identifier_value": click.identifiers[route.identifier],
        "value": str(order.net),
        "currency": CURRENCY,
        "event_time": order.ordered_at.isoformat(),
    }


def main() -> None:
    """Reads the landing folder that the command line names."""
    parser = argparse.ArgumentParser(description="What the online-retail deployment must report, from its files.")
    parser.add_argument("landing", type=Path)
    parser.add_argument("--json", action="store_true", help="with the exact requests of a first run")
    arguments = parser.parse_args()
    answer = report(arguments.landing)
    if not arguments.json:
        del answer["expected"]
    sys.stdout.write(json.dumps(answer, indent=1) + "\n")


if __name__ == "__main__":
    main()
