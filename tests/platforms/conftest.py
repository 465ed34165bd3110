"""A deployment with one report whose platform is on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.landing import folder_of
from postback_pipeline.platforms.pulling import Pull, pull
from postback_pipeline.platforms.reports import build_reports
from postback_pipeline.settings import Settings
from postback_pipeline.sources.definition_types import Route
from tests.platforms.contract_checks import SECRETS
from tests.platforms.golden_exchanges import golden
from tests.platforms.vendor_server import Vendor, vendor_server


@dataclass
class Pulling:
    """One report of one platform."""

    vendor: Vendor
    home: Path
    #: What `[reports.theirs]` says besides.
    more: dict[str, Any] = field(default_factory=dict)
    destination: dict[str, Any] = field(default_factory=dict)
    slept: list[float] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        own = self.vendor.golden
        report = {
            "destination": "theirs",
            "platform": own.name,
            "accounts": [own.account],
            "lookback_days": len(list(own.days)),
            "events": {f"event_{number}": name for number, name in enumerate(own.events)},
            "base_url": self.vendor.url,
            "rate": 1_000_000.0,
            **({"token_url": f"{self.vendor.url}/token"} if own.platform().grant else {}),
            **own.options,
            **self.more,
        }
        destination = {
            "type": "webhook", "url": "http://127.0.0.1:9/", "report_time_zone": own.days.zone.key, **self.destination
        }  # fmt: skip
        return Settings(
            home=self.home,
            destinations={"theirs": destination},  # type: ignore[dict-item]
            reports={"theirs": report},  # type: ignore[dict-item]
        )

    def now(self, minutes: int = 0) -> datetime:
        """Some time on the day after the report's last one, in its zone."""
        days = self.vendor.golden.days
        noon = datetime.combine(days.last + timedelta(days=1), time(12), days.zone)
        return noon.astimezone(UTC) + timedelta(minutes=minutes)

    def pull(self, minutes: int = 0, routes: tuple[Route, ...] = (), days: Days | None = None) -> Pull:
        """Pulls once, so many minutes after noon."""
        settings = self.settings
        report = build_reports(settings)["theirs"]
        return pull(report, settings, routes, now=self.now(minutes), days=days, sleep=self._sleep)

    def files(self) -> list[Path]:
        """What landed, in order."""
        return sorted(folder_of(self.home / "landing", "theirs").glob("*"))

    async def _sleep(self, seconds: float) -> None:
        # Pacing asks for parts of a millisecond.
        if seconds > 0.01:
            self.slept.append(round(seconds, 1))


@pytest.fixture
def pulling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Pulling]]:
    """Makes a deployment for the platform that is named."""
    (tmp_path / "landing").mkdir()
    with ExitStack() as servers:

        def make(name: str) -> Pulling:
            for variable, value in SECRETS[name].items():
                monkeypatch.setenv(variable, value)
            return Pulling(servers.enter_context(vendor_server(golden(name))), tmp_path)

        yield make
