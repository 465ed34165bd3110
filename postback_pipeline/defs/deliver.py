"""The ledger -> receivers, one partition per destination; what of a drain is shown.

Belongs here: the asset. Does not belong here: its figures (`drain_figures`), sending (`delivery`), states (`ledger`),
when it runs (`due_postbacks`).
"""

import dagster as dg

from postback_pipeline.defs.drain_figures import figures, for_a_person, summary
from postback_pipeline.defs.partitions import destinations
from postback_pipeline.delivery.drain import run_drain
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import open_ledger
from postback_pipeline.settings import Settings, load_settings

KEY = dg.AssetKey(["delivery", "sent"])
NOT_PAUSED = "destination_is_not_paused"


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

        def tell(report: DrainReport) -> None:
            context.log.info(summary(report))
            if report.ended == "stopped":
                # The run is about to be cancelled: nothing is materialized, and yet something was sent.
                seen = figures(report, ledger.now())
                context.log_event(dg.AssetObservation(KEY, partition=name, metadata=seen))

        with open_ledger(settings.ledger_url(), settings.environment, mark=settings.ledger_mark_path) as ledger:
            report = run_drain(name, build_destinations(settings)[name], settings, ledger, tell=tell)
            metadata = {**figures(report, ledger.now()), **for_a_person(ledger, report)}
        return dg.MaterializeResult(
            metadata=metadata,
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
