"""drt-core: a table in DuckDB, synced row by row to a REST API, its rate limit lifted.

Everything else is as its examples have it. The sync runs through drt's own entry for orchestrators, so that starting a
command line is not counted; reading the rows from DuckDB is, as for drt it is part of sending.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task

_SYNC = """
name: postbacks
model: ref('postbacks')
destination:
  type: rest_api
  url: "{url}/hook"
  method: POST
sync:
  mode: full
  on_error: fail
  rate_limit:
    requests_per_second: 0
"""


def sync(task: Task, stopwatch: Stopwatch) -> None:
    """One sync of a project made for it."""
    folder = Path(task.folder)
    # drt reads its profiles from the home folder.
    os.environ["HOME"] = str(folder)
    warehouse = folder / "warehouse.duckdb"
    _write_rows(task, warehouse)
    for name, text in {
        ".drt/profiles.yml": f"local:\n  type: duckdb\n  database: {json.dumps(str(warehouse))}\n",
        "drt_project.yml": 'name: benchmark\nversion: "0.1"\nprofile: local\n',
        "syncs/postbacks.yml": _SYNC.format(url=task.url),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    # Imports that the sync would make.
    from drt.integrations._runner import run_drt_sync

    with stopwatch:
        result = run_drt_sync("postbacks", project_dir=str(folder))
    if result["rows_synced"] != task.rows:
        raise RuntimeError(f"drt synced {result['rows_synced']} rows: {result['errors'][:1]}")


def _write_rows(task: Task, warehouse: Path) -> None:
    import duckdb

    fields = {name: value if isinstance(value, str) else json.dumps(value) for name, value in task.fields().items()}
    columns = "".join(f', ? as "{name}"' for name in fields)
    query = f"create table postbacks as select ? || ':' || number || '.1' as key{columns} from range(?) as r (number)"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(query, [task.label, *fields.values(), task.rows])
