"""The sensor that looks for what is wrong and tells people, and what of it the UI shows.

Belongs here: when a round is made, and its events. Does not belong here: what is looked for (`alerting`,
`dagster_conditions`), how anybody is told.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from postback_pipeline.alerting.ledger_conditions import ledger_place
from postback_pipeline.alerting.memory import AnotherRound, Memory, read_memory
from postback_pipeline.alerting.message import headline, status_of
from postback_pipeline.alerting.round import Report, run_round
from postback_pipeline.alerting.warehouse_conditions import warehouse_place
from postback_pipeline.defs.anomalies import ALL_USUAL
from postback_pipeline.defs.anomalies import KEY as ANOMALIES
from postback_pipeline.defs.dagster_conditions import dagster_place
from postback_pipeline.defs.markdown import table_of
from postback_pipeline.settings import Settings, load_env_file

#: A round may take as long as the slowest channel's deadline; Dagster gives a tick a minute.
TICK_SECONDS = 60
KEY = dg.AssetKey(["alerts", "told"])
ALL_TOLD = "every_channel_is_told"


def events(report: Report, told_of: str) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    """What a round leaves in the UI: what was told, and the check, where its result is another than `told_of`."""
    if report.sent or report.failed:
        rows = [
            (name, headline(item), status_of(item), item.held.condition.sentence)
            for name, items in report.sent.items()
            for item in items
        ]
        yield dg.AssetMaterialization(
            KEY,
            metadata={
                "told": table_of(("channel", "what", "", "sentence"), rows),
                "changes_told": len(rows),
                "channels_failed": len(report.failed),
                "conditions": sum(held.over_at is None for held in report.memory.held),
            },
        )
    if mark(report.memory) != told_of:
        yield dg.AssetCheckEvaluation(
            asset_key=KEY,
            check_name=ALL_TOLD,
            passed=not failing(report.memory),
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={**failing(report.memory)},
        )


def failing(memory: Memory) -> dict[str, str]:
    """Channels that the last try could not tell, and why."""
    return {name: each.error or "" for name, each in memory.channels.items() if each.failing_since is not None}


def mark(memory: Memory) -> str:
    """Names the check's result; the sensor keeps it between its ticks."""
    return "; ".join(f"{name}: {why}" for name, why in sorted(failing(memory).items())) or "all told"


@dg.definitions
def defs() -> dg.Definitions:
    """The sensor, and the asset and check that show what it does."""

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=TICK_SECONDS,
        description="Looks at the ledger, the published warehouse, runs and checks, and tells the channels of"
        " [alerts] what appeared, lasts and is over. Costs milliseconds while nothing changes.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def alerts(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        load_env_file(settings.file)
        now = datetime.now(UTC)
        repository = context.repository_def

        def checks() -> set[dg.AssetCheckKey]:
            found = set() if repository is None else set(repository.asset_graph.asset_check_keys)
            # What alerts themselves tell, and what they tell in more words as anomalies.
            return found - {dg.AssetCheckKey(KEY, ALL_TOLD), dg.AssetCheckKey(ANOMALIES, ALL_USUAL)}

        places = [
            ledger_place(settings, now),
            warehouse_place(settings, now),
            dagster_place(context.instance, checks, list(settings.destinations), now),
        ]
        try:
            report = run_round(settings, places, os.environ, now)
        except AnotherRound as error:
            return dg.SkipReason(str(error))
        for name, why in {**report.failed, **report.blind}.items():
            context.log.warning(f"{name}: {why}")
        left = list(events(report, context.cursor or ""))
        reason = None if left else report.sentence
        return dg.SensorResult(asset_events=left, cursor=mark(report.memory), skip_reason=reason)

    told = dg.AssetSpec(
        KEY,
        description="What the channels of [alerts] were told, and which of them could not be: docs/alerts.md.",
        group_name="alerts",
        owners=["team:data"],
    )

    @dg.asset_check(asset=KEY, name=ALL_TOLD, description="Every channel took what it was told last.")
    def every_channel_is_told(settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
        found = failing(read_memory(settings.alert_memory_path))
        return dg.AssetCheckResult(passed=not found, severity=dg.AssetCheckSeverity.ERROR, metadata={**found})

    return dg.Definitions(assets=[told], asset_checks=[every_channel_is_told], sensors=[alerts])
