"""What every step that opens the DuckDB file shares: the pool that lets only one of them run.

Belongs here: the pool, and the published copy that everyone else reads. Does not belong here: what is read or written.
https://docs.dagster.io/guides/operate/managing-concurrency/concurrency-pools
"""

import os
import shutil
from datetime import UTC, datetime

import dagster as dg

from postback_pipeline.alerting.warehouse_conditions import unexplained_conditions
from postback_pipeline.settings import Settings
from postback_pipeline.sources.warehouse import open_warehouse

#: DuckDB lets one process write, and none read beside it: every step that opens the file holds this pool.
WAREHOUSE_POOL = "warehouse"
OVERVIEW = """
    select
        destination, currency, eligible_conversions as eligible, matched_conversions as matched,
        sent_postbacks as sent, accepted_postbacks as accepted, accepted_adjustments as adjusted,
        waiting_postbacks as waiting, unknown_postbacks as unclear, rejected_postbacks as refused,
        desired_value as should_know, accepted_value as knows
    from metrics.destination_overview
    order by all
"""
PUBLISHED = dg.AssetKey(["published", "warehouse"])
#: What experiments show, which the copy has as well.
RESULTS = dg.AssetKey(["metrics", "experiment_results"])
EXPLAINED = "reports_are_explained"


def publish(settings: Settings) -> int:
    """Swaps in a fresh copy of the warehouse for readers, atomically; returns its size in bytes."""
    target = settings.published_path
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".fresh")
    shutil.copyfile(settings.warehouse_path, fresh)
    os.replace(fresh, target)
    return target.stat().st_size


def overview(settings: Settings) -> dg.MarkdownMetadataValue:
    """The figures of every destination as a table; before the first measure there are none."""
    with open_warehouse(settings.published_path, read_only=True) as connection:
        known = connection.execute("from duckdb_tables() where table_name = 'destination_overview'").fetchone()
        if known is None:
            return dg.MetadataValue.md("Nothing was measured yet.")
        rows = connection.execute(OVERVIEW).df()
    return dg.MetadataValue.md(rows.to_markdown(index=False))


def explained(settings: Settings, now: datetime) -> dg.AssetCheckResult:
    """Whether the reports of the days before `now`, aware UTC, differ by no more than the alert's own threshold."""
    found = unexplained_conditions(settings, now)
    return dg.AssetCheckResult(
        passed=not found,
        check_name=EXPLAINED,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={each.subject: each.sentence for each in found},
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The published copy, the last step of build and of measure."""

    @dg.asset(
        key=PUBLISHED,
        deps=[
            dg.AssetKey(["ledger", "postbacks"]),
            dg.AssetKey(["metrics", "destination_overview"]),
            dg.AssetKey(["metrics", "reconciliation_causes"]),
            dg.AssetKey(["metrics", "anomalies"]),
            RESULTS,
        ],
        description="The copy of the warehouse that people, dashboards and the command line read.",
        group_name="warehouse",
        owners=["team:data"],
        kinds={"duckdb"},
        pool=WAREHOUSE_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                EXPLAINED,
                asset=PUBLISHED,
                description="No report differs unexplained by more than [alerts] allows.",
            )
        ],
    )
    def published_warehouse(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        size = publish(settings)
        return dg.MaterializeResult(
            check_results=[explained(settings, datetime.now(UTC))],
            metadata={
                "path": dg.MetadataValue.path(str(settings.published_path)),
                "size_bytes": size,
                "destinations": overview(settings),
            },
        )

    return dg.Definitions(assets=[published_warehouse])
