"""What every step that opens the DuckDB file shares: the pool that lets only one of them run.

Belongs here: the pool, and the published copy that everyone else reads. Does not belong here: what is read or written.
https://docs.dagster.io/guides/operate/managing-concurrency/concurrency-pools
"""

import os
import shutil

import dagster as dg

from postback_pipeline.settings import Settings

#: DuckDB lets one process write, and none read beside it: every step that opens the file holds this pool.
WAREHOUSE_POOL = "warehouse"
PUBLISHED = dg.AssetKey(["published", "warehouse"])


def publish(settings: Settings) -> int:
    """Swaps in a fresh copy of the warehouse for readers, atomically; returns its size in bytes."""
    target = settings.published_path
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(target.name + ".fresh")
    shutil.copyfile(settings.warehouse_path, fresh)
    os.replace(fresh, target)
    return target.stat().st_size


@dg.definitions
def defs() -> dg.Definitions:
    """The published copy, the last step of build and of measure."""

    @dg.asset(
        key=PUBLISHED,
        deps=[
            dg.AssetKey(["ledger", "postbacks"]),
            dg.AssetKey(["metrics", "destination_overview"]),
            dg.AssetKey(["metrics", "reconciliation_causes"]),
        ],
        description="The copy of the warehouse that people, dashboards and the command line read.",
        group_name="warehouse",
        owners=["team:data"],
        kinds={"duckdb"},
        pool=WAREHOUSE_POOL,
    )
    def published_warehouse(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        size = publish(settings)
        return dg.MaterializeResult(
            metadata={"path": dg.MetadataValue.path(str(settings.published_path)), "size_bytes": size}
        )

    return dg.Definitions(assets=[published_warehouse])
