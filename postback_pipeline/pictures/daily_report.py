"""The report of a day: one HTML file that needs nothing else, for sending around.

Belongs here: what is in it, and writing it. Does not belong here: any figure's formula (dbt), charts (`charts`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from postback_pipeline.alerting.condition import Condition
from postback_pipeline.alerting.wording import HEADLINES
from postback_pipeline.pictures import charts
from postback_pipeline.pictures.drawing import page_svg, picture
from postback_pipeline.pictures.needs import needs
from postback_pipeline.pictures.palette import style_variables
from postback_pipeline.pictures.question import Answer, NothingPublished, published
from postback_pipeline.settings import Settings

#: A day is shown beside so many days before it, and charts show as many, with it.
DAYS = 28
_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class DailyReport:
    """What a day looked like as of the build that `as_of` names."""

    day: date
    as_of: datetime
    #: One row per destination, event and currency, beside what is usual.
    figures: Answer
    #: Conversions by destination and step, over `DAYS` days.
    funnel: Answer
    acceptance: Answer
    needed: Sequence[Condition]
    #: What could not be looked at.
    blind: Sequence[str]

    def pictures(self) -> Mapping[str, bytes]:
        """The charts as PNG, by name."""
        return {name: picture(chart) for name, (chart, _) in _charts(self).items()}


def daily_report(settings: Settings, day: date | None = None) -> DailyReport:
    """The report of `day`; without one, of the last whole UTC day before the last build.

    Raises:
        NothingPublished: there is nothing to report of yet.
    """
    with published(settings) as warehouse:
        as_of = warehouse.built_at()
        if as_of is None:
            raise NothingPublished("The warehouse was never built. Run: postback run")
        chosen = day or as_of.date() - timedelta(days=1)
        everything = {"destination": None, "event": None, "currency": None}
        asked = {**everything, "day": chosen, "from": chosen - timedelta(days=DAYS - 1), "to": chosen, "days": DAYS}
        figures, funnel = warehouse.ask("day", asked), warehouse.ask("funnel", asked)
        acceptance = warehouse.ask("acceptance_of_all", asked)
    needed, blind = needs(settings, datetime.now(UTC))
    return DailyReport(chosen, as_of, figures, funnel, acceptance, needed, blind)


def write_report(settings: Settings, report: DailyReport, file: Path | None = None) -> Path:
    """Writes it as HTML, whole or not at all; by default to the deployment's folder of reports, a file per day."""
    target = file or settings.home / settings.paths.reports / f"report-{report.day}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    html = _html(settings, report)
    # A name of its own: a person and a measure may write the same day at once.
    fresh = target.with_name(f"{target.name}.{token_hex(4)}.fresh")
    try:
        fresh.write_text(html, encoding="utf-8")
        os.replace(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)
    return target


def _html(settings: Settings, report: DailyReport) -> str:
    drawn = [(says, Markup(page_svg(chart, says))) for chart, says in _charts(report).values()]  # noqa: S704
    return _ENVIRONMENT.get_template("daily_report.html").render(
        report=report,
        environment=settings.environment,
        rows=report.figures.records(),
        steps=charts.STEPS,
        funnel=report.funnel.records(),
        acceptance=report.acceptance.records(),
        drawn=drawn,
        headlines=HEADLINES,
        days=DAYS,
        light=style_variables(dark=False),
        dark=style_variables(dark=True),
        made_at=datetime.now(UTC),
    )


def _charts(report: DailyReport) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if report.funnel.rows:
        says = f"Conversions that reached each step, {DAYS} days to {report.day}"
        found["funnel"] = (charts.funnel(report.funnel), says)
    if report.acceptance.rows:
        says = f"Accepted of sent, by day of the conversion, {DAYS} days to {report.day}"
        found["acceptance"] = (charts.panels(report.acceptance, "acceptance_rate"), says)
    return found


def _amount(value: Any) -> str:
    return "" if value is None else f"{value:,.2f}"


def _count(value: Any) -> str:
    return "" if value is None else f"{value:,.0f}"


def _share(value: Any) -> str:
    return "" if value is None else f"{value:.1%}"


_ENVIRONMENT = Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined)
_ENVIRONMENT.filters |= {"amount": _amount, "count": _count, "share": _share}
