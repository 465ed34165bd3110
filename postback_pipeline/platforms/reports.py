"""The settings' `[reports.NAME]` -> reports that can be pulled.

Belongs here: checking options, and which mode may ask whom. Does not belong here: asking (`pulling`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from postback_pipeline.platforms import PLATFORMS
from postback_pipeline.platforms.base import Platform, ReportOptions
from postback_pipeline.settings import Mode, Settings, SettingsError, sentences
from postback_pipeline.settings.alerts import is_loopback, require_safe_url
from postback_pipeline.settings.reports import ReportSettings


@dataclass(frozen=True, slots=True)
class ConfiguredReport:
    """One report of the settings."""

    name: str
    platform: Platform
    settings: ReportSettings
    #: Of the destination's own reports.
    zone: ZoneInfo
    mode: Mode

    @property
    def asks(self) -> bool:
        """Whether anybody is asked: a destination in mode test asks nobody but this machine."""
        return self.mode is Mode.LIVE or _is_here(self.platform.base)

    @property
    def lookback_days(self) -> int:
        """So many closed days are read each time."""
        return self.settings.lookback_days or self.platform.lookback_days

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The environment variables that it needs."""
        return self.platform.options.secret_names if self.asks else ()


def build_reports(settings: Settings) -> dict[str, ConfiguredReport]:
    """Every configured report by name, in the order of the settings file.

    Raises:
        SettingsError: one line per mistake over all reports, each naming file, report and option.
    """
    built: dict[str, ConfiguredReport] = {}
    mistakes: list[str] = []
    for name, report in settings.reports.items():
        found = _built(name, report, settings)
        if isinstance(found, ConfiguredReport):
            built[name] = found
        else:
            mistakes += found
    if mistakes:
        raise SettingsError("\n".join(f"{settings.file}: {mistake}" for mistake in mistakes))
    return built


def _built(name: str, report: ReportSettings, settings: Settings) -> ConfiguredReport | list[str]:
    where = f"reports.{name}"
    kind = PLATFORMS.get(report.platform)
    if kind is None:
        known = ", ".join(sorted(PLATFORMS))
        return [f"{where}: platform: {report.platform!r} is unknown. Known are {known}."]
    try:
        options = kind.options_type(**report.options)
    except ValidationError as error:
        return sentences(error, where)
    base = (options.base_url or kind.home).rstrip("/")
    mistakes = [
        f"{where}: accounts: {account!r} is not {kind.account}."
        for account in report.accounts
        if not re.fullmatch(kind.account_pattern, account)
    ]
    for field, url in {"base_url": base, **_urls(options)}.items():
        try:
            require_safe_url(url)
        except ValueError as error:
            mistakes.append(f"{where}: {field}: {error}.")
        else:
            if _is_here(base) and not _is_here(url):
                mistakes.append(f"{where}: {field}: with a base_url on this machine nobody else is asked.")
    if mistakes:
        return mistakes
    destination = settings.destinations[report.destination]
    zone = ZoneInfo(destination.report_time_zone)
    return ConfiguredReport(name, kind(options, base=base), report, zone, destination.mode)


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


def _urls(options: ReportOptions) -> dict[str, str]:
    """Where else it goes, by the option that says so: fields `..._url`."""
    names = [name for name in type(options).model_fields if name.endswith("_url") and name != "base_url"]
    return {name: getattr(options, name) for name in names}
