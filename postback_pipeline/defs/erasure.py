"""The elements of postbacks are erased once they are no longer needed: they may hold what a receiver wants in clear.

Belongs here: the asset, and when it is time. Does not belong here: what is erased and what stays (the ledger).
"""

from datetime import timedelta

import dagster as dg

from postback_pipeline.ledger import open_ledger
from postback_pipeline.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """A step of measure: it needs no warehouse, so it holds no pool."""

    @dg.asset(
        key=["ledger", "erased_elements"],
        # Beside the models that only measure computes.
        tags={"measure": ""},
        deps=[dg.AssetKey(["raw", "ledger_history"])],
        description="Erases the ledger's elements of postbacks that have been final for the days of the settings;"
        " hashes, outcomes and amounts stay.",
        group_name="delivery",
        owners=["team:data"],
        kinds={"sql"},
    )
    def erased_elements(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        kept = timedelta(days=settings.personal_data.erase_after_days)
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            before = ledger.now() - kept
            erased = ledger.erase_payloads(before)
        return dg.MaterializeResult(metadata={"erased": erased, "final_before": dg.MetadataValue.timestamp(before)})

    return dg.Definitions(assets=[erased_elements])
