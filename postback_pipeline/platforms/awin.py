"""Platform `awin`: an advertiser's transactions, one by one.

Sources: help.awin.com/apidocs/returns-a-list-of-transactions-for-a-given-advertiser (parameters, time zones, 31 days,
statuses, an example), help.awin.com/apidocs/introduction-1 (20 calls a minute).

Belongs here: this report. Does not belong here: orders and their validation (`destinations.awin`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.platforms.base import Ask, Conversation, Platform, PullError, Report, ReportOptions, ReportRow
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import decimal, list_of, objects, text
from postback_pipeline.platforms.transactions import last_second, transaction, utc

#: Days of one list, a day short of the most: the range is counted in hours, of which a change of clocks adds one.
MOST_DAYS = 30
#: Statuses of what was taken back.
TAKEN_BACK = frozenset({"declined", "deleted"})


class AwinReportOptions(ReportOptions):
    """The options of this platform."""

    access_token_env: str = Field(
        default="AWIN_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the OAuth 2 token of a user of the account: ui.awin.com/awin-api.",
    )


class AwinReport(Platform):
    """Awin: transactions of an advertiser."""

    name = "awin"
    title = "Awin"
    documentation = "https://help.awin.com/apidocs/returns-a-list-of-transactions-for-a-given-advertiser"
    home = "https://api.awin.com"
    options_type = AwinReportOptions
    options: AwinReportOptions
    account = "an advertiser's id, digits"
    account_pattern = "[0-9]{1,12}"
    lookback_days = 60
    day = "of the transaction"
    window = "the programme's"
    event = "The commission group's code of a transaction's first part, which is what routes call it."
    rate = 0.3
    unverified = (
        "_event: that the parts of a transaction that we told are all of one commission group.",
        "_moment: that times are in the zone that is asked for, and say so by no zone of their own.",
    )

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """Transactions of these days, in lists of a month."""
        rows: list[ReportRow] = []
        for piece in days.pieces(MOST_DAYS):
            fields = {
                "startDate": utc(piece.starts_at),
                "endDate": utc(last_second(piece)),
                "timezone": "UTC",
                "dateType": "transaction",
            }
            found = list_of((yield Ask("GET", f"/advertisers/{account}/transactions/?{urlencode(fields)}")))
            rows += [row for each in found if (row := _row(piece, each))]
        return Report(tuple(rows))


def _row(days: Days, told: dict[str, Any]) -> ReportRow | None:
    return transaction(
        days,
        _moment(told),
        _event(told),
        decimal(told, "saleAmount", "amount"),
        text(told, "saleAmount", "currency"),
        counts=text(told, "commissionStatus") not in TAKEN_BACK,
    )


def _moment(told: dict[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(text(told, "transactionDate"))
    except ValueError:
        raise PullError("transactionDate is no time.") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _event(told: dict[str, Any]) -> str:
    parts = objects(told, "transactionParts")
    if not parts:
        raise PullError("transactionParts has none.")
    return text(parts[0], "commissionGroupCode")
