"""A shop in which everything that a story can tell has happened once, built by the real models in two builds.

Belongs here: its definitions, its rows, and what in them is personal. Does not belong here: any test, any expectation.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE, Deployment, Row

FIRST_BUILD = datetime(2026, 1, 12, tzinfo=UTC)
SECOND_BUILD = datetime(2026, 1, 15, 12, tzinfo=UTC)

DEFINITIONS = {
    "conversions": """\
event_name,source_entity,qualifying_statuses,value_rule,hold_days,currency,fixed_value,zero_values
purchase,orders,paid|shipped,net_of_tax,0,,,exclude
lead,leads,qualified,fixed,30,EUR,50,allow
subscription,subscription_events,start|renewal,gross,0,,,allow
install,app_events,install,gross,0,EUR,,allow
tagged,pixel_events,Special,gross,0,EUR,,allow
""",
    "routes": """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,scope,currency,consent_purposes,\
pixel_deduplication,event_id_template
partner,purchase,sale,click,gclid,30,group:search,USD,ad_user_data,receiver,px-{order_id}
rival,purchase,sale,click,msclkid,30,group:search,,,none,
partner,lead,lead,click,gclid,30,network,,,none,
partner,subscription,sub,click,gclid,30,network,,,none,
rival,install,install,click_or_identity,msclkid,30,network,,,none,
partner,tagged,tagged,click,gclid,30,network,,,none,
""",
    "click_id_parameters": """\
parameter,identifier,network,valid_days
gclid,gclid,google,20
msclkid,msclkid,microsoft,
""",
}
DESTINATIONS = {
    "partner": ADJUSTABLE + "deduplicates = true\ndedup_window_hours = 960\nmax_age_hours = 2160\n",
    "rival": "",
}

#: Whatever names the person or comes from a person's hand. None of it may be told.
ANN = {
    "session_id": "ann-session",
    "user_id": "ann-user",
    "email": "Ann@Example.com",
    "phone": "+44 20 7946 0000",
    "first_name": "Annabel",
    "last_name": "Exampleton",
    "city": "Annville",
    "region": "Annshire",
    "postal_code": "AN1 1NA",
    "country": "GB",
    "ip": "203.0.113.9",
    "user_agent": "Annzilla/5.0",
    "page_url": "https://shop.example/thanks?who=ann",
}
PERSONAL = (
    *(value for name, value in ANN.items() if name != "country"),
    *("ann-referrer", "ann-campaign", "Ann called", "ann-note", "who=ann"),
    *("gclid-of-ann", "ann-cookie", "ann-device", "ann-appsflyer", "ann-coupon"),
)


def _click(click_id: str, clicked_at: str, query: str, **person: str) -> Row:
    return {
        "click_id": click_id,
        "clicked_at": clicked_at,
        "landing_url": f"https://shop.example/?who=ann&{query}",
        "ip": ANN["ip"],
        "user_agent": ANN["user_agent"],
        "referrer": "https://ann-referrer.example/",
        "campaign": "ann-campaign",
        "fbp": "ann-cookie",
        **person,
    }


CLICKS = [
    _click("newest", "2026-01-09T08:00Z", "gclid=gclid-of-ann", session_id=ANN["session_id"]),
    _click("without-identifier", "2026-01-08T08:00Z", "", session_id=ANN["session_id"]),
    _click("of-the-rival", "2026-01-07T08:00Z", "msclkid=m1", session_id=ANN["session_id"]),
    _click("older", "2026-01-05T08:00Z", "gclid=g2", user_id=ANN["user_id"]),
    _click("expired", "2025-12-15T08:00Z", "gclid=g3", user_id=ANN["user_id"]),
    _click("too-early", "2025-11-01T08:00Z", "gclid=g4", user_id=ANN["user_id"]),
    _click("too-late", "2026-01-10T10:00Z", "gclid=g5", session_id=ANN["session_id"]),
    _click("of-the-lead", "2026-01-02T08:00Z", "gclid=gclid-of-the-lead", session_id="another"),
    _click("of-somebody-else", "2026-01-09T08:00Z", "gclid=g6", session_id="else", user_id="else"),
]


def order(order_id: str, status: str, updated_at: str, **other: object) -> Row:
    """One version of an order of Ann's."""
    return {
        "order_id": order_id,
        "ordered_at": "2026-01-10T09:00Z",
        "status": status,
        "amount": "120",
        "tax": "20",
        "currency": "GBP",
        "updated_at": updated_at,
        "coupon": "ann-coupon",
        **ANN,
        **other,
    }


