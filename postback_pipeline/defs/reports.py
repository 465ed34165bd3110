"""Platforms' own reports -> the landing folder, one asset per report of the settings, and when they are pulled.

Belongs here: assets, their job and schedule, what of a pull is shown. Does not belong here: asking (`platforms`),
loading what was landed (`loading`, with the next build).
"""

from datetime import UTC, date, datetime
from decimal import Decimal

import dagster as dg

from postback_pipeline.defs.jobs import MAX_RUNTIME, REPORTS
from postback_pipeline.defs.markdown import table_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.pulling import Pull, pull
from postback_pipeline.platforms.reports import ConfiguredReport, build_reports
from postback_pipeline.settings import Settings, load_env_file, load_settings
from postback_pipeline.sources.definitions import read_definitions

JOB = "pull_reports"
#: Twenty minutes before the builds at the full hour that load it.
CRON = "40 */6 * * *"


class Reread(dg.Config):
    """Other days than the usual ones, both included: to read further back once."""

    first_day: str | None = None
    last_day: str | None = None

    def days(self, report: ConfiguredReport) -> Days | None:
        """The days asked for; None for the usual ones."""
        if self.first_day is None or self.last_day is None:
            return None
        return Days(date.fromisoformat(self.first_day), date.fromisoformat(self.last_day), report.zone)


def shown(report: ConfiguredReport, pulled: Pull) -> dict[str, dg.MetadataValue]:
    """What of a pull stands in the UI."""
    conversions = sum((numbers.conversions for numbers in pulled.told.values()), Decimal(0))
    news = [
        (key.day, key.event, numbers.conversions, numbers.value, key.currency) for key, numbers in pulled.landed.items()
    ]
    return {
        "platform": dg.MetadataValue.text(report.platform.title),
        "days": dg.MetadataValue.text(f"{pulled.days.first} to {pulled.days.last}, {report.zone.key}"),
        "conversions": dg.MetadataValue.float(float(conversions)),
        "rows_new_or_restated": dg.MetadataValue.int(len(news)),
        "file": dg.MetadataValue.path(str(pulled.file)) if pulled.file else dg.MetadataValue.text("nothing changed"),
        "new_or_restated": table_of(("day", "event", "conversions", "value", "currency"), news[:200]),
        "none_of_our_events": table_of(("the platform's name", "conversions"), list(pulled.not_ours.items())),
        "diagnostics": table_of(
            ("of", "measure", "says"), [(each.subject, each.measure, each.said) for each in pulled.diagnostics]
        ),
    }


def report_asset(name: str, title: str) -> dg.AssetsDefinition:
    """The asset that pulls one report."""

    @dg.asset(
        key=["reports", name],
        description=f"What {title} reports about our conversions, as `[reports.{name}]` asks: the closed days that it"
        " still restates, landed as rows of platform_reports where they are new or changed.",
        group_name="reports",
        owners=["team:data"],
        kinds={"http"},
        pool=f"report_{name}",
    )
    def pulled(config: Reread, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        load_env_file(settings.file)
        report = build_reports(settings)[name]
        if not report.asks:
            says = f"Destination {report.settings.destination} is in mode test: nobody is asked."
            return dg.MaterializeResult(metadata={"platform": title, "nothing_pulled": says})
        routes = read_definitions(settings.definitions_path, destinations=build_destinations(settings)).routes
        found = pull(report, settings, routes, now=datetime.now(UTC), days=config.days(report))
        return dg.MaterializeResult(metadata=shown(report, found))

    return pulled


@dg.definitions
def defs() -> dg.Definitions:
    """One asset per report, and a schedule for them all; nothing where none is configured."""
    reports = build_reports(load_settings())
    if not reports:
        return dg.Definitions()
    job = dg.define_asset_job(
        JOB,
        selection=REPORTS,
        description="Platforms' own reports: days that are new or restated, into the landing folder.",
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME: "7200"},
    )
    schedule = dg.ScheduleDefinition(
        name="pull_reports_often",
        job=job,
        cron_schedule=CRON,
        description="Four times a day: a platform's numbers come late and change for weeks.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    assets = [report_asset(name, report.platform.title) for name, report in reports.items()]
    return dg.Definitions(assets=assets, jobs=[job], schedules=[schedule])
