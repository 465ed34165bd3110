"""A market in which everything happens: every entity and kind of rule, identities that collide, facts that come late.

Belongs here: definitions that use every feature at once, and random rows of a small world that meet them. Does not
belong here: any test, any expectation.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

START = datetime(2026, 1, 1, tzinfo=UTC)

DEFINITIONS = {
    "conversions": """\
event_name,source_entity,qualifying_statuses,effective_from,value_rule,fixed_value,currency,zero_values,hold_days,\
source_of_truth,first_only_per,test_rules,qualified_at
purchase,orders,paid|shipped,,gross,,,exclude,2,server,,coupon=TEST*,ordered_at
purchase,orders,paid|shipped,2026-01-20,net_of_tax_and_discount,,,exclude,0,server,,email=*@example.com,ordered_at
first_purchase,orders,paid|shipped,,gross,,,exclude,0,server,user_id,,ordered_at
lead,leads,qualified|closed_won,,fixed,50,EUR,allow,0,server,,,status_at
subscription,subscription_events,start|renewal,,per_plan,,,allow,1,pixel,,,occurred_at
install,app_events,install,,gross,,EUR,allow,0,server,device_id,,occurred_at
tagged,pixel_events,Special,,gross,,EUR,allow,0,server,,,occurred_at
""",
    "routes": """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,scope,hold_days,timing,currency,\
consent_purposes,consent_denied,consent_unknown,pixel_deduplication,event_id_template,start_at
google,purchase,purchase,click,gclid|wbraid,30,network,0,after_hold,,,block,block,receiver,px-{order_id},2026-01-01
meta,purchase,Purchase,click_or_identity,fbclid|fbc|fbp,20,network,0,real_time,USD,ad_user_data|analytics,block,strip,\
suppress,px-{order_id},2026-01-01
impact,purchase,sale,click,irclickid,30,group:partners,3,after_hold,,,block,block,none,,2026-01-05
bing,purchase,sale,click,msclkid,10,group:partners,0,after_hold,,,block,block,none,,2026-01-01
google,first_purchase,first,click,gclid,30,network,0,after_hold,,,block,block,none,,2026-01-01
impact,lead,lead,click,irclickid,30,network,0,after_hold,,,block,block,none,,2026-01-01
meta,lead,Lead,identity,,,network,0,after_hold,,ad_user_data,strip,flag,none,,2026-01-01
google,subscription,sub,click,gclid,30,network,0,after_hold,,,block,block,none,,2026-01-01
meta,install,Install,click_or_identity,fbclid,30,network,0,after_hold,,,block,block,none,,2026-01-01
google,tagged,tagged,click,gclid,30,network,0,after_hold,,,block,block,none,,2026-01-01
""",
    "click_id_parameters": """\
parameter,identifier,network,valid_days
gclid,gclid,google,25
wbraid,wbraid,google,
fbclid,fbclid,meta,15
irclickid,irclickid,impact,
msclkid,msclkid,microsoft,
""",
    "experiments": """\
experiment,destination,event_name,unit,share,salt,start_at,end_at,region_pairs
half,google,purchase,user,0.5,x,2026-01-10,2026-02-10,
geo,bing,,region,,,2026-01-15,2026-02-01,R0:R1|R2:R3|R4:R5
""",
    "plan_values": """\
