"""What a build is told besides the rows: definitions, capabilities, its moment and window, the ledger's past.

Belongs here: the raw assets that the pipeline itself fills. Does not belong here: rows from outside (`loading`).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import dagster as dg

from postback_pipeline.defs.partitions import window_of
from postback_pipeline.defs.warehouse import WAREHOUSE_POOL
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import open_ledger
from postback_pipeline.settings import Settings
from postback_pipeline.sources.build_context import check_ledger_identity, write_build_context
from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.ledger_copy import copy_ledger_history
from postback_pipeline.sources.reference import load_reference
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse

REFERENCE = {
    "conversion_definitions": "Which source records are conversions: definitions/conversions.csv, validated.",
    "test_order_rules": "Patterns by which the definitions recognise tests.",
    "plan_values": "What a conversion of a plan counts for: definitions/plan_values.csv, validated.",
    "routes": "Which destination wants which event, and how: definitions/routes.csv, validated.",
    "click_id_parameters": "Query parameter, the identifier it holds, its network: validated.",
    "experiments": "Which units a destination is not told, from when to when: definitions/experiments.csv, validated.",
    "experiment_regions": "The regions of geo experiments, in pairs: one of each is held out.",
    "destination_capabilities": "What each configured receiver can do, as its adapter declares it.",
    "destination_identifiers": "The form of identifiers that a receiver can use, where its adapter declares it.",
    "destination_person_attributes": "By which attributes of a person a receiver can match, likewise.",
    "currencies": "ISO 4217 currencies with their minor units.",
}


def tell_build(settings: Settings, run: dg.DagsterRun) -> tuple[tuple[date, date] | None, datetime]:
    """Writes the moment and the window of this run; returns the window, and the moment in UTC.

    Told once more right before the models run, in the same step: another run may have told its own in between.
    """
    window, as_of = window_of(run.tags), datetime.now(UTC)
    with open_warehouse(settings.warehouse_path) as connection:
        create_raw_tables(connection)
        write_build_context(connection, as_of=as_of, window=window, run_id=run.run_id)
    return window, as_of


@dg.definitions
def defs() -> dg.Definitions:
    """Definitions and reference, build context, ledger history."""

    @dg.multi_asset(
        name="definitions_and_reference",
        specs=[
            dg.AssetSpec(
                ["raw", table],
                description=text,
                group_name="sources",
                owners=["team:marketing"],
                kinds={"duckdb", "csv"},
            )
            for table, text in REFERENCE.items()
        ],
        pool=WAREHOUSE_POOL,
    )
    def definitions_and_reference(settings: dg.ResourceParam[Settings]) -> Iterator[dg.MaterializeResult]:
        destinations = build_destinations(settings)
        definitions = read_definitions(settings.definitions_path, destinations=destinations)
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            created_at = ledger.identity.created_at
        with open_warehouse(settings.warehouse_path) as connection:
            create_raw_tables(connection)
            load_definitions(connection, definitions, created_at)
            load_reference(connection, destinations, settings.destinations)
            for table in REFERENCE:
                rows = len(connection.table(f"raw.{table}"))
                yield dg.MaterializeResult(asset_key=["raw", table], metadata={"dagster/row_count": rows})

    @dg.asset(
        key=["raw", "build_context"],
        # Its moment lies after everything that the build looks at.
        deps=[dg.AssetKey(["raw", table]) for table in (*ENTITIES, "ledger_history")],
        description="The moment and the window of this build; models never ask the clock.",
        group_name="sources",
        owners=["team:data"],
        kinds={"duckdb"},
        pool=WAREHOUSE_POOL,
    )
    def build_context(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        window, as_of = tell_build(settings, context.run)
        return dg.MaterializeResult(
            metadata={
                "as_of": dg.MetadataValue.timestamp(as_of),
                "window": "everything" if window is None else f"{window[0]} to {window[1]}",
            }
        )

    @dg.asset(
        key=["raw", "ledger_history"],
        description="Copy of the ledger's state changes: what was told to whom, and what became of it.",
        group_name="sources",
        owners=["team:data"],
        kinds={"duckdb", "sql"},
        pool=WAREHOUSE_POOL,
    )
    def ledger_history(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        with (
            open_ledger(settings.ledger_url(), settings.environment) as ledger,
            open_warehouse(settings.warehouse_path) as connection,
        ):
            create_raw_tables(connection)
            check_ledger_identity(connection, ledger.identity)
            report = copy_ledger_history(connection, ledger)
        return dg.MaterializeResult(
            metadata={"rows_read": report.rows_read, "rows_new": report.rows_new, "newest_seq": report.newest_seq}
        )

    return dg.Definitions(assets=[definitions_and_reference, build_context, ledger_history])
