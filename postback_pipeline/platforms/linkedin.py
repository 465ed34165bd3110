"""Platform `linkedin`: an ad account's conversions by conversion rule and day, from its ad analytics.

Sources: learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/ads-reporting (finder `analytics`,
pivot CONVERSION, no pages, fifteen thousand elements at most, an empty reply without access), .../account-structure
(`adAccounts`: its currency).

Belongs here: this report. Does not belong here: the Conversions API (`destinations.linkedin`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field

from postback_pipeline.destinations.linkedin import API_VERSION
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.platforms.base import Ask, Conversation, Platform, PullError, Report, ReportOptions, ReportRow
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, decimal, find, objects, text

#: What one reply holds at most: as many may have been cut off.
MOST_ELEMENTS = 15_000
#: Days of one request, so that five hundred rules stay below that.
LONGEST = 30
_HEADERS = {"LinkedIn-Version": API_VERSION, "X-Restli-Protocol-Version": "2.0.0"}
_FIELDS = "dateRange,pivotValues,externalWebsiteConversions,conversionValueInLocalCurrency"
_NONE = Decimal(0)


class LinkedInReportOptions(ReportOptions):
    """The options of this platform."""

    access_token_env: str = Field(
        default="LINKEDIN_REPORTS_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with an access token with r_ads and r_ads_reporting: LinkedIn Developer Portal, My apps,"
        " Auth. It lasts 60 days.",
    )


class LinkedInReport(Platform):
    """LinkedIn Marketing API: adAnalytics."""

    name = "linkedin"
    title = "LinkedIn"
    documentation = "https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/ads-reporting"
    home = "https://api.linkedin.com"
    options_type = LinkedInReportOptions
    options: LinkedInReportOptions
    account = "an ad account's id, digits"
    account_pattern = "[0-9]{5,20}"
    lookback_days = 30
    day = "LinkedIn's, in UTC"
    window = "the conversion rule's"
    event = "The number of the conversion rule, which is what routes call it."
    rate = 1.0
    unverified = (
        "conversation: that its days are those of UTC.",
        "_row: that the value is the sum in major units of the account's currency; and whether a conversion stands at"
        " its own day or at the click's.",
    )

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """The account's currency, and its conversions: those of all rules, as no filter knows of some."""
        currency = text(body_of((yield Ask("GET", f"/rest/adAccounts/{account}", _HEADERS))), "currency")
        rows: list[ReportRow] = []
        for piece in days.pieces(LONGEST):
            told = objects(body_of((yield _get(account, piece))), "elements")
            if len(told) >= MOST_ELEMENTS:
                raise PullError(f"It tells {MOST_ELEMENTS} elements, beyond which it keeps silent: read fewer days.")
            rows += (_row(each, currency) for each in told)
        return Report(tuple(rows), "UTC", currency)


def _get(account: str, days: Days) -> Ask:
    # Rest.li wants its own brackets and commas bare, and a URN's colons encoded.
    wanted = (
        f"q=analytics&pivot=CONVERSION&timeGranularity=DAILY"
        f"&dateRange=(start:{_written(days.first)},end:{_written(days.last)})"
        f"&accounts=List(urn%3Ali%3AsponsoredAccount%3A{account})&fields={_FIELDS}"
    )
    return Ask("GET", f"/rest/adAnalytics?{wanted}", _HEADERS)


def _written(day: date) -> str:
    return f"(year:{day.year},month:{day.month},day:{day.day})"


def _row(told: dict[str, Any], currency: str) -> ReportRow:
    on = _day(find(told, "dateRange", "start"))
    if _day(find(told, "dateRange", "end")) != on:
        raise PullError("It tells several days as one.")
    pivots = find(told, "pivotValues")
    if not isinstance(pivots, list) or len(pivots) != 1 or not isinstance(pivots[0], str) or not pivots[0]:
        raise PullError("pivotValues is no list of one conversion rule.")
    count = decimal(told, "externalWebsiteConversions", default=_NONE)
    value = decimal(told, "conversionValueInLocalCurrency", default=_NONE)
    return ReportRow(on, pivots[0].rpartition(":")[2] or pivots[0], count, value, currency)


def _day(told: Any) -> date:
    parts = [find(told, name) for name in ("year", "month", "day")]
    if not all(isinstance(part, int) and not isinstance(part, bool) for part in parts):
        raise PullError("dateRange is no range of days.")
    try:
        return date(*parts)
    except (ValueError, OverflowError):
        raise PullError("dateRange is no range of days.") from None
