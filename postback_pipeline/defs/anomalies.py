"""Judges the daily figures after they were measured, and shows what is out of its usual range.

Belongs here: the asset and its check. Does not belong here: judging (`anomalies`), telling anybody (`alerting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from postback_pipeline.defs.anomaly_tables import read_series, write_judgements
from postback_pipeline.defs.markdown import table_of
from postback_pipeline.defs.warehouse import WAREHOUSE_POOL
from postback_pipeline.settings import Settings
from postback_pipeline.sources.warehouse import open_warehouse

if TYPE_CHECKING:
    from postback_pipeline.anomalies.findings import Finding
    from postback_pipeline.anomalies.judge import Judgement

KEY = dg.AssetKey(["metrics", "anomalies"])
#: The alert `anomaly` tells of it, so that the check's failure is not told beside it.
ALL_USUAL = "figures_are_usual"

_BARS = "▁▂▃▄▅▆▇█"
_CHART_DAYS = 56


def chart_of(judgement: Judgement) -> str:
    """The last eight weeks as bars from nothing to the highest."""
    values = [each.point.value for each in judgement.days[-_CHART_DAYS:]]
    lowest, highest = min(0.0, *values), max(values)
    span = highest - lowest or 1.0
    return "".join(_BARS[round((value - lowest) / span * (len(_BARS) - 1))] for value in values)


def open_findings(judgements: Sequence[Judgement]) -> list[tuple[Judgement, Finding]]:
    """What goes on, the newest first."""
    found = [(each, each.open_finding) for each in judgements]
    going_on = [(each, finding) for each, finding in found if finding is not None]
    return sorted(going_on, key=lambda pair: pair[1].since, reverse=True)


def _shown(judgement: Judgement, finding: Finding) -> tuple[object, ...]:
    series = finding.series
    usual = f"{finding.low:,.4g} to {finding.high:,.4g}"
    return (
        series.destination, series.event_name, series.metric.words, finding.kind.value, finding.since,
        f"{finding.value:,.4g}", usual, finding.confidence.value, chart_of(judgement),
    )  # fmt: skip


@dg.definitions
def defs() -> dg.Definitions:
    """The asset, a table in the warehouse that the measure job leaves before it publishes."""

    @dg.asset(
        key=KEY,
        deps=[dg.AssetKey(["metrics", "daily_series"]), dg.AssetKey(["metrics", "hourly_volume"])],
        description="Days on which a figure was not what it usually is, by destination, event and metric, with their"
        " usual range: docs/metrics.md. Beside it metrics.usual_ranges, the range of every day.",
        group_name="metrics",
        owners=["team:data"],
        kinds={"duckdb"},
        tags={"measure": ""},
        pool=WAREHOUSE_POOL,
        check_specs=[
            dg.AssetCheckSpec(ALL_USUAL, asset=KEY, description="No figure is out of its usual range at present.")
        ],
    )
    def anomalies(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        # A second of imports that only this step needs.
        from postback_pipeline.anomalies.exceptions import Exceptions
        from postback_pipeline.anomalies.judge import judge

        known = settings.anomalies
        exceptions = Exceptions(known.country, known.changes)
        with open_warehouse(settings.warehouse_path) as connection:
            judgements = [judge(series, exceptions) for series in read_series(connection, known.time_zone)]
            write_judgements(connection, judgements)
        going_on = open_findings(judgements)
        columns = ("destination", "event", "figure", "kind", "since", "seen", "usual", "how sure", "last 8 weeks")
        learning = sum(all(day.sigmas is None for day in each.days) for each in judgements)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": sum(len(each.findings) for each in judgements),
                "going_on": len(going_on),
                "series": len(judgements),
                "learning": learning,
                "findings": table_of(columns, [_shown(*each) for each in going_on]),
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=not going_on,
                    asset_key=KEY,
                    check_name=ALL_USUAL,
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"going_on": len(going_on)},
                )
            ],
        )

    return dg.Definitions(assets=[anomalies])
