"""Platform `tiktok`: an advertiser's page events by day, from the integrated report.

Sources: business_api_client of TikTok's business-api-sdk (ReportingApi.report_integrated_get: parameters, days on the
ad account's clocks, pages), business-api.tiktok.com/portal/docs 1740302848100353 as connectors quote it (envelope,
thirty days at most by `stat_time_day`), ads.tiktok.com/help: what the metrics count, and on which day.

Belongs here: this report. Does not belong here: the Events API (`destinations.tiktok`).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import orjson
from pydantic import Field

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.json_body import code_of, json_of
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.tiktok import API_VERSION, CREDENTIAL_CODES, PASSING_CODES
from postback_pipeline.platforms.base import (
    Ask,
    Conversation,
    Fault,
    Platform,
    Problem,
    PullError,
    Report,
    ReportOptions,
    ReportRow,
    problem_of,
    with_headers,
)
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, decimal, find, objects, text

#: Events of the Events API -> the metric that counts them. Unverified as a list.
METRICS = {
    "AddPaymentInfo": "add_billing",
    "AddToCart": "web_event_add_to_cart",
    "CompletePayment": "complete_payment",
    "CompleteRegistration": "user_registration",
    "InitiateCheckout": "initiate_checkout",
    "Lead": "form",
    "PlaceAnOrder": "on_web_order",
    "Purchase": "complete_payment",
    "SubmitForm": "form",
    "Subscribe": "on_web_subscribe",
}
#: A count -> its sum of values. Unverified: `total_complete_payment_rate` is the value, whatever its name says.
VALUES = {
    "add_billing": "total_add_billing_value",
    "complete_payment": "total_complete_payment_rate",
    "initiate_checkout": "total_initiate_checkout_value",
    "on_web_order": "total_on_web_order_value",
    "on_web_subscribe": "total_on_web_subscribe_value",
    "user_registration": "total_user_registration_value",
    "web_event_add_to_cart": "total_web_event_add_to_cart_value",
}
#: Days of one request.
LONGEST = 30
PAGE = 1_000
MOST_PAGES = 100
#: Codes from here on are TikTok's own trouble: asking again does no harm. Unverified as a bound.
OWN_TROUBLE = 50_000


class TikTokReportOptions(ReportOptions):
    """The options of this platform."""

    access_token_env: str = Field(
        default="TIKTOK_REPORTS_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with an access token of an app with the permission Reporting: TikTok for Business"
        " Developers, My apps.",
    )


class TikTokReport(Platform):
    """TikTok API for Business: report/integrated/get."""

    name = "tiktok"
    title = "TikTok"
    documentation = "https://business-api.tiktok.com/portal/docs?id=1740302848100353"
    home = "https://business-api.tiktok.com"
    options_type = TikTokReportOptions
    options: TikTokReportOptions
    account = "an advertiser's id, digits"
    account_pattern = "[0-9]{5,20}"
    lookback_days = 28
    day = "of the ad's impression, on the advertiser's clocks"
    window = "the ad groups'"
    event = "The metric that counts it: complete_payment for CompletePayment and Purchase, form for SubmitForm."
    rate = 1.0
    unverified = (
        "METRICS, VALUES: which metric counts an event of the web, and which one is the sum of its values.",
        "_reports: that page events are told by advertiser, and that they stand at the day of the ad's impression.",
        "conversation: that `display_timezone` is the IANA name of the report's clocks.",
        "PASSING_CODES, CREDENTIAL_CODES, OWN_TROUBLE: what return codes mean.",
    )

    def event_of(self, receiver_event: str) -> str:
        """A standard event's metric; another event has one that `events` names."""
        return METRICS.get(receiver_event, receiver_event)

    def authorized(self, ask: Ask, secrets: Mapping[str, str]) -> Ask:
        """The token in a header of TikTok's own."""
        return with_headers(ask, {"Access-Token": credential(secrets, self.options.access_token_env)})

    def problem(self, reply: Reply) -> Problem | None:
        """By the code in the body: the status is 200 whatever happened."""
        code = find(json_of(reply), "code")
        if isinstance(code, bool) or not isinstance(code, int) or (shown := code_of(code)) is None:
            return problem_of(reply.status)
        if code == 0:
            return problem_of(reply.status)
        if code in CREDENTIAL_CODES:
            return Problem(Fault.CREDENTIALS, f"TikTok code {shown}")
        is_passing = code in PASSING_CODES or code >= OWN_TROUBLE
        return Problem(Fault.PASSING if is_passing else Fault.FINAL, f"TikTok code {shown}")

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """The advertiser's clocks and currency, then the counts and values of what anybody wants to know."""
        if strange := [event for event in events if not re.fullmatch("[a-z][a-z0-9_]{0,79}", event)]:
            raise PullError(f"{strange[0]} is no metric of TikTok's: name the one that counts it under `events`.")
        wanted = {"advertiser_ids": _json([account]), "fields": _json(["currency", "display_timezone"])}
        told = objects(body_of((yield _get("advertiser/info/", wanted))), "data", "list")
        if len(told) != 1:
            raise PullError("It does not know this advertiser.")
        currency = text(told[0], "currency")
        rows: list[ReportRow] = []
        for piece in days.pieces(LONGEST):
            reports = yield from self._reports(account, piece, events)
            rows += (row for each in reports for row in _rows(each, events, currency))
        return Report(tuple(rows), text(told[0], "display_timezone"), currency)

    def _reports(
        self, account: str, days: Days, events: tuple[str, ...]
    ) -> Generator[Ask, Reply, list[dict[str, Any]]]:
        metrics = dict.fromkeys([*events, *(VALUES[event] for event in events if event in VALUES)])
        fields = {
            "advertiser_id": account,
            "report_type": "BASIC",
            "data_level": "AUCTION_ADVERTISER",
            "dimensions": _json(["advertiser_id", "stat_time_day"]),
            "metrics": _json(list(metrics)),
            "start_date": days.first.isoformat(),
            "end_date": days.last.isoformat(),
            "page_size": str(PAGE),
        }
        found: list[dict[str, Any]] = []
        for page in range(1, MOST_PAGES + 1):
            told = body_of((yield _get("report/integrated/get/", {**fields, "page": str(page)})))
            found += objects(told, "data", "list")
            if page >= decimal(told, "data", "page_info", "total_page"):
                return found
        raise PullError(f"It tells of more than {MOST_PAGES} pages.")


def _get(path: str, fields: Mapping[str, str]) -> Ask:
    return Ask("GET", f"/open_api/{API_VERSION}/{path}?{urlencode(fields)}")


def _json(values: list[str]) -> str:
    return orjson.dumps(values).decode()


def _rows(told: dict[str, Any], events: tuple[str, ...], currency: str) -> Iterator[ReportRow]:
    on = _day(text(told, "dimensions", "stat_time_day"))
    for event in events:
        value = decimal(told, "metrics", VALUES[event]) if event in VALUES else None
        yield ReportRow(on, event, decimal(told, "metrics", event, default=Decimal(0)), value, currency)


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written.removesuffix(" 00:00:00"))
    except ValueError:
        raise PullError("dimensions.stat_time_day is no day.") from None
