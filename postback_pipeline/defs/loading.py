"""Landing files and order databases -> raw tables, one asset per entity.

Belongs here: when an entity is loaded and what of a load is shown. Does not belong here: reading, checking or refusing
anything (`sources`). https://docs.dagster.io/guides/build/assets
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg
import pandas as pd

from postback_pipeline.defs.warehouse import WAREHOUSE_POOL
from postback_pipeline.platforms.landing import ENTITY
from postback_pipeline.settings import Settings, load_settings
from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.held import check_counts
from postback_pipeline.sources.load import load_entity
from postback_pipeline.sources.results import EntityLoad
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse

COUNTS_TIE = "rows_are_loaded_or_quarantined"


def files_table(load: EntityLoad) -> dg.MarkdownMetadataValue:
    """The files and reads of a load that brought something, as a table."""
    rows = [
        {"file": each.file, "rows": each.rows, "loaded": each.loaded, "quarantined": each.quarantined}
        for each in load.files
    ]
    return dg.MetadataValue.md(pd.DataFrame(rows).to_markdown(index=False) if rows else "Nothing new.")


def entity_asset(entity: str, after: Sequence[dg.AssetKey] = ()) -> dg.AssetsDefinition:
    """The asset that loads what is new of one entity, from all sources; `after` are the assets that land it."""
    key = dg.AssetKey(["raw", entity])

    @dg.asset(
        key=key,
        deps=after,
        description=f"New and changed {entity.replace('_', ' ')} from every source, typed and checked;"
        " rows that do not fit are in raw.quarantine.",
        group_name="sources",
        owners=["team:data"],
        kinds={"duckdb"},
        pool=WAREHOUSE_POOL,
        check_specs=[
            dg.AssetCheckSpec(
                COUNTS_TIE, asset=key, description="Every row that came in is in its table or in quarantine."
            )
        ],
    )
    def load(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        with open_warehouse(settings.warehouse_path) as connection:
            create_raw_tables(connection)
            loaded = load_entity(connection, entity, settings, loaded_at=datetime.now(UTC))
            counts = check_counts(connection, entity)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": counts.in_raw,
                "rows_new": sum(each.rows for each in loaded.files),
                "quarantined": counts.in_quarantine,
                "files": files_table(loaded),
                "ignored": ", ".join(loaded.ignored) or "none",
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=counts.tie,
                    asset_key=key,
                    check_name=COUNTS_TIE,
                    metadata={
                        "rows": counts.rows,
                        "in_table": counts.in_raw,
                        "in_quarantine": counts.in_quarantine,
                    },
                )
            ],
        )

    return load


@dg.definitions
def defs() -> dg.Definitions:
    """One asset per entity of the landing contract."""
    landed = {ENTITY: [dg.AssetKey(["reports", name]) for name in load_settings().reports]}
    return dg.Definitions(assets=[entity_asset(entity, landed.get(entity, ())) for entity in ENTITIES])
