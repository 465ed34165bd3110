"""One pull of one report: all accounts asked, all days read, and only then one file landed.

Belongs here: the order of things, adding accounts up, zeros for days on which nothing is told. Does not belong here:
the wire (`client`), files (`landing`), when a pull is made (`defs`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from postback_pipeline.platforms.base import Diagnostic, PullError, Report
from postback_pipeline.platforms.client import Client, Sleep
from postback_pipeline.platforms.days import Days, closed_days
from postback_pipeline.platforms.events import our_events
from postback_pipeline.platforms.landing import Key, Numbers, changed, folder_of, land, landed
from postback_pipeline.platforms.reports import ConfiguredReport
from postback_pipeline.settings import Settings, read_variable
from postback_pipeline.sources.definition_types import Route


@dataclass(frozen=True, slots=True)
class Pull:
    """What a pull brought."""

    days: Days
    #: What the platform tells about our events.
    told: Mapping[Key, Numbers]
    #: What of it is new or restated, and the file with it.
    landed: Mapping[Key, Numbers]
    file: Path | None
    #: The platform's names of what none of our events is, with its conversions.
    not_ours: Mapping[str, Decimal]
    diagnostics: tuple[Diagnostic, ...]


def pull(
    report: ConfiguredReport,
    settings: Settings,
    routes: Iterable[Route],
    *,
    now: datetime,
    days: Days | None = None,
    sleep: Sleep = asyncio.sleep,
) -> Pull:
    """Asks for `days`, by default for the closed ones that the platform restates, and lands what changed.

    `now` is the aware moment of the pull; `sleep` waits so many seconds.

    Raises:
        PullError: anything is missing or not as documented; then nothing is landed.
        SettingsError: a secret's variable is not set.
    """
    days = days or closed_days(now, report.zone, report.lookback_days)
    where = f"reports.{report.name}"
    try:
        _require_over(days, closed_days(now, report.zone, 1).last)
        ours = our_events(report.settings, report.platform, routes)
        landing = settings.report_folder(report.name)
        if not landing.is_dir():
            raise PullError(f"There is no folder {landing}. Create it, or correct the source's path.")
        folder = folder_of(landing, report.name)
        known = landed(folder, report.settings.destination, report.zone.key)
        secrets = {
            name: read_variable(name, f"{where} (for {report.platform.title})", settings.file)
            for name in report.secret_names
        }
        reports = asyncio.run(_ask(report, days, tuple(ours), secrets, sleep))
        told, not_ours = _added_up(reports, ours, report.platform.window)
        currencies = {each.currency for each in reports} | {key.currency for key in (*told, *known)}
        told = _with_zeros(told, days, ours.values(), currencies - {None}, report.platform.window)
        news = changed(known, told, days)
        file = land(folder, report.settings.destination, report.zone.key, news, now) if news else None
    except PullError as error:
        raise PullError(f"{where}: {error}") from None
    diagnostics = tuple(each for report in reports for each in report.diagnostics)
    return Pull(days, told, news, file, not_ours, diagnostics)


def _require_over(days: Days, newest: date) -> None:
    # What a platform does not tell yet would be landed as zero.
    if days.last > newest:
        raise PullError(f"{days.last} is not over in {days.zone.key}. The newest day to be asked for is {newest}.")


async def _ask(
    report: ConfiguredReport, days: Days, events: tuple[str, ...], secrets: Mapping[str, str], sleep: Sleep
) -> list[Report]:
    told = []
    own = report.settings
    for account in own.accounts:
        rate = own.rate or report.platform.rate
        client = Client(report.platform, secrets, rate, own.deadline_seconds, own.attempts, sleep)
        try:
            found = await client.report(report.platform.conversation(account, days, events))
            _require_same_days(found, days)
            _require_days(found, days)
        except PullError as error:
            raise PullError(f"account {account}: {error}") from None
        told.append(found)
    return told


def _require_same_days(found: Report, days: Days) -> None:
    if found.time_zone is not None and not days.same_in(found.time_zone):
        raise PullError(
            f"It reports days of {found.time_zone}, the destination's report_time_zone is {days.zone.key}: they would"
            " be compared with others. Write the account's zone there."
        )


def _require_days(found: Report, days: Days) -> None:
    strange = [row.day for row in found.rows if not days.first <= row.day <= days.last]
    if strange:
        raise PullError(f"It told about {strange[0]}, which nobody asked for.")


def _added_up(
    reports: Iterable[Report], ours: Mapping[str, str], window: str
) -> tuple[dict[Key, Numbers], dict[str, Decimal]]:
    told: dict[Key, Numbers] = {}
    not_ours: dict[str, Decimal] = {}
    for row in (row for report in reports for row in report.rows):
        if row.event not in ours:
            not_ours[row.event] = not_ours.get(row.event, Decimal(0)) + row.conversions
            continue
        key = Key(row.day, ours[row.event], row.currency, window)
        numbers = Numbers(row.conversions, row.value)
        told[key] = told[key] + numbers if key in told else numbers
    return told, {event: count for event, count in sorted(not_ours.items()) if count}


def _with_zeros(
    told: Mapping[Key, Numbers], days: Days, events: Iterable[str], currencies: Iterable[str | None], window: str
) -> dict[Key, Numbers]:
    """Platforms tell nothing where there was nothing; for whoever reads it, that is zero rather than unknown.

    In the currencies that accounts have or that anything was ever told in: lists of transactions name no other.
    """
    nothing = Numbers(Decimal(0), Decimal(0))
    zeros = {Key(day, event, currency, window): nothing for event in events for currency in currencies for day in days}
    return {**zeros, **told}
