"""Platform `pinterest`: an ad account's conversions by day, from its analytics.

Sources: Pinterest's OpenAPI description v5 (github.com/pinterest/api-description: `ad_account/analytics`, its columns,
days in UTC, ninety of them at most, values in millionths of the account's currency, columns without a value left out;
`ad_accounts/get`).

Belongs here: this report. Does not belong here: conversion events (`destinations.pinterest`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.pinterest import API_VERSION
from postback_pipeline.platforms.base import Ask, Conversation, Platform, Report, ReportOptions, ReportRow
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, day, decimal, list_of, text

#: Events of the Conversions API -> the column that counts them.
COLUMNS = {
    "checkout": "TOTAL_CHECKOUT",
    "custom": "TOTAL_CUSTOM",
    "lead": "TOTAL_LEAD",
    "page_visit": "TOTAL_PAGE_VISIT",
    "signup": "TOTAL_SIGNUP",
}
#: Those of them that have a column with their value, by the name with `_VALUE_IN_MICRO_DOLLAR`.
WITH_VALUE = frozenset({"TOTAL_CHECKOUT", "TOTAL_CUSTOM", "TOTAL_SIGNUP"})
#: Days of one request.
LONGEST = 90
#: Pinterest's own defaults, said aloud so that another default changes nothing.
WINDOWS = {"click_window_days": "30", "engagement_window_days": "30", "view_window_days": "1"}
_MICRO = Decimal(1_000_000)
_NONE = Decimal(0)
_MONEY = Decimal("0.0001")


class PinterestReportOptions(ReportOptions):
    """The options of this platform."""

    access_token_env: str = Field(
        default="PINTEREST_REPORTS_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with an access token with ads:read whose user may see the ad account's analytics.",
    )


class PinterestReport(Platform):
    """Pinterest API v5: ad account analytics."""

    name = "pinterest"
    title = "Pinterest"
    documentation = "https://developers.pinterest.com/docs/api/v5/ad_account-analytics"
    home = "https://api.pinterest.com"
    options_type = PinterestReportOptions
    options: PinterestReportOptions
    account = "an ad account's id, digits"
    account_pattern = "[0-9]{5,20}"
    lookback_days = 30
    day = "of the conversion, in UTC"
    window = "30 days after a click or an engagement, 1 after a view"
    event = "The column that counts it: TOTAL_CHECKOUT for checkout, TOTAL_SIGNUP for signup, and so on."
    rate = 1.0
    unverified = ("_rows: that a column without a value means none.",)

    def event_of(self, receiver_event: str) -> str:
        """An event's column; one without is named by `events`."""
        return COLUMNS.get(receiver_event, receiver_event)

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """The account's currency, and its columns by day."""
        currency = text(body_of((yield Ask("GET", f"/{API_VERSION}/ad_accounts/{account}"))), "currency")
        columns = dict.fromkeys([*events, *(_value(event) for event in events if event in WITH_VALUE)])
        rows: list[ReportRow] = []
        for piece in days.pieces(LONGEST):
            wanted = {
                "start_date": piece.first.isoformat(),
                "end_date": piece.last.isoformat(),
                "columns": ",".join(columns),
                "granularity": "DAY",
                "conversion_report_time": "TIME_OF_CONVERSION",
                **WINDOWS,
            }
            told = yield _get(account, wanted)
            rows += (row for each in list_of(told) for row in _rows(each, events, currency))
        return Report(tuple(rows), "UTC", currency)


def _get(account: str, fields: Mapping[str, str]) -> Ask:
    return Ask("GET", f"/{API_VERSION}/ad_accounts/{account}/analytics?{urlencode(fields)}")


def _value(column: str) -> str:
    return f"{column}_VALUE_IN_MICRO_DOLLAR"


def _rows(told: dict[str, Any], events: tuple[str, ...], currency: str) -> Iterator[ReportRow]:
    on = day(told, "DATE")
    for event in events:
        value = (decimal(told, _value(event), default=_NONE) / _MICRO).quantize(_MONEY) if event in WITH_VALUE else None
        yield ReportRow(on, event, decimal(told, event, default=_NONE), value, currency)
