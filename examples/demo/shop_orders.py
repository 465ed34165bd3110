"""The sample shop's customers and orders, with the clicks, pixel events and consents that belong to them.

Belongs here: how an order comes about. Does not belong here: what follows weeks later, and which day knows of it
(`shop.py`, which also tells what all of it amounts to).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from urllib.parse import quote
from zoneinfo import ZoneInfo

from examples.demo.landing_files import Row, Value

BERLIN = ZoneInfo("Europe/Berlin")
CENT = Decimal("0.01")
#: Network -> its parameter of a landing URL, and how many of a hundred orders follow one of its clicks first.
NETWORKS = {"google": ("gclid", 34), "meta": ("fbclid", 18), "partner": ("irclickid", 9), "microsoft": ("msclkid", 6)}
PRODUCTS = ("teapot", "lampe-grün", "café-cups", "wool-blanket", "door-mat", "candle")
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_"
LOOKBACK_DAYS = 30

Files = dict[str, list[Row]]


class Calendar:
    """The two days' files, and one source of chance for all of the shop."""

    def __init__(self, today: date, seed: int) -> None:
        """Nothing has happened yet."""
        self.random = Random(seed)
        #: The first instant of which nothing is known; of which only day two knows.
        self.end = datetime.combine(today, time(), UTC)
        self.second = self.end - timedelta(days=1)
        self.day_one: Files = defaultdict(list)
        self.day_two: Files = defaultdict(list)

    def put(self, entity: str, at: datetime, suffix: str, row: Row) -> None:
        """Writes a row down on its own day: by week on the first, by date on the second."""
        if at < self.second:
            self.day_one[f"{entity}/{at:%G-W%V}.{suffix}"].append(row)
        else:
            self.day_two[f"{entity}/{at:%Y-%m-%d}.{suffix}"].append(row)

    def chance(self, percent: float) -> bool:
        """True in so many of a hundred cases."""
        return self.random.random() * 100 < percent

    def token(self, length: int) -> str:
        """An id that nobody can guess."""
        return "".join(self.random.choices(LETTERS, k=length))


@dataclass
class Customer:
    """Someone who buys; a guest has no user id."""

    number: int
    is_guest: bool
    #: "granted", "denied", or "" for one who said nothing.
    consent: str
    orders: int = 0


@dataclass
class Order:
    """An order as day one knows it last, and what the shop knows beside it."""

    row: Row
    at: datetime
    amount: Decimal
    customer: Customer
    #: Destinations whose tag saw it.
    seen_by: set[str] = field(default_factory=set)
    refunded: Decimal = Decimal(0)

    @property
    def order_id(self) -> str:
        """The shop's own id."""
        return str(self.row["order_id"])

    @property
    def is_sale(self) -> bool:
        """Whether it is real and paid for."""
        return self.row["status"] in ("paid", "shipped", "completed") and not self.row["is_test"] and self.amount > 0


