"""dlt: a custom destination that posts each row, as dlt's documentation shows it.

Extracting and normalising lie before the stopwatch, as enqueuing does for the engine: what is measured is the load.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task


def one_file(task: Task, stopwatch: Stopwatch) -> None:
    """The default: the rows are one file, and one file is loaded by one worker."""
    _load(task, stopwatch)


def many_files(task: Task, stopwatch: Stopwatch) -> None:
    """The rows split over as many files as there are workers, so that all of them have something to do."""
    os.environ["LOAD__WORKERS"] = str(task.in_flight)
    os.environ["NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS"] = str(-(-task.rows // task.in_flight))
    _load(task, stopwatch)


def _load(task: Task, stopwatch: Stopwatch) -> None:
    os.environ.update(
        RUNTIME__DLTHUB_TELEMETRY="false",
        RUNTIME__LOG_LEVEL="ERROR",
        DLT_DATA_DIR=task.folder,
    )
    import dlt
    import httpx
    from dlt.common import json

    url = f"{task.url}/hook"
    client = httpx.Client(timeout=60)

    def post(items: Any, _table: Any) -> None:
        for item in items:
            # By dlt's own encoder, since it reads times back as such.
            body = json.dumpb(item)
            client.post(url, content=body, headers={"Content-Type": "application/json"}).raise_for_status()

    pipeline = dlt.pipeline(
        "postbacks", destination=dlt.destination(post, name="receiver"), pipelines_dir=f"{task.folder}/pipelines"
    )
    fields = task.fields()
    rows = [{"key": task.key_of(number), **fields} for number in range(task.rows)]
    pipeline.extract(dlt.resource(rows, name="rows", max_table_nesting=0))
    pipeline.normalize()
    with stopwatch:
        pipeline.load(raise_on_failed_jobs=True)
    client.close()
