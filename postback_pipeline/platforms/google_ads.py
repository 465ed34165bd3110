"""Platform `google_ads`: conversions by action and day, and how uploads fare, by GAQL over REST.

Sources: developers.google.com/google-ads/api/rest/common/search (`googleAds:search`, `nextPageToken`),
.../api/docs/conversions/upload-summaries (`offline_conversion_upload_*_summary`), .../api/fields/v25/metrics
(`*_by_conversion_date`: with `segments.date` the date is the conversion's).

Belongs here: this report. Does not belong here: uploading (`destinations.google_ads`), which this shares credentials
with. It serves destinations of type `google_data_manager`, too: the numbers are the same account's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal

import orjson
from pydantic import Field

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.google_ads import API_VERSION
from postback_pipeline.destinations.google_ads_errors import errors_of
from postback_pipeline.destinations.google_errors import enum_name
from postback_pipeline.destinations.json_body import json_of
from postback_pipeline.destinations.oauth import GOOGLE_TOKENS, RefreshTokenGrant, TokenGrant
from postback_pipeline.destinations.options import VARIABLE
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
    with_headers,
)
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, day, decimal, find, objects, text

#: Pages of ten thousand rows; more is no report of conversions but a page token that leads nowhere.
MOST_PAGES = 1_000
#: Families of errors that pass by themselves, and those about who asks. Unverified as a division.
PASSING = frozenset({"quotaError", "internalError"})
SENDERS = frozenset({"authenticationError", "authorizationError", "headerError"})

_SUMMARIES = {
    "offline_conversion_upload_conversion_action_summary": ("conversion_action_id", "conversion action"),
    "offline_conversion_upload_client_summary": ("client", "client"),
}
_COUNTS = ("total_event_count", "successful_event_count", "pending_event_count")
_NONE = Decimal(0)


class GoogleAdsReportOptions(ReportOptions):
    """The options of this platform."""

    login_customer_id: str | None = Field(
        default=None,
        pattern="^[0-9]{10}$",
        description="The manager account through which the token reaches the accounts, ten digits without dashes.",
    )
    counts: Literal["conversions", "all_conversions"] = Field(
        default="conversions",
        description="`conversions` counts the actions that are primary, as Google's column Conversions does;"
        " `all_conversions` the secondary ones, too.",
    )
    diagnostics: bool = Field(default=True, description="Read how uploads fare, too.")
    developer_token_env: str = Field(
        default="GOOGLE_ADS_DEVELOPER_TOKEN", pattern=f"^{VARIABLE}$", description="Variable with the developer token."
    )
    client_id_env: str = Field(
        default="GOOGLE_ADS_CLIENT_ID", pattern=f"^{VARIABLE}$", description="Variable with the OAuth client's id."
    )
    client_secret_env: str = Field(
        default="GOOGLE_ADS_CLIENT_SECRET",
        pattern=f"^{VARIABLE}$",
        description="Variable with the OAuth client's secret.",
    )
    refresh_token_env: str = Field(
        default="GOOGLE_ADS_REFRESH_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with a user's refresh token for https://www.googleapis.com/auth/adwords.",
    )
    token_url: str = Field(default=GOOGLE_TOKENS, description="Where access tokens are asked for.")


class GoogleAdsReport(Platform):
    """Google Ads API: GoogleAdsService.Search."""

    name = "google_ads"
    title = "Google Ads"
    documentation = "https://developers.google.com/google-ads/api/docs/conversions/reporting"
    home = "https://googleads.googleapis.com"
    options_type = GoogleAdsReportOptions
    options: GoogleAdsReportOptions
    account = "an account's id, ten digits without dashes"
    account_pattern = "[0-9]{10}"
    lookback_days = 30
    day = "of the conversion, on the account's clocks"
    window = "the conversion action's"
    event = "The id of the conversion action, which is what routes call it."
    unverified = (
        "conversation: that metrics by conversion date can be had from `customer` by conversion action.",
        "PASSING, SENDERS: which families of errors pass, and which are about who asks.",
    )

    @property
    def grant(self) -> TokenGrant:
        """A user's refresh token."""
        return RefreshTokenGrant.of(self.options)

    def authorized(self, ask: Ask, secrets: Mapping[str, str]) -> Ask:
        """Bearer token, developer token, and the manager account."""
        headers = {"developer-token": credential(secrets, self.options.developer_token_env)}
        if self.options.login_customer_id:
            headers["login-customer-id"] = self.options.login_customer_id
        return with_headers(super().authorized(ask, secrets), headers)

    def problem(self, reply: Reply) -> Problem | None:
        """The first of Google's own errors, where there is one."""
        problem = problem_of(reply.status)
        errors = errors_of(find(json_of(reply), "error")) if problem else []
        codes = find(errors[0], "errorCode") if errors else None
        for family, value in codes.items() if isinstance(codes, dict) else ():
            code = enum_name(value) or f"HTTP {reply.status}"
            if family in PASSING:
                return Problem(Fault.PASSING, code)
            return Problem(Fault.CREDENTIALS if family in SENDERS else Fault.FINAL, code)
        return problem

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """The account's zone and currency, its conversions, its uploads."""
        about = yield from self._search(account, "SELECT customer.time_zone, customer.currency_code FROM customer")
        if len(about) != 1:
            raise PullError("The account was not told exactly once.")
        currency = text(about[0], "customer", "currencyCode")
        metrics = self.options.counts
        value = f"{metrics}_value_by_conversion_date"
        found = yield from self._search(
            account,
            f"SELECT segments.date, segments.conversion_action, metrics.{metrics}_by_conversion_date, metrics.{value}"
            f" FROM customer WHERE segments.date BETWEEN '{days.first}' AND '{days.last}'",
        )
        rows = tuple(
            ReportRow(
                day(row, "segments", "date"),
                text(row, "segments", "conversionAction").rpartition("/")[2],
                decimal(row, "metrics", _camel(f"{metrics}_by_conversion_date")),
                decimal(row, "metrics", _camel(value)),
                currency,
            )
            for row in found
        )
        diagnostics: list[Diagnostic] = []
        for summary in _SUMMARIES if self.options.diagnostics else ():
            fields = (_SUMMARIES[summary][0], "status", *_COUNTS, "last_upload_date_time", "alerts")
            selected = ", ".join(f"{summary}.{name}" for name in dict.fromkeys(fields))
            told = yield from self._search(account, f"SELECT {selected} FROM {summary}")
            diagnostics += (each for row in told for each in _diagnostics(summary, find(row, _camel(summary))))
        return Report(rows, text(about[0], "customer", "timeZone"), currency, tuple(diagnostics))

    def _search(self, account: str, query: str) -> Generator[Ask, Reply, list[dict[str, Any]]]:
        found: list[dict[str, Any]] = []
        token = ""
        for _ in range(MOST_PAGES):
            body = orjson.dumps({"query": query} | ({"pageToken": token} if token else {}))
            url = f"/{API_VERSION}/customers/{account}/googleAds:search"
            page = body_of((yield Ask("POST", url, {"Content-Type": "application/json"}, body)))
            found += objects(page, "results", optional=True)
            token = text(page, "nextPageToken") if page.get("nextPageToken") else ""
            if not token:
                return found
        raise PullError(f"It tells of more than {MOST_PAGES} pages.")


def _diagnostics(summary: str, told: Any) -> Iterator[Diagnostic]:
    identity, called = _SUMMARIES[summary]
    subject = f"{called} {text(told, _camel(identity))}"
    if find(told, "status") is not None:
        yield Diagnostic(subject, "status", text(told, "status"))
    for count in _COUNTS:
        yield Diagnostic(subject, count, float(decimal(told, _camel(count), default=_NONE)))
    if find(told, "lastUploadDateTime"):
        yield Diagnostic(subject, "last_upload_date_time", text(told, "lastUploadDateTime"))
    for alert in objects(told, "alerts", optional=True):
        error = find(alert, "error")
        for code in error.values() if isinstance(error, dict) else ():
            share = float(decimal(alert, "errorPercentage", default=_NONE))
            yield Diagnostic(subject, f"share of {enum_name(code) or 'another error'}", share)


def _camel(name: str) -> str:
    """A field's name in JSON."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
