"""The outbox -> the ledger: what each destination should be told is written down before anything is sent.

Belongs here: the asset, and what it shows. Does not belong here: what becomes a postback (dbt), of which kind and
revision (the ledger), how it looks (the destination).
"""

from collections import Counter

import dagster as dg
import pandas as pd

from postback_pipeline.defs.outbox import read_outbox
from postback_pipeline.defs.warehouse import WAREHOUSE_POOL
from postback_pipeline.delivery.enqueue import enqueue_outbox
from postback_pipeline.destinations import build_destinations
from postback_pipeline.destinations.person import Dropped
from postback_pipeline.ledger import EnqueueReport, open_ledger
from postback_pipeline.settings import Settings
from postback_pipeline.sources.build_context import check_ledger_identity
from postback_pipeline.sources.warehouse import open_warehouse

KEY = dg.AssetKey(["ledger", "postbacks"])
NO_APPROVAL_WAITS = "no_enqueue_waits_for_approval"
ALL_RENDERED = "every_row_became_a_postback"


def report_table(reports: dict[str, EnqueueReport]) -> pd.DataFrame:
    """One row per destination: what the enqueue did."""
    return pd.DataFrame(
        [
            {
                "destination": name,
                **{str(kind): n for kind, n in each.kinds.items()},
                **{str(action): n for action, n in each.actions.items()},
            }
            for name, each in sorted(reports.items())
        ]
    ).fillna(0)


def checks(reports: dict[str, EnqueueReport]) -> list[dg.AssetCheckResult]:
    """What a person should look at: held floods, rows that could not be rendered."""
    stopped = {name: each.stopped_by for name, each in reports.items() if each.stopped_by}
    refused = {name: each.refusals for name, each in reports.items() if each.refusals}
    return [
        dg.AssetCheckResult(
            asset_key=KEY,
            check_name=NO_APPROVAL_WAITS,
            passed=not stopped,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                name: f"{approval.reason} To let it leave: postback ledger approve {approval.id} --reason ..."
                for name, approval in stopped.items()
            },
        ),
        dg.AssetCheckResult(
            asset_key=KEY,
            check_name=ALL_RENDERED,
            passed=not refused,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={
                name: "\n".join(f"{each.conversion_key}: {each.reason}" for each in rows)
                for name, rows in refused.items()
            },
        ),
    ]


def _left_out(counts: Counter[tuple[str, Dropped]]) -> dict[str, dg.MetadataValue]:
    """What went along with no postback since it was no good, and why; nothing where all was good."""
    rows = [
        {"destination": name, "what": dropped.name, "why": dropped.reason, "postbacks": count}
        for (name, dropped), count in sorted(counts.items())
    ]
    return {"left_out": dg.MetadataValue.md(pd.DataFrame(rows).to_markdown(index=False))} if rows else {}


@dg.definitions
def defs() -> dg.Definitions:
    """The enqueue: what the outbox holds of the run's days, and of what the ledger knows."""

    @dg.asset(
        key=KEY,
        deps=[dg.AssetKey(["outbox", "postbacks"]), dg.AssetKey(["raw", "ledger_history"])],
        description="The ledger's postbacks: revision and kind are given here, elements are rendered and frozen.",
        group_name="delivery",
        owners=["team:data"],
        kinds={"sql"},
        pool=WAREHOUSE_POOL,
        check_specs=[
            dg.AssetCheckSpec(NO_APPROVAL_WAITS, asset=KEY, description="No enqueue was stopped as a flood."),
            dg.AssetCheckSpec(ALL_RENDERED, asset=KEY, description="No row of the outbox was refused."),
        ],
    )
    def enqueued(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        with (
            open_warehouse(settings.warehouse_path) as connection,
            open_ledger(settings.ledger_url(), settings.environment, mark=settings.ledger_mark_path) as ledger,
        ):
            check_ledger_identity(connection, ledger.identity)
            left_out: Counter[tuple[str, Dropped]] = Counter()
            outbox, destinations = read_outbox(connection), build_destinations(settings)
            reports = enqueue_outbox(outbox, ledger, destinations, settings, left_out=left_out)
        return dg.MaterializeResult(
            metadata={
                **_left_out(left_out),
                "new_postbacks": sum(each.inserted for each in reports.values()),
                "by_destination": dg.MetadataValue.md(report_table(reports).to_markdown(index=False)),
            },
            check_results=checks(reports),
        )

    return dg.Definitions(assets=[enqueued])