PAID = order("4711", "paid", "2026-01-11T09:00Z", unknown_column="ann-note")
VANISHING = order("4720", "paid", "2026-01-11T09:00Z")
STRANGER = {
    "order_id": "9999",
    "ordered_at": "2026-01-10T09:00Z",
    "status": "pending",
    "amount": "5",
    "currency": "GBP",
}

_NAMELESS = {"currency": "EUR", "amount": "30"}
AT_FIRST: dict[str, dict[str, list[Row]]] = {
    "clicks": {"clicks": CLICKS},
    "orders": {"1": [order("4711", "pending", "2026-01-10T09:00Z")], "2": [STRANGER, PAID, VANISHING]},
    "consents": {
        "1": [
            {
                "subject_type": kind,
                "subject_id": ANN[f"{kind}_id"],
                "purpose": "ad_user_data",
                "state": "granted",
                "recorded_at": f"2026-01-0{day}T00:00Z",
                "version": "v7",
            }
            for day, kind in ((1, "user"), (2, "session"))
        ]
    },
    "pixel_events": {
        "1": [
            {"event_id": "px-4711", "event": "sale", "occurred_at": "2026-01-10T09:01Z", "destination": "partner",
             "value": "99", "currency": "GBP", **ANN},
            {"event_id": "p1", "event": "Special", "occurred_at": "2026-01-10T09:01Z", "value": "7", "currency": "EUR",
             **ANN},
        ]
    },
    "leads": {
        "1": [
            {"lead_id": "L1", "created_at": "2026-01-03T00:00Z", "status": "new", "status_at": "2026-01-03T00:00Z",
             "gclid": "gclid-of-the-lead", **ANN},
            {"lead_id": "L1", "created_at": "2026-01-03T00:00Z", "status": "qualified",
             "status_at": "2026-01-04T00:00Z"},
        ]
    },
    "subscription_events": {
        "1": [
            {"subscription_id": "sub1", "event_id": "e1", "event": "start", "occurred_at": "2026-01-09T09:00Z",
             **_NAMELESS, **ANN},
            {"subscription_id": "sub1", "event_id": "e2", "event": "renewal", "occurred_at": "2026-01-11T09:00Z",
             **_NAMELESS},
        ]
    },
    "app_events": {
        "1": [
            {"event_id": "a1", "event": "install", "occurred_at": "2026-01-10T09:00Z", "platform": "ios",
             "device_id": "ann-device", "appsflyer_id": "ann-appsflyer", **ANN},
        ]
    },
    "fx_rates": {
        "1": [
            {"date": "2026-01-10", "currency": "GBP", "rate_to_base": "1.2"},
            {"date": "2026-01-10", "currency": "USD", "rate_to_base": "0.8"},
        ]
    },
}  # fmt: skip
LATER: dict[str, dict[str, list[Row]]] = {
    "orders": {"2": [STRANGER, PAID]},
    "refunds": {
        "1": [
            {"refund_id": "r1", "order_id": "4711", "refunded_at": "2026-01-12T09:00Z", "amount": "30",
             "currency": "GBP", "kind": "refund", "reason": "Ann called"},
            {"refund_id": "r2", "order_id": "4711", "refunded_at": "2026-01-13T09:00Z", "amount": "900",
             "currency": "JPY", "kind": "refund"},
            {"refund_id": "r3", "order_id": "4799", "refunded_at": "2026-01-13T09:00Z", "amount": "9",
             "currency": "GBP", "kind": "chargeback"},
            {"refund_id": "r4", "order_id": "4711", "refunded_at": "2026-01-13T09:00Z", "amount": "9",
             "kind": "refund", "reason": "Ann called"},
        ]
    },
    "subscription_events": {
        "2": [
            {"subscription_id": "sub1", "event_id": "e3", "event": "refund", "occurred_at": "2026-01-12T09:00Z",
             **_NAMELESS},
            {"subscription_id": "sub1", "event_id": "e4", "event": "cancel", "occurred_at": "2026-01-12T10:00Z"},
            {"subscription_id": "sub1", "event_id": "e5", "event": "renewal", "occurred_at": "soon"},
        ]
    },
    "clicks": {"2": [_click("without-time", "soon", "gclid=g8", session_id=ANN["session_id"])]},
}  # fmt: skip


def build_shop(folder: Path) -> Path:
    """Builds it twice, what was due accepted in between; returns the warehouse file."""
    with DbtProcess(folder) as dbt:
        shop = Deployment(folder / "home", dbt, DESTINATIONS, DEFINITIONS)
        for files, as_of in ((AT_FIRST, FIRST_BUILD), (LATER, SECOND_BUILD)):
            for entity, named in files.items():
                for name, rows in named.items():
                    shop.file(entity, name, rows)
            shop.build(as_of)
            if as_of == FIRST_BUILD:
                shop.accept_outbox(as_of)
    return shop.warehouse
