"""`postback plan`: what a run would do, found out in a scratch copy that is thrown away.

Belongs here: building beside the real warehouse and asking the ledger without writing. Does not belong here: what would
become of a row (dbt and the ledger say so, in a dry run of the same code).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from postback_pipeline.defs.outbox import read_outbox
from postback_pipeline.defs.resources import WAREHOUSE_VARIABLE
from postback_pipeline.defs.runs import Progress, code_location, execute, partitions_of
from postback_pipeline.defs.warehouse import PUBLISHED
from postback_pipeline.delivery.enqueue import enqueue_outbox
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Action, EnqueueReport, open_ledger
from postback_pipeline.model import Kind
from postback_pipeline.settings import Settings
from postback_pipeline.sources.warehouse import open_warehouse

#: What a build writes outside the warehouse.
TOUCHES = {dg.AssetKey(["ledger", "postbacks"]), PUBLISHED}


def plan_pipeline(settings: Settings, window: tuple[date, date] | None, *, progress: Progress) -> dict[str, Any]:
    """What `run_pipeline` would write down now, per destination; nothing of the deployment is changed.

    Raises:
        PostbackError: as `run_pipeline`.
    """
    partitions = partitions_of(settings, window)
    with tempfile.TemporaryDirectory(prefix="postback-plan-") as folder:
        scratch = Path(folder) / settings.warehouse_path.name
        if settings.warehouse_path.exists():
            shutil.copyfile(settings.warehouse_path, scratch)
        apart = settings.model_copy(update={"paths": settings.paths.model_copy(update={"warehouse": str(scratch)})})
        job = _with_settings(code_location(), apart).resolve_job_def("build")
        os.environ[WAREHOUSE_VARIABLE] = str(scratch)
        progress("building in a scratch copy")
        with dg.DagsterInstance.ephemeral() as instance:
            execute(
                job,
                instance,
                apart,
                asset_selection=sorted(set(job.asset_layer.executable_asset_keys) - TOUCHES),
                **partitions,
            )
        with (
            open_warehouse(scratch, read_only=True) as connection,
            open_ledger(settings.ledger_url(), settings.environment) as ledger,
        ):
            outbox = read_outbox(connection)
            reports = enqueue_outbox(outbox, ledger, build_destinations(settings), settings, dry_run=True)
            due = ledger.due(sorted(reports))
            withheld = connection.execute(
                "select destination, reason_code, count(*) from marts.decisions where decision = 'withhold'"
                " group by all"
            ).fetchall()
    reasons: dict[str, Counter[str]] = {name: Counter() for name in reports}
    for destination, reason, count in withheld:
        reasons.setdefault(destination, Counter())[reason] += count
    return {
        "destinations": [
            {"destination": name, "already_due": due[name].count, **_planned(report, reasons[name])}
            for name, report in sorted(reports.items())
        ]
    }


def _with_settings(definitions: dg.Definitions, settings: Settings) -> dg.Definitions:
    resources = {**(definitions.resources or {}), "settings": settings}
    return dg.Definitions(assets=definitions.assets, jobs=definitions.jobs, resources=resources)


def _planned(report: EnqueueReport, withheld: Mapping[str, int]) -> dict[str, Any]:
    kinds = Counter(each.kind for each in report.planned)
    return {
        "send": kinds[Kind.CONVERSION],
        "restate": kinds[Kind.RESTATEMENT],
        "retract": kinds[Kind.RETRACTION],
        "cancel": len(report.cancelled),
        "on_hold": withheld.get("on_hold", 0),
        "too_old": withheld.get("too_old", 0),
        "in_flight": report.actions.get(Action.WAITS, 0),
        "refused": report.actions.get(Action.REFUSED, 0),
        "needs_approval": "" if report.stopped_by is None else report.stopped_by.reason,
    }
