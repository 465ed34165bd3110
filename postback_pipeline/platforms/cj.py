"""Platform `cj`: an advertiser's commissions, one by one, by GraphQL.

Sources: developers.cj.com/graphql/reference/Commission%20Detail, and the schema that commissions.api.cj.com/query tells
by introspection (2026-08-13): `advertiserCommissions`, `AdvertiserCommission`, `payloadComplete`, `maxCommissionId`.

A correction is a record of its own, with `original` false and the id of what it corrects: a conversion is all records
of one id, on the day of the original, and what is worth nothing any more counts no longer.

Belongs here: this report. Does not belong here: orders (`destinations.cj`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator
from decimal import Decimal
from typing import Any

import orjson
from pydantic import Field

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.cj import OF_SETUP
from postback_pipeline.destinations.json_body import json_of
from postback_pipeline.destinations.options import VARIABLE
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
)
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.reading import body_of, decimal, find, flag, moment, objects, text
from postback_pipeline.platforms.transactions import utc

MOST_DAYS = 30
MOST_PAGES = 1_000
#: Errors that asking again does not mend: of the query itself. Others pass, as far as attempts go.
SYNTAX = re.compile(r"validation error|syntax|unknown field|not permitted", re.IGNORECASE)
_FIELDS = "commissionId original originalActionId actionTrackerId eventDate saleAmountAdvCurrency"


class CjReportOptions(ReportOptions):
    """The options of this platform."""

    currency: str = Field(
        pattern="^[A-Z]{3}$",
        description="The advertiser's currency, in which CJ tells amounts without naming it: Account, Settings.",
    )
    access_token_env: str = Field(
        default="CJ_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with a personal access token: developers.cj.com/account/personal-access-tokens.",
    )


class CjReport(Platform):
    """CJ Affiliate: Commission Detail API, the advertiser's view."""

    name = "cj"
    title = "CJ Affiliate"
    documentation = "https://developers.cj.com/graphql/reference/Commission%20Detail"
    home = "https://commissions.api.cj.com"
    options_type = CjReportOptions
    options: CjReportOptions
    account = "an advertiser's CID, digits"
    account_pattern = "[0-9]{1,12}"
    lookback_days = 60
    day = "of the event"
    window = "the programme's"
    event = "The action tracker's id, which is what routes call it."
    rate = 0.4
    unverified = (
        "_rows: that a correction bears the event date of what it corrects; one whose original is not among the days"
        " that are read changes the value of its own day.",
        "SYNTAX, problem: how errors inside status 200 begin.",
    )

    def problem(self, reply: Reply) -> Problem | None:
        """Errors of GraphQL come with status 200."""
        if problem := problem_of(reply.status):
            return problem
        errors = find(json_of(reply), "errors")
        if not errors:
            return None
        first = errors[0] if isinstance(errors, list) else None
        message = find(first, "message")
        said = message if isinstance(message, str) else ""
        if said.startswith(OF_SETUP):
            return Problem(Fault.CREDENTIALS, "GraphQL error")
        return Problem(Fault.FINAL if SYNTAX.search(said) else Fault.PASSING, "GraphQL error")

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """Commissions of events on these days, in lists of a month."""
        records: list[dict[str, Any]] = []
        for piece in days.pieces(MOST_DAYS):
            records += yield from self._list(account, piece)
        return Report(tuple(_rows(records, days, self.options.currency)), currency=self.options.currency)

    def _list(self, account: str, days: Days) -> Generator[Ask, Reply, list[dict[str, Any]]]:
        found: list[dict[str, Any]] = []
        since = ""
        for _ in range(MOST_PAGES):
            after = f", sinceCommissionId: {_quoted(since)}" if since else ""
            query = (
                f"{{ advertiserCommissions(forAdvertisers: [{_quoted(account)}],"
                f" sinceEventDate: {_quoted(utc(days.starts_at) + 'Z')},"
                f" beforeEventDate: {_quoted(utc(days.ends_at) + 'Z')}{after})"
                f" {{ payloadComplete maxCommissionId records {{ {_FIELDS} }} }} }}"
            )
            body = orjson.dumps({"query": query})
            page = body_of((yield Ask("POST", "/query", {"Content-Type": "application/json"}, body)))
            told = find(page, "data", "advertiserCommissions")
            found += objects(told, "records")
            if flag(told, "payloadComplete"):
                return found
            since = text(told, "maxCommissionId")
        raise PullError(f"It tells of more than {MOST_PAGES} pages.")


def _quoted(value: str) -> str:
    """A string of GraphQL."""
    return orjson.dumps(value).decode()


def _rows(records: list[dict[str, Any]], days: Days, currency: str) -> list[ReportRow]:
    actions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    # A record that two pages tell is one.
    for record in {text(each, "commissionId"): each for each in records}.values():
        actions[text(record, "originalActionId")].append(record)
    rows = []
    for told in actions.values():
        first = next((record for record in told if flag(record, "original")), None)
        at = days.day_of(moment(first or told[0], "eventDate"))
        worth = sum((decimal(record, "saleAmountAdvCurrency", default=Decimal(0)) for record in told), Decimal(0))
        # What never was worth anything, a lead, counts until it is corrected.
        counts = first is not None and (worth > 0 or len(told) == 1)
        rows.append(ReportRow(at, text(told[0], "actionTrackerId"), Decimal(1 if counts else 0), worth, currency))
    return rows
