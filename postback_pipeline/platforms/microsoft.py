"""Platform `microsoft`: an account's conversions by goal and day, from the Reporting service's goals report.

Sources: learn.microsoft.com/en-us/advertising/guides/request-download-report (submit, poll, download; no address where
there is no data), .../reporting-service/goalsandfunnelsreportrequest, and msads 13.0.30.1, which has the paths, the
spelling in JSON, the columns and the names of time zones.

Belongs here: the conversation about such a report. Does not belong here: its table (`microsoft_tables`), uploading
(`destinations.microsoft_offline`), which this shares credentials with.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import date
from typing import Any

import orjson
from pydantic import Field

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.json_body import code_of, json_of
from postback_pipeline.destinations.microsoft_offline import API_VERSION, SCOPE, MicrosoftOfflineOptions
from postback_pipeline.destinations.microsoft_offline_replies import PASSING, SERVER, SET_UP
from postback_pipeline.destinations.oauth import RefreshTokenGrant, TokenGrant
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
    problem_of,
    with_headers,
)
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.microsoft_tables import COLUMNS, rows_of
from postback_pipeline.platforms.reading import body_of, find, text

#: Microsoft's name of clocks -> a zone that has them. Names of several cities whose clocks differ today are left out,
#: and so is UTC: none of its names is documented to be without summer time.
ZONES = {
    "AmsterdamBerlinBernRomeStockholmVienna": "Europe/Berlin",
    "Brasilia": "America/Sao_Paulo",
    "CanberraMelbourneSydney": "Australia/Sydney",
    "CentralTimeUSCanada": "America/Chicago",
    "EasternTimeUSCanada": "America/New_York",
    "GreenwichMeanTimeDublinEdinburghLisbonLondon": "Europe/London",
    "HelsinkiKyivRigaSofiaTallinnVilnius": "Europe/Helsinki",
    "MountainTimeUSCanada": "America/Denver",
    "OsakaSapporoTokyo": "Asia/Tokyo",
    "PacificTimeUSCanadaTijuana": "America/Los_Angeles",
}
#: How often it is asked whether the report is made, and how many seconds before each time.
MOST_POLLS, BETWEEN_POLLS = 60, 15.0
_PATH = f"/Reporting/{API_VERSION}/GenerateReport"


class MicrosoftReportOptions(ReportOptions):
    """The options of this platform."""

    customer_id: str = Field(
        pattern="^[0-9]{1,20}$",
        description="The manager account's id, digits: cid in the page's address in Microsoft Advertising.",
    )
    currency: str = Field(
        pattern="^[A-Z]{3}$", description="The account's currency, such as EUR: the report has values without it."
    )
    developer_token_env: str = Field(
        default="MICROSOFT_ADS_DEVELOPER_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the developer token: the Microsoft Advertising developer portal, Account.",
    )
    client_id_env: str = Field(
        default="MICROSOFT_ADS_CLIENT_ID", pattern=f"^{VARIABLE}$", description="Variable with the application's id."
    )
    client_secret_env: str = Field(
        default="MICROSOFT_ADS_CLIENT_SECRET",
        pattern=f"^{VARIABLE}$",
        description="Variable with the application's secret.",
    )
    refresh_token_env: str = Field(
        default="MICROSOFT_ADS_REFRESH_TOKEN",
        pattern=f"^{VARIABLE}$",
        description=f"Variable with a user's refresh token for {SCOPE}.",
    )
    token_url: str = Field(
        default=MicrosoftOfflineOptions.model_fields["token_url"].default,
        description="Where access tokens are asked for.",
    )


class MicrosoftReport(Platform):
    """Microsoft Advertising Reporting: GoalsAndFunnelsReport."""

    name = "microsoft"
    title = "Microsoft Advertising"
    documentation = "https://learn.microsoft.com/en-us/advertising/guides/request-download-report"
    home = "https://reporting.api.bingads.microsoft.com"
    options_type = MicrosoftReportOptions
    options: MicrosoftReportOptions
    account = "an account's id, digits: aid in the page's address"
    account_pattern = "[0-9]{1,20}"
    lookback_days = 30
    day = "of the click, on the destination's clocks"
    window = "the conversion goal's"
    event = "The name of the conversion goal, which is what routes call it."
    rate = 1.0
    unverified = (
        "ZONES: which clocks Microsoft's names stand for; where none has the destination's, the pull says so.",
        "_request: that a conversion stands at the day of its click.",
        "microsoft_tables: how days and numbers are written in the file.",
        "problem: which error codes pass by themselves.",
    )

    @property
    def grant(self) -> TokenGrant:
        """A user's refresh token."""
        return RefreshTokenGrant.of(self.options, SCOPE)

    def authorized(self, ask: Ask, secrets: Mapping[str, str]) -> Ask:
        """Bearer token and developer token."""
        developer = credential(secrets, self.options.developer_token_env)
        return with_headers(super().authorized(ask, secrets), {"DeveloperToken": developer})

    def problem(self, reply: Reply) -> Problem | None:
        """The first of Microsoft's own errors, where there is one."""
        problem = problem_of(reply.status)
        body = json_of(reply) if problem else None
        for name in ("Errors", "OperationErrors", "BatchErrors"):
            errors = find(body, name)
            for error in errors if isinstance(errors, list) else ():
                code = code_of(find(error, "ErrorCode")) or f"HTTP {reply.status}"
                if code in SET_UP:
                    return Problem(Fault.CREDENTIALS, code)
                return Problem(Fault.PASSING if code in PASSING or code == SERVER else Fault.FINAL, code)
        return problem

    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """A report is ordered, waited for, and fetched."""
        headers = {
            "Content-Type": "application/json",
            "CustomerId": self.options.customer_id,
            "CustomerAccountId": account,
        }
        ordered = body_of((yield _post("Submit", headers, {"ReportRequest": _request(account, days)})))
        address = yield from self._made(text(ordered, "ReportRequestId"), headers)
        if address is None:
            return Report((), currency=self.options.currency)
        # The address is signed, and not Microsoft Advertising's own: whoever has it may read the file.
        file = yield Ask("GET", address, with_credentials=False)
        return Report(rows_of(file.body, self.options.currency), currency=self.options.currency)

    def _made(self, order: str, headers: Mapping[str, str]) -> Generator[Ask, Reply, str | None]:
        for _ in range(MOST_POLLS):
            asked = _post("Poll", headers, {"ReportRequestId": order}, after_seconds=BETWEEN_POLLS)
            told = body_of((yield asked))
            status = text(told, "ReportRequestStatus", "Status")
            if status == "Success":
                address = find(told, "ReportRequestStatus", "ReportDownloadUrl")
                return None if address is None else text(told, "ReportRequestStatus", "ReportDownloadUrl")
            if status != "Pending":
                raise PullError("It could not make the report.")
        raise PullError(f"The report was not made within {MOST_POLLS * BETWEEN_POLLS:.0f} seconds.")


