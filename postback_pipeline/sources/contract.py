"""The landing contract as data: which entities come in, and which columns each of them has.

Belongs here: declarations only. Does not belong here: what a column can be (`contract_types.py`), how a kind is read
and judged (`rules.py` turns these declarations into SQL), nor how files and databases are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from postback_pipeline.sources.contract_types import (
    Column,
    ColumnKind,
    Entity,
    Sign,
    choice,
    currency,
    day,
    flag,
    key,
    keys,
    money,
    number,
    share,
    texts,
    time,
)

NETWORK_IDENTIFIERS = (
    "gclid", "gbraid", "wbraid", "dclid", "fbclid", "fbc", "fbp", "ga_client_id", "ttclid", "msclkid",
    "li_fat_id", "twclid", "epik", "rdt_cid", "sc_click_id", "irclickid", "cjevent", "awc", "ran_site_id", "subid",
)  # fmt: skip

#: Of an app's installation: records carry them, clicks do not.
INSTALLATION_IDENTIFIERS = ("device_id", "appsflyer_id", "adjust_id")

#: Whose visit a record belongs to; one that a source's placeholder fills belongs to nobody.
_VISIT = tuple(key(name, takes_placeholder=True) for name in ("session_id", "user_id", "cart_id"))

IDENTITY = (
    *_VISIT,
    key("click_id"),
    key("device_id", takes_placeholder=True),
    Column("email", takes_placeholder=True),
    Column("phone", takes_placeholder=True),
    *texts("first_name", "last_name", "city", "region", "postal_code", "country"),
    *texts("ip", "user_agent", "page_url"),
    *keys(*NETWORK_IDENTIFIERS),
    *keys("appsflyer_id", "adjust_id"),
)

_CLICKS = Entity(
    "clicks",
    ("click_id",),
    (
        key("click_id", required=True),
        time("clicked_at", required=True),
        *texts("landing_url"),
        *_VISIT,
        *texts("ip", "user_agent", "referrer", "campaign"),
        money("cost", "cost_currency"),
        currency("cost_currency"),
        # Beside the landing URL, for whoever reads it himself.
        *keys(*NETWORK_IDENTIFIERS),
    ),
)

_ORDERS = Entity(
    "orders",
    ("order_id",),
    (
        key("order_id", required=True),
        time("ordered_at", required=True),
        choice("status", "pending", "paid", "shipped", "completed", "cancelled", "failed", "fraud", required=True),
        money("amount", required=True, sign=Sign.POSITIVE),
        currency(required=True),
        money("tax"),
        money("shipping"),
        money("discount"),
        *texts("coupon"),
        time("paid_at"),
        time("shipped_at"),
        time("updated_at"),
        flag("is_new_customer"),
        flag("is_test"),
        *IDENTITY,
    ),
)

_ORDER_ITEMS = Entity(
    "order_items",
    ("order_id", "line"),
    (
        key("order_id", required=True),
        key("line", required=True),
        key("sku", required=True),
        number("quantity", required=True),
        # In the order's currency: a line has none of its own.
        number("unit_price", required=True),
        *texts("name", "category", "brand"),
    ),
)

_REFUNDS = Entity(
    "refunds",
    ("refund_id",),
    (
        key("refund_id", required=True),
        key("order_id", required=True),
        time("refunded_at", required=True),
        money("amount", required=True, sign=Sign.AS_REFUND),
        currency(required=True),
        choice("kind", "refund", "cancellation", "chargeback", "dispute_won", required=True),
        *texts("reason"),
    ),
)

_LEADS = Entity(
    "leads",
    # Several rows of one lead are its history.
    ("lead_id", "status_at", "status"),
    (
        key("lead_id", required=True),
        time("created_at", required=True),
        choice("status", "new", "verified", "qualified", "disqualified", "closed_won", "closed_lost", required=True),
        time("status_at", required=True),
        number("score"),
        money("value", sign=Sign.POSITIVE),
        currency(),
        flag("is_test"),
        *IDENTITY,
    ),
)

_SUBSCRIPTION_EVENTS = Entity(
    "subscription_events",
    ("event_id",),
    (
        key("subscription_id", required=True),
        key("event_id", required=True),
        choice(
            "event",
            *("trial_start", "start", "renewal", "upgrade", "downgrade", "cancel", "refund", "chargeback"),
            required=True,
        ),
        time("occurred_at", required=True),
        *texts("plan"),
        # Of a refund, too: the event says that it goes the other way.
        money("amount", sign=Sign.POSITIVE),
        currency(),
        flag("is_test"),
        *IDENTITY,
    ),
)

_APP_EVENTS = Entity(
    "app_events",
    ("event_id",),
    (
        key("event_id", required=True),
        key("event", required=True),
        time("occurred_at", required=True),
        choice("platform", "ios", "android"),
        key("app_id"),
        money("amount", sign=Sign.POSITIVE),
        currency(),
        flag("is_test"),
        *IDENTITY,
    ),
)

_PIXEL_EVENTS = Entity(
    "pixel_events",
    ("event_id",),
    (
        key("event_id", required=True),
        key("event", required=True),
        time("occurred_at", required=True),
        *keys("destination", "order_id"),
        money("value"),
        currency(),
        flag("is_test"),
        *IDENTITY,
    ),
)

_CONSENTS = Entity(
    "consents",
    ("subject_type", "subject_id", "purpose", "recorded_at"),
    (
        choice("subject_type", "user", "session", required=True),
        key("subject_id", required=True),
        choice("purpose", "ad_user_data", "ad_personalization", "analytics", required=True),
        choice("state", "granted", "denied", required=True),
        time("recorded_at", required=True),
        *texts("region"),
        Column("version", takes_decimals=True),
    ),
)

_AD_SPEND = Entity(
    "ad_spend",
    ("date", "destination", "campaign"),
    (
        day("date", required=True),
        key("destination", required=True),
        key("campaign"),
        money("cost", required=True),
        currency(required=True),
        number("clicks"),
        number("impressions"),
    ),
)

_PLATFORM_REPORTS = Entity(
    "platform_reports",
    ("date", "destination", "event"),
    (
        day("date", required=True),
        key("destination", required=True),
        key("event", required=True),
        number("conversions", required=True),
        money("value"),
        currency(),
        share("match_rate"),
        *texts("time_zone", "attribution_window"),
        # Stands in the files that a pull writes, and tells them from uploads.
        *texts("pulled_at"),
    ),
)

_FX_RATES = Entity(
    "fx_rates",
    ("date", "currency"),
    (
        day("date", required=True),
        currency(required=True),
        # An amount in the base currency = the amount x this; the base currency's own is 1.
        Column("rate_to_base", ColumnKind.RATE, required=True),
    ),
)

_ALL = (
    _CLICKS, _ORDERS, _ORDER_ITEMS, _REFUNDS, _LEADS, _SUBSCRIPTION_EVENTS, _APP_EVENTS, _PIXEL_EVENTS, _CONSENTS,
    _AD_SPEND, _PLATFORM_REPORTS, _FX_RATES,
)  # fmt: skip

#: Every entity that is loaded, by name.
ENTITIES: Mapping[str, Entity] = MappingProxyType({entity.name: entity for entity in _ALL})