class Till:
    """Takes orders one after the other."""

    def __init__(self, calendar: Calendar) -> None:
        """Open, and without customers."""
        self._calendar = calendar
        self._random = calendar.random
        self._customers: list[Customer] = []
        self._leads: dict[tuple[str, Value], list[tuple[datetime, Row]]] = defaultdict(list)

    def order(self, order_id: str, at: datetime) -> Order:
        """An order with its clicks, pixel events and the customer's consent; its own row is not written down yet."""
        customer, chance = self._customer(at), self._calendar.chance
        customer.orders += 1
        amount = Decimal(0) if chance(100 / 60) else Decimal(str(self._random.lognormvariate(3.9, 0.7))).quantize(CENT)
        row: Row = {
            "order_id": order_id,
            "ordered_at": at.astimezone(BERLIN),
            "status": "paid",
            "amount": amount.quantize(CENT),
            "currency": "EUR",
            "tax": (amount * 19 / 119).quantize(CENT),
            "paid_at": at + timedelta(minutes=self._random.randint(1, 90)),
            "updated_at": None,
            "is_new_customer": customer.orders == 1,
            "is_test": chance(1),
            "session_id": f"s-{self._calendar.token(12)}",
            "user_id": "guest" if customer.is_guest else f"u-{customer.number}",
            "cart_id": f"k-{order_id}",
            "click_id": None,
            "email": self._untidy(f"person.{customer.number}@example.com"),
            "phone": f"+49 30 5550{customer.number:04}",
            "country": "DE",
            "ip": f"203.0.113.{self._random.randint(1, 254)}",
        }
        order = Order(row, at, amount, customer)
        if customer.is_guest:
            self._consent(customer, "session", str(row["session_id"]), at)
        self._follow_clicks(order)
        self._fire_pixels(order)
        return order

    def _customer(self, at: datetime) -> Customer:
        if self._customers and self._calendar.chance(25):
            return self._random.choice(self._customers)
        consent = self._random.choices(["granted", "denied", ""], [78, 12, 10])[0]
        customer = Customer(len(self._customers) + 1_001, self._calendar.chance(20), consent)
        if not customer.is_guest:
            self._consent(customer, "user", f"u-{customer.number}", at)
        self._customers.append(customer)
        return customer

    def _consent(self, customer: Customer, subject_type: str, subject_id: str, at: datetime) -> None:
        if not customer.consent:
            return
        told = [(customer.consent, at - timedelta(minutes=9))]
        if customer.consent == "granted" and self._calendar.chance(3):
            customer.consent = "denied"
            told.append(("denied", at + timedelta(minutes=4)))
        for state, recorded_at in told:
            row: Row = {"subject_type": subject_type, "subject_id": subject_id, "purpose": "ad_user_data"}
            self._calendar.put("consents", at, "jsonl", row | {"state": state, "recorded_at": recorded_at})

    def _untidy(self, email: str) -> str:
        return self._random.choice([email, email.upper(), f" {email}", email.title()])

    def _fire_pixels(self, order: Order) -> None:
        for destination in ("google", "meta"):
            if not self._calendar.chance(75):
                continue
            order.seen_by.add(destination)
            row: Row = {
                "event_id": f"px-{order.order_id}",
                "event": "purchase",
                "occurred_at": order.at + timedelta(seconds=self._random.randint(1, 20)),
                "destination": destination,
                "order_id": None if self._calendar.chance(10) else order.order_id,
                "session_id": order.row["session_id"],
                "value": order.amount.quantize(CENT),
                "currency": "EUR",
            }
            self._calendar.put("pixel_events", order.at, "parquet", row)

    def _follow_clicks(self, order: Order) -> None:
        for network in self._touched():
            days = min(self._random.expovariate(1 / 1.5), LOOKBACK_DAYS - 1.0)
            if self._calendar.chance(3):
                days = self._random.uniform(LOOKBACK_DAYS + 0.5, LOOKBACK_DAYS + 15)
            clicked_at = order.at - timedelta(days=days, minutes=2)
            self._lead(order, self.click(network, clicked_at), clicked_at)
        if self._calendar.chance(5):
            click = self.click("google", order.at + timedelta(minutes=self._random.randint(1, 60)))
            self._calendar.put("clicks", order.at, "jsonl.gz", click | {"session_id": order.row["session_id"]})

    def _touched(self) -> list[str]:
        shares = [share for _, share in NETWORKS.values()]
        if not self._calendar.chance(sum(shares)):
            return []
        first = self._random.choices(list(NETWORKS), shares)[0]
        others = [network for network in NETWORKS if network != first]
        return [first, self._random.choice(others)] if self._calendar.chance(100 / 3) else [first]

    def _lead(self, order: Order, click: Row, clicked_at: datetime) -> None:
        """Ties a click to the order by one of the keys, and writes it down."""
        key = self._random.choices(["session_id", "user_id", "cart_id", "click_id"], [55, 20, 10, 15])[0]
        if (key == "click_id" and order.row["click_id"]) or (key == "user_id" and order.customer.is_guest):
            key = "session_id"
        if key == "click_id":
            order.row["click_id"] = click["click_id"]
        else:
            click[key] = order.row[key]
        self._leads[key, click[key]].append((clicked_at, click))
        self._calendar.put("clicks", clicked_at, "jsonl.gz", click)

    def followed(self, order: Order) -> list[Row]:
        """The clicks that an order could follow: they share a key with it and lie in the 30 days before it."""
        keys = [(key, order.row[key]) for key in ("session_id", "user_id", "cart_id", "click_id")]
        leads = [lead for key in keys for lead in self._leads.get(key, [])]
        return [click for at, click in leads if order.at - timedelta(days=LOOKBACK_DAYS) <= at <= order.at]

    def click(self, network: str, clicked_at: datetime) -> Row:
        """A click that leads to no order yet."""
        # A tracker's ids may have colons, slashes and equal signs: the URL has to encode them.
        value = self._calendar.token(18) + (":a/b=" if network == "partner" else "")
        page = f"https://shop.example/p/{quote(self._random.choice(PRODUCTS))}"
        return {
            "click_id": f"c-{self._calendar.token(16)}",
            "clicked_at": clicked_at.replace(microsecond=0),
            "landing_url": f"{page}?utm_source={network}&{NETWORKS[network][0]}={quote(value, safe='')}&q=gift%20set",
            "session_id": f"s-{self._calendar.token(12)}",
            "ip": f"203.0.113.{self._random.randint(1, 254)}",
            "campaign": f"{network}-{self._random.choice(['brand', 'generic', 'retargeting'])}",
            "cost": Decimal(self._random.randint(8, 140)) / 100,
            "cost_currency": "EUR",
        }