def _post(end: str, headers: Mapping[str, str], body: Mapping[str, Any], after_seconds: float = 0.0) -> Ask:
    return Ask("POST", f"{_PATH}/{end}", headers, orjson.dumps(body), after_seconds=after_seconds)


def _request(account: str, days: Days) -> dict[str, Any]:
    return {
        "Type": "GoalsAndFunnelsReportRequest",
        "ReportName": "conversions",
        "Format": "Csv",
        "FormatVersion": "2.0",
        "ReturnOnlyCompleteData": False,
        "ExcludeReportHeader": True,
        "ExcludeReportFooter": True,
        "ExcludeColumnHeaders": False,
        "Aggregation": "Daily",
        "Columns": list(COLUMNS),
        "Scope": {"AccountIds": [account]},
        "Time": {
            "CustomDateRangeStart": _date(days.first),
            "CustomDateRangeEnd": _date(days.last),
            "ReportTimeZone": _zone(days),
        },
    }


def _date(day: date) -> dict[str, int]:
    return {"Day": day.day, "Month": day.month, "Year": day.year}


def _zone(days: Days) -> str:
    for name, zone in ZONES.items():
        if days.same_in(zone):
            return name
    raise PullError(
        f"Microsoft is not known to report days of {days.zone.key}. Upload its report as a file, or take a"
        " report_time_zone that it has, such as Europe/London."
    )
