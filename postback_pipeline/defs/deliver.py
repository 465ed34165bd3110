"""The ledger -> receivers, one partition per destination; what of a drain is shown.

Belongs here: the asset and its figures. Does not belong here: sending (`delivery`), states (`ledger`), when it runs
(`due_postbacks`).
"""

import dagster as dg
import pandas as pd

from postback_pipeline.defs.partitions import destinations
from postback_pipeline.delivery.drain import run_drain
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import open_ledger
from postback_pipeline.settings import Settings, load_settings

KEY = dg.AssetKey(["delivery", "sent"])
NOT_PAUSED = "destination_is_not_paused"


def figures(report: DrainReport) -> dict[str, dg.MetadataValue]:
    """What a drain did, as asset metadata; figures and our own words only."""
    outcomes = pd.DataFrame([{"outcome": word, "postbacks": n} for word, n in sorted(report.outcomes.items())])
    metadata: dict[str, dg.MetadataValue] = {
        "ended": dg.MetadataValue.text(report.ended if report.reason is None else f"{report.ended}: {report.reason}"),
        "requests": dg.MetadataValue.int(report.requests),
        "outcomes": dg.MetadataValue.md(outcomes.to_markdown(index=False) if len(outcomes) else "Nothing was due."),
        "postbacks_per_second": dg.MetadataValue.float(round(report.rows_per_second, 1)),
        "seconds": dg.MetadataValue.float(round(report.seconds, 2)),
    }
    for name, value in (("p50_ms", report.p50_ms), ("p95_ms", report.p95_ms)):
        if value is not None:
            metadata[name] = dg.MetadataValue.float(round(value, 2))
    for name, moment in (("oldest_due_at", report.oldest_due_at), ("next_due_at", report.next_due_at)):
        if moment is not None:
            metadata[name] = dg.MetadataValue.timestamp(moment)
    return metadata


@dg.definitions
def defs() -> dg.Definitions:
    """The delivery asset: exclusion between runs comes from the ledger's leases, so it holds no pool."""
    deployment = load_settings()

    @dg.asset(
        key=KEY,
        deps=[dg.AssetKey(["ledger", "postbacks"])],
        description="Sends what is due to one destination, until nothing is due or the run's budget is spent.",
        group_name="delivery",
        owners=["team:data"],
        kinds={"python"},
        partitions_def=destinations(deployment),
        check_specs=[dg.AssetCheckSpec(NOT_PAUSED, asset=KEY, description="The destination takes postbacks.")],
    )
    def sent(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        name = context.partition_key
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            report = run_drain(name, build_destinations(settings)[name], settings, ledger)
        return dg.MaterializeResult(
            metadata=figures(report),
            check_results=[
                dg.AssetCheckResult(
                    asset_key=KEY,
                    check_name=NOT_PAUSED,
                    passed=report.ended != "paused",
                    severity=dg.AssetCheckSeverity.WARN,
                    metadata={"destination": name, "reason": report.reason or ""},
                )
            ],
        )

    return dg.Definitions(assets=[sent])
