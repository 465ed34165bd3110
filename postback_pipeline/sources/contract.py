"""The landing contract as data: which columns an entity has, of what kind, and which values are allowed.

Belongs here: declarations only. Does not belong here: how a kind is read and judged (`rules.py` turns these
declarations into SQL), nor how files and databases are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType


class ColumnKind(StrEnum):
    """What a column holds; the value is its type in the warehouse."""

    TEXT = "VARCHAR"
    TIME = "TIMESTAMPTZ"
    DATE = "DATE"
    DECIMAL = "DECIMAL(18,4)"
    BOOLEAN = "BOOLEAN"


class Sign(StrEnum):
    """Which signs an amount may have."""

    ANY = "any"
    POSITIVE = "positive"
    AS_REFUND = "as_refund"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an entity."""

    name: str
    kind: ColumnKind = ColumnKind.TEXT
    required: bool = False
    #: A key that rows are joined by: control characters are no part of one.
    is_key: bool = False
    #: A text that may come as a number with decimals. In any other one 4711.0 would be another name than 4711.
    takes_decimals: bool = False
    #: The closed list of its values; empty: anything.
    allowed: tuple[str, ...] = ()
    #: Its text is an ISO 4217 code.
    is_currency: bool = False
    #: For an amount of money: the column that names its currency.
    currency: str | None = None
    #: For an amount: whether it may be below zero, or follows the sign of refunds that the source declares.
    sign: Sign = Sign.ANY
    #: An identity column in which a source's placeholder ids mean "nobody".
    takes_placeholder: bool = False


@dataclass(frozen=True)
class Entity:
    """One kind of record that comes in."""

    name: str
    #: The columns that name the fact a row is about.
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Its columns by their names."""
        return MappingProxyType({column.name: column for column in self.columns})


def _key(name: str, *, required: bool = False) -> Column:
    return Column(name, required=required, is_key=True, takes_placeholder=name in ("session_id", "user_id", "cart_id"))


def _time(name: str, *, required: bool = False) -> Column:
    return Column(name, ColumnKind.TIME, required)


def _money(name: str, currency: str = "currency", *, required: bool = False, sign: Sign = Sign.ANY) -> Column:
    return Column(name, ColumnKind.DECIMAL, required, currency=currency, sign=sign)


def _currency(name: str = "currency", *, required: bool = False) -> Column:
    return Column(name, required=required, is_currency=True)


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


NETWORK_IDENTIFIERS = (
    "gclid", "gbraid", "wbraid", "fbclid", "fbc", "fbp", "ga_client_id", "ttclid", "msclkid",
    "li_fat_id", "twclid", "epik", "rdt_cid", "sc_click_id", "irclickid", "cjevent", "awc", "subid",
)  # fmt: skip

IDENTITY = (
    _key("session_id"),
    _key("user_id"),
    _key("cart_id"),
    _key("click_id"),
    Column("email", takes_placeholder=True),
    *_texts("phone", "first_name", "last_name", "city", "region", "postal_code", "country"),
    *_texts("ip", "user_agent", "page_url"),
    *(_key(name) for name in NETWORK_IDENTIFIERS),
)

_CLICKS = Entity(
    "clicks",
    ("click_id",),
    (
        _key("click_id", required=True),
        _time("clicked_at", required=True),
        *_texts("landing_url"),
        _key("session_id"),
        _key("user_id"),
        _key("cart_id"),
        *_texts("ip", "user_agent", "referrer"),
        _key("fbp"),
        _key("ga_client_id"),
        *_texts("campaign"),
        _money("cost", "cost_currency"),
        _currency("cost_currency"),
    ),
)

_ORDERS = Entity(
    "orders",
    ("order_id",),
    (
        _key("order_id", required=True),
        _time("ordered_at", required=True),
        Column(
            "status",
            required=True,
            allowed=("pending", "paid", "shipped", "completed", "cancelled", "failed", "fraud"),
        ),
        _money("amount", required=True, sign=Sign.POSITIVE),
        _currency(required=True),
        _money("tax"),
        _money("shipping"),
        _money("discount"),
        *_texts("coupon"),
        _time("paid_at"),
        _time("shipped_at"),
        _time("updated_at"),
        Column("is_new_customer", ColumnKind.BOOLEAN),
        Column("is_test", ColumnKind.BOOLEAN),
        *IDENTITY,
    ),
)

_REFUNDS = Entity(
    "refunds",
    ("refund_id",),
    (
        _key("refund_id", required=True),
        _key("order_id", required=True),
        _time("refunded_at", required=True),
        _money("amount", required=True, sign=Sign.AS_REFUND),
        _currency(required=True),
        Column("kind", required=True, allowed=("refund", "cancellation", "chargeback", "dispute_won")),
        *_texts("reason"),
    ),
)

_PIXEL_EVENTS = Entity(
    "pixel_events",
    ("event_id",),
    (
        _key("event_id", required=True),
        _key("event", required=True),
        _time("occurred_at", required=True),
        _key("destination"),
        _key("order_id"),
        _key("session_id"),
        _key("user_id"),
        _money("value"),
        _currency(),
        *_texts("page_url"),
    ),
)

_CONSENTS = Entity(
    "consents",
    ("subject_type", "subject_id", "purpose", "recorded_at"),
    (
        Column("subject_type", required=True, allowed=("user", "session")),
        _key("subject_id", required=True),
        Column("purpose", required=True, allowed=("ad_user_data", "ad_personalization", "analytics")),
        Column("state", required=True, allowed=("granted", "denied")),
        _time("recorded_at", required=True),
        *_texts("region"),
        Column("version", takes_decimals=True),
    ),
)

_PLATFORM_REPORTS = Entity(
    "platform_reports",
    ("date", "destination", "event"),
    (
        Column("date", ColumnKind.DATE, required=True),
        _key("destination", required=True),
        _key("event", required=True),
        Column("conversions", ColumnKind.DECIMAL, required=True),
        _money("value"),
        _currency(),
        *_texts("time_zone", "attribution_window"),
    ),
)

#: Every entity that is loaded, by name.
ENTITIES: Mapping[str, Entity] = MappingProxyType(
    {entity.name: entity for entity in (_CLICKS, _ORDERS, _REFUNDS, _PIXEL_EVENTS, _CONSENTS, _PLATFORM_REPORTS)}
)
