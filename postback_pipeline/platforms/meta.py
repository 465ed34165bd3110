"""Platform `meta`: an ad account's insights by day and action type, and a dataset's quality.

Sources: developers.facebook.com/docs/marketing-api/insights (edge `insights`, cursors), its parameters as
facebook_business 26.0.3 has them (`AdAccount.get_insights`), .../marketing-api/reference/ad-account/insights (campaigns
of different attribution are not added up, so they are told one by one),
.../marketing-api/conversions-api/dataset-quality-api.

Belongs here: these two reports. Does not belong here: the Conversions API (`destinations.meta`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.json_body import code_of, json_of
from postback_pipeline.destinations.meta import API_VERSION, CREDENTIAL_CODES
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.request_forms import percent
from postback_pipeline.platforms.base import (
    Ask,
    Conversation,
    Diagnostic,
    Fault,
    Platform,
    Problem,
    PullError,
    Report,
    ReportOptions,
    ReportRow,
    problem_of,
)
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, day, decimal, find, objects, text

#: Graph API codes that pass by themselves: limits of application, user, account and ads insights, and its own failures.
#: Unverified as a list.
PASSING_CODES = frozenset({1, 2, 4, 17, 32, 341, 613, 80000, 80004})
#: Standard events of Meta's pixel -> what its reports call them, after the prefix. Unverified as a list.
ACTIONS = {
    "AddPaymentInfo": "add_payment_info",
    "AddToCart": "add_to_cart",
    "AddToWishlist": "add_to_wishlist",
    "CompleteRegistration": "complete_registration",
    "InitiateCheckout": "initiate_checkout",
    "Lead": "lead",
    "Purchase": "purchase",
    "Search": "search",
    "ViewContent": "view_content",
}
PREFIX = "offsite_conversion.fb_pixel_"
MOST_PAGES = 1_000
_QUALITY = "web{event_name,event_match_quality{composite_score},event_coverage{percentage},data_freshness}"


class MetaReportOptions(ReportOptions):
    """The options of this platform."""

    dataset_id: str | None = Field(
        default=None,
        pattern="^[0-9]{5,20}$",
        description="The dataset (pixel) whose quality is read, too: event match quality, coverage, freshness.",
    )
    access_token_env: str = Field(
        default="META_REPORTS_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with a system user's token with ads_read for the accounts: Business settings, Users,"
        " System users.",
    )


class MetaReport(Platform):
    """Meta: Ads Insights API."""

    name = "meta"
    title = "Meta"
    documentation = "https://developers.facebook.com/docs/marketing-api/insights"
    home = "https://graph.facebook.com"
    options_type = MetaReportOptions
    options: MetaReportOptions
    account = "an ad account's id, digits without act_"
    account_pattern = "[0-9]{5,20}"
    lookback_days = 28
    day = "of the conversion, on the ad account's clocks"
    window = "the ad sets'"
    event = "The action type: offsite_conversion.fb_pixel_purchase for Purchase, and so on for standard events."
    rate = 1.0
    unverified = (
        "_insights: that actions stand at the conversion's day, by the ad sets' own attribution settings.",
        "ACTIONS: the action types of standard events other than Purchase; under `events` any other can be named.",
        "PASSING_CODES: which error codes pass by themselves.",
        "_quality: the spelling of what a dataset's quality tells.",
    )

    def event_of(self, receiver_event: str) -> str:
        """A standard event's action type; another event is a custom conversion, which `events` names."""
        known = ACTIONS.get(receiver_event)
        return PREFIX + known if known else receiver_event

    def authorized(self, ask: Ask, secrets: Mapping[str, str]) -> Ask:
        """The token as a parameter, as Meta's documents show it."""
        token = percent(credential(secrets, self.options.access_token_env))
        return replace(ask, url=f"{ask.url}&access_token={token}")

    def problem(self, reply: Reply) -> Problem | None:
        """By the Graph API's own code, which says more than its status."""
        problem = problem_of(reply.status)
        code = find(json_of(reply), "error", "code")
        if not isinstance(code, int) or (shown := code_of(code)) is None:
            return problem
        if code in PASSING_CODES:
            return Problem(Fault.PASSING, f"Graph API error {shown}")
        is_credentials = code in CREDENTIAL_CODES
        return Problem(Fault.CREDENTIALS if is_credentials else Fault.FINAL, f"Graph API error {shown}")

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """The account's zone and currency, its insights, its dataset's quality."""
        about = body_of((yield _get(f"act_{account}", {"fields": "currency,timezone_name"})))
        currency = text(about, "currency")
        rows: list[ReportRow] = []
        for piece in days.pieces(90):
            insights = yield from self._insights(account, piece)
            rows += (row for each in insights for row in _rows(each, currency, events))
        diagnostics: tuple[Diagnostic, ...] = ()
        if self.options.dataset_id:
            wanted = {"dataset_id": self.options.dataset_id, "fields": _QUALITY}
            diagnostics = tuple(_quality(body_of((yield _get("dataset_quality", wanted)))))
        return Report(tuple(rows), text(about, "timezone_name"), currency, diagnostics)

    def _insights(self, account: str, days: Days) -> Generator[Ask, Reply, list[dict[str, Any]]]:
        fields = {
            "level": "campaign",
            "fields": "actions,action_values",
            "time_range": f'{{"since":"{days.first}","until":"{days.last}"}}',
            "time_increment": "1",
            "action_report_time": "conversion",
            "use_unified_attribution_setting": "true",
            "limit": "500",
        }
        found: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            page = body_of((yield _get(f"act_{account}/insights", fields)))
            found += objects(page, "data")
            if not find(page, "paging", "next"):
                return found
            # The address of the next page has the token in it: only its cursor is taken.
            fields["after"] = text(page, "paging", "cursors", "after")
        raise PullError(f"It tells of more than {MOST_PAGES} pages.")


def _get(path: str, fields: Mapping[str, str]) -> Ask:
    return Ask("GET", f"/{API_VERSION}/{path}?{urlencode(fields)}")


def _rows(insight: dict[str, Any], currency: str, events: tuple[str, ...]) -> Iterator[ReportRow]:
    on = day(insight, "date_start")
    if day(insight, "date_stop") != on:
        raise PullError("It tells several days as one.")
    values = {text(each, "action_type"): each for each in objects(insight, "action_values", optional=True)}
    for action in objects(insight, "actions", optional=True):
        name = text(action, "action_type")
        # Most action types are others' sums (omni_purchase, purchase ...): what nobody named is no news.
        if name in events or name.startswith("offsite_conversion."):
            yield _row(on, name, action, values.get(name), currency)


def _row(on: date, name: str, action: Any, value: Any, currency: str) -> ReportRow:
    worth = decimal(value, "value") if value is not None else Decimal(0)
    return ReportRow(on, name, decimal(action, "value"), worth, currency)


def _quality(told: dict[str, Any]) -> Iterator[Diagnostic]:
    for each in objects(told, "web", optional=True):
        subject = f"event {text(each, 'event_name')}"
        if find(each, "event_match_quality", "composite_score") is not None:
            score = decimal(each, "event_match_quality", "composite_score")
            yield Diagnostic(subject, "event match quality, of 10", float(score))
        if find(each, "event_coverage", "percentage") is not None:
            yield Diagnostic(subject, "event coverage, %", float(decimal(each, "event_coverage", "percentage")))
        if find(each, "data_freshness", "upload_frequency") is not None:
            yield Diagnostic(subject, "data freshness", text(each, "data_freshness", "upload_frequency"))
