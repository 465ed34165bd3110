"""Platform `impact`: the actions of a program, one by one.

Sources: integrations.impact.com/brand-api-reference/reference/actions ("List actions": `ActionDateStart` and
`ActionDateEnd` are about the event's date, `StartDate` is not; at most 45 days; states), .../readme/pagination (`Page`,
`PageSize`, keys with @), .../readme/authentication, .../readme/rate-limits.

Belongs here: this report. Does not belong here: conversions and modifications (`destinations.impact`).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic import Field

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.impact import API_VERSION
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.platforms.base import (
    Ask,
    Conversation,
    Platform,
    PullError,
    Report,
    ReportOptions,
    ReportRow,
    with_headers,
)
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, decimal, find, moment, objects, text
from postback_pipeline.platforms.transactions import last_second, transaction, utc

#: Days of one list, a day short of the most: the range is counted in hours, of which a change of clocks adds one.
MOST_DAYS = 44
PAGE_ROWS = 20_000
#: Beyond ten pages impact.com refuses the list.
MOST_PAGES = 10
#: Actions in any other state count.
REVERSED = "REVERSED"


class ImpactReportOptions(ReportOptions):
    """The options of this platform."""

    account_sid: str = Field(
        pattern="^[A-Za-z0-9]{10,64}$",
        description="The brand account's SID, letters and digits: Settings, Technical, API.",
    )
    auth_token_env: str = Field(
        default="IMPACT_AUTH_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the auth token of that SID; it must be allowed to read actions.",
    )


class ImpactReport(Platform):
    """impact.com's Brand API: actions."""

    name = "impact"
    title = "impact.com"
    documentation = "https://integrations.impact.com/brand-api-reference/reference/actions"
    home = "https://api.impact.com"
    options_type = ImpactReportOptions
    options: ImpactReportOptions
    account = "a program's (campaign's) id, digits"
    account_pattern = "[0-9]{1,12}"
    lookback_days = 60
    day = "of the event"
    window = "the contract's"
    event = "The event type's (action tracker's) id, which is what routes call it."
    rate = 1.0
    unverified = (
        "REVERSED: that Amount of an action in any other state is what is left of it.",
        "_list: that the last page is the one without @nextpageuri.",
    )

    def authorized(self, ask: Ask, secrets: Mapping[str, str]) -> Ask:
        """HTTP Basic, with the SID as the user."""
        token = credential(secrets, self.options.auth_token_env)
        both = b64encode(f"{self.options.account_sid}:{token}".encode()).decode()
        return with_headers(ask, {"Authorization": f"Basic {both}"})

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """Actions of these days, in lists of a month and a half."""
        rows: list[ReportRow] = []
        for piece in days.pieces(MOST_DAYS):
            for action in (yield from self._list(account, piece)):
                row = transaction(
                    piece,
                    moment(action, "EventDate"),
                    text(action, "ActionTrackerId"),
                    decimal(action, "Amount"),
                    text(action, "Currency"),
                    counts=text(action, "State") != REVERSED,
                )
                rows += [row] if row else []
        return Report(tuple(rows))

    def _list(self, account: str, days: Days) -> Generator[Ask, Reply, list[dict[str, Any]]]:
        found: list[dict[str, Any]] = []
        for number in range(1, MOST_PAGES + 1):
            fields = {
                "CampaignId": account,
                "ActionDateStart": f"{utc(days.starts_at)}Z",
                "ActionDateEnd": f"{utc(last_second(days))}Z",
                "PageSize": str(PAGE_ROWS),
                "Page": str(number),
            }
            url = f"/Advertisers/{self.options.account_sid}/Actions?{urlencode(fields)}"
            page = body_of((yield Ask("GET", url, {"Accept": "application/json", "IR-Version": API_VERSION})))
            found += objects(page, "Actions")
            if not find(page, "@nextpageuri"):
                return found
        raise PullError(f"It tells of more than {MOST_PAGES} pages. Ask for fewer days: lookback_days.")
