"""Platform `ga4`: events of a property by day and name, by the Data API.

Sources: developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport (request, rows,
`rowCount`, `metadata`), .../data/v1/api-schema (dimensions `date` and `eventName`, metrics `eventCount` and
`eventValue`: the sum of the events' parameter `value`).

Belongs here: this report. Does not belong here: the Measurement Protocol (`destinations.ga4`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from pydantic import Field

from postback_pipeline.destinations.oauth import GOOGLE_TOKENS, ServiceAccountGrant, TokenGrant
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.platforms.base import (
    Ask,
    Conversation,
    Diagnostic,
    Platform,
    PullError,
    Report,
    ReportOptions,
    ReportRow,
)
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, decimal, find, objects, text

#: Rows of a page: the default of a request that names none.
PAGE_ROWS = 10_000
MOST_PAGES = 100
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"


class Ga4ReportOptions(ReportOptions):
    """The options of this platform."""

    key_env: str = Field(
        default="GA4_SERVICE_ACCOUNT_KEY",
        pattern=f"^{VARIABLE}$",
        description="Variable with a service account's key, the JSON file on one line: IAM & Admin, Service Accounts,"
        " Keys. The account needs the role Viewer in the property.",
    )
    token_url: str = Field(default=GOOGLE_TOKENS, description="Where access tokens are asked for.")


class Ga4Report(Platform):
    """Google Analytics Data API: properties.runReport."""

    name = "ga4"
    title = "Google Analytics 4"
    documentation = "https://developers.google.com/analytics/devguides/reporting/data/v1"
    home = "https://analyticsdata.googleapis.com"
    options_type = Ga4ReportOptions
    options: Ga4ReportOptions
    account = "a property's id, digits: Admin, Property details"
    account_pattern = "[0-9]{4,15}"
    lookback_days = 7
    day = "of the event, on the property's clocks"
    window = "none: every event counts"
    event = "The event's name, such as purchase, which is what routes call it."
    unverified = (
        "conversation: that eventValue has nothing of refunds, which are events of their own.",
        "lookback_days: that events of the Measurement Protocol, up to three days late, are in after seven.",
    )

    @property
    def grant(self) -> TokenGrant:
        """A service account's key."""
        return ServiceAccountGrant(self.options.token_url, key_env=self.options.key_env, scope=SCOPE)

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """Page by page, until there are as many rows as it says there are."""
        wanted: dict[str, Any] = {
            "dateRanges": [{"startDate": f"{days.first}", "endDate": f"{days.last}"}],
            "dimensions": [{"name": "date"}, {"name": "eventName"}],
            "metrics": [{"name": "eventCount"}, {"name": "eventValue"}],
            "orderBys": [{"dimension": {"dimensionName": name}} for name in ("date", "eventName")],
            "limit": str(PAGE_ROWS),
        }
        rows: list[dict[str, Any]] = []
        for _ in range(MOST_PAGES):
            body = orjson.dumps(wanted | {"offset": str(len(rows))})
            url = f"/v1beta/properties/{account}:runReport"
            page = body_of((yield Ask("POST", url, {"Content-Type": "application/json"}, body)))
            found = objects(page, "rows", optional=True)
            rows += found
            if not found or len(rows) >= decimal(page, "rowCount", default=Decimal(0)):
                currency = text(page, "metadata", "currencyCode")
                told = tuple(_row(row, currency) for row in rows)
                zone = text(page, "metadata", "timeZone")
                return Report(told, zone, currency, tuple(_diagnostics(account, page)))
        raise PullError(f"It tells of more than {MOST_PAGES} pages.")


def _row(row: dict[str, Any], currency: str) -> ReportRow:
    on, event = (text(each, "value") for each in _cells(row, "dimensionValues"))
    count, value = (decimal(each, "value") for each in _cells(row, "metricValues"))
    return ReportRow(_date(on), event, count, value, currency)


def _cells(row: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    cells = objects(row, kind)
    if len(cells) != 2:
        raise PullError(f"{kind} are not two.")
    return cells


def _date(written: str) -> date:
    try:
        return datetime.strptime(written, "%Y%m%d").date()
    except ValueError:
        raise PullError("The dimension date is no date.") from None


def _diagnostics(account: str, page: dict[str, Any]) -> Iterator[Diagnostic]:
    for name in ("dataLossFromOtherRow", "subjectToThresholding"):
        if find(page, "metadata", name) is True:
            yield Diagnostic(f"property {account}", name, "yes: some of it is missing from the report")
