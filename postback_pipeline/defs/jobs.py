"""The three jobs: build, deliver, measure.

Belongs here: which assets run together. Does not belong here: when (`automation`).
https://docs.dagster.io/guides/build/jobs
"""

from __future__ import annotations

import dagster as dg

from postback_pipeline.defs.warehouse import PUBLISHED
from postback_pipeline.settings import load_settings

#: In seconds; a run beyond it is ended by run monitoring, and what it held is freed.
MAX_RUNTIME = "dagster/max_runtime"
#: Beyond its budget a drain only lets its last attempts end: a run that takes longer died with its machine, and would
#: go on holding one of the queue's places.
DRAIN_SLACK_SECONDS = 300

DELIVERY = dg.AssetSelection.assets(["delivery", "sent"])
#: What platforms report is asked for in a job of its own: no build waits for them, or fails with them.
REPORTS = dg.AssetSelection.key_prefixes("reports")
MEASURE = dg.AssetSelection.assets(["raw", "ledger_history"], PUBLISHED) | dg.AssetSelection.tag("measure", "")


@dg.definitions
def defs() -> dg.Definitions:
    """Each runs in one process: starting one costs more than any of their steps."""
    budget = load_settings().delivery.budget_seconds
    build = dg.define_asset_job(
        "build",
        selection=dg.AssetSelection.all() - DELIVERY - REPORTS - dg.AssetSelection.tag("measure", ""),
        description="Landing to ledger: load, compute what should be believed, write down the difference.",
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME: "7200"},
    )
    deliver = dg.define_asset_job(
        "deliver",
        selection=DELIVERY,
        description="Ledger to receiver: claim, send, record, until nothing is due. One partition per destination.",
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME: str(budget + DRAIN_SLACK_SECONDS)},
    )
    measure = dg.define_asset_job(
        "measure",
        selection=MEASURE,
        description="What became of it: deliveries, metrics, reconciliation.",
        executor_def=dg.in_process_executor,
        tags={MAX_RUNTIME: "3600"},
    )
    return dg.Definitions(jobs=[build, deliver, measure])