event_name,plan,value,currency
subscription,basic,10,EUR
subscription,pro,30,EUR
""",
}
_ADJUSTS = """
restatement.url = "http://127.0.0.1:9/r"
retraction.url = "http://127.0.0.1:9/r"
"""
DESTINATIONS = {
    "google": _ADJUSTS + "reinstatement = true\ndeduplicates = true\ndedup_window_hours = 96\nmax_age_hours = 2160\n",
    "meta": _ADJUSTS + "max_age_hours = 336\nadjusts_pixel = true\n",
    "impact": _ADJUSTS + "adjustment_min_age_hours = 24\nadjustment_max_age_hours = 720\n",
    "bing": "",
}
#: A receiver that says what it takes: of this market's persons some, of its identifiers hardly any.
META = """\
type = "meta"
pixel_id = "1234567890"
base_url = "http://127.0.0.1:9"
"""


class Market:
    """Rows by entity, drawn from one source of chance; the same chance, the same rows."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        makers = {
            "clicks": (self._click, 60),
            "orders": (self._order, 40),
            "refunds": (self._refund, 16),
            "leads": (self._lead, 16),
            "subscription_events": (self._subscription_event, 16),
            "app_events": (self._app_event, 6),
            "pixel_events": (self._pixel_event, 20),
            "consents": (self._consent, 20),
            "fx_rates": (self._rate, 20),
        }
        self.rows = {entity: [make(number) for number in range(count)] for entity, (make, count) in makers.items()}

    def _maybe(self, value: Any, likely: float = 0.5) -> Any:
        return value if self._chance.random() < likely else None

    def _one(self, prefix: str, count: int) -> str:
        return f"{prefix}{self._chance.randrange(count)}"

    def _time(self, days: float = 50) -> str:
        return (START + timedelta(minutes=self._chance.randrange(int(days * 96)) * 15)).isoformat()

    def _amount(self, most: int = 40) -> str:
        return f"{self._chance.randrange(most * 4) / 4:.2f}"

    def _person(self) -> dict[str, Any]:
        return {
            "session_id": self._maybe(self._one("s", 8)),
            "user_id": self._maybe(self._one("u", 6)),
            "region": self._maybe(self._one("r", 7), 0.8),
            "cart_id": self._maybe(self._one("k", 6), 0.2),
            "click_id": self._maybe(self._one("c", 30), 0.2),
            "email": self._maybe(self._one("a", 6) + self._chance.choice(("@mail.test",) * 5 + ("@example.com",))),
            "gclid": self._maybe(self._one("gclid", 8), 0.1),
            "fbc": self._maybe(f"fb.1.{int(START.timestamp() + self._chance.randrange(50 * 86_400)) * 1000}.x", 0.1),
            "fbp": self._maybe(self._one("fbp", 9), 0.2),
            "is_test": self._maybe(True, 0.03),
        }

    def _click(self, number: int) -> dict[str, Any]:
        parameter = self._chance.choice(
            ("gclid", "gclid", "fbclid", "irclickid", "irclickid", "msclkid", "wbraid", "none")
        )
        return {
            "click_id": self._one("c", 30),
            "clicked_at": self._time(),
            "landing_url": f"https://shop.example/?x=1&{parameter}={self._one(parameter, 8)}%2F#top",
            "session_id": self._maybe(self._one("s", 8)),
            "user_id": self._maybe(self._one("u", 6)),
            "cart_id": self._maybe(self._one("k", 6), 0.2),
            "fbp": self._maybe(self._one("fbp", 9), 0.2),
        }

    def _order(self, number: int) -> dict[str, Any]:
        return {
            "order_id": self._one("o", 24),
            "ordered_at": self._time(),
            "status": self._chance.choice(
                (*("paid",) * 6, "pending", "shipped", "shipped", "cancelled", "fraud", "failed")
            ),
            "amount": self._amount(),
            "tax": self._maybe("1.00"),
            "discount": self._maybe("0.50"),
            "currency": self._chance.choice(("EUR", "EUR", "USD", "JPY")),
            "coupon": self._maybe("TEST10", 0.1),
            # No two versions of an order are as new as each other: then arrival would decide, by contract.
            "updated_at": (START + timedelta(days=60, seconds=number)).isoformat(),
            **self._person(),
        }

    def _refund(self, number: int) -> dict[str, Any]:
        return {
            "refund_id": f"r{number}",
            "order_id": self._one("o", 26),
            "refunded_at": self._time(70),
            "amount": self._amount(30),
            "currency": self._chance.choice(("EUR", "EUR", "USD", "GBP")),
            "kind": self._chance.choice(("refund", "refund", "cancellation", "chargeback", "dispute_won")),
        }

    def _lead(self, number: int) -> dict[str, Any]:
        status = self._chance.choice(("new", "verified", "qualified", "qualified", "disqualified", "closed_won"))
        return {
            "lead_id": self._one("l", 8),
            "created_at": START.isoformat(),
            "status": status,
            "status_at": (START + timedelta(days=self._chance.randrange(40), seconds=number)).isoformat(),
            **self._person(),
        }

    def _subscription_event(self, number: int) -> dict[str, Any]:
        event = self._chance.choice(("start", "renewal", "renewal", "refund", "chargeback", "cancel", "upgrade"))
        return {
            "subscription_id": self._one("sub", 5),
            "event_id": f"e{number}",
            "event": event,
            "occurred_at": self._time(),
            "plan": self._chance.choice(("basic", "pro", "unknown")),
            "amount": self._maybe(self._amount(), 0.8),
            "currency": "EUR",
            **self._person(),
        }

    def _app_event(self, number: int) -> dict[str, Any]:
        return {
            "event_id": f"app{number}",
            "event": self._chance.choice(("install", "open")),
            "occurred_at": self._time(),
            "device_id": self._maybe(self._one("d", 3), 0.8),
            **self._person(),
        }

    def _pixel_event(self, number: int) -> dict[str, Any]:
        order = self._one("o", 24)
        return {
            "event_id": self._chance.choice((f"px-{order}", f"p{number}")),
            "event": self._chance.choice(("purchase", "Purchase", "Special", "sub")),
            "occurred_at": self._time(),
            "destination": self._chance.choice((None, "google", "meta")),
            "order_id": self._maybe(self._chance.choice((order, self._one("e", 16)))),
            "value": self._amount(),
            "currency": "EUR",
            "session_id": self._maybe(self._one("s", 12)),
        }

    def _consent(self, number: int) -> dict[str, Any]:
        kind = self._chance.choice(("user", "session"))
        return {
            "subject_type": kind,
            "subject_id": self._one(kind[0], 10),
            "purpose": self._chance.choice(("ad_user_data", "ad_user_data", "analytics")),
            "state": self._chance.choice(("granted", "granted", "denied")),
            "recorded_at": (START + timedelta(days=self._chance.randrange(60), seconds=number)).isoformat(),
            "version": self._one("v", 3),
        }

    def _rate(self, number: int) -> dict[str, Any]:
        currency = ("USD", "JPY", "EUR", "GBP")[number % 4]
        return {
            "date": (START + timedelta(days=number // 4 * 9)).date().isoformat(),
            "currency": currency,
            "rate_to_base": {"USD": "0.9", "JPY": "0.0061", "EUR": "1", "GBP": "1.17"}[currency],
        }
