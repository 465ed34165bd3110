"""Runs the models as the build step does, through dbt, and tells what their SQL took.

Belongs here: a process that keeps dbt loaded, and reading dbt's log. Does not belong here: input, or what the figures
are compared with.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.build_process import ROOT, wait_for

_PROJECT = ROOT / "dbt_project"


@dataclass(frozen=True)
class Build:
    """Seconds that dbt waited for SQL: in all, and per model (those of no model under the empty name), most first."""

    sql_s: float
    models: Mapping[str, float]


class ModelsFailed(Exception):
    """dbt did not succeed; the text ends with what it said."""


class Models:
    """dbt in a process of its own, loaded once, for any number of builds of one warehouse.

    Between builds nobody holds the file. `peak_mb` is known once it is closed.
    """

    def __init__(self, warehouse: Path) -> None:
        self._home = warehouse.parent / "dbt"
        self._home.mkdir(parents=True, exist_ok=True)
        self._output = self._home / "output.txt"
        self._builds = 0
        #: The largest resident set of the process and of what it started, in MiB.
        self.peak_mb = 0.0
        environment = os.environ | {
            "POSTBACK_WAREHOUSE": str(warehouse.absolute()),
            "DBT_PROFILES_DIR": str(_PROJECT),
            "DBT_PROJECT_DIR": str(_PROJECT),
            "DBT_TARGET_PATH": str(self._home.absolute() / "target"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
            "PYTHONPATH": str(ROOT),
        }
        with self._output.open("w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.build_models"],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self.peak_mb = wait_for(self._process)

    def build(self, *, full: bool) -> Build:
        """Builds everything anew, or what changed since the mark.

        Every statement counts that dbt waited for, those that decide what to compile included. Starting dbt, parsing
        and compiling do not.

        Raises:
            ModelsFailed: a model did not succeed.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._builds += 1
        logs = self._home / "logs" / str(self._builds)
        (logs / "dbt.log").unlink(missing_ok=True)
        order = ["--log-path", str(logs.absolute()), "--log-format-file", "json", "--log-level-file", "debug"]
        order += ["--log-file-max-bytes", "0", "run", "--exclude", "tag:measure", "--threads", "1"]
        print(json.dumps([*order, *(["--full-refresh"] if full else [])]), file=self._process.stdin, flush=True)
        if self._process.stdout.readline().strip() != "done":
            raise ModelsFailed(f"The models failed:\n{self._output.read_text(encoding='utf-8')[-4000:]}")
        seconds = _seconds_per_model(logs / "dbt.log")
        return Build(sql_s=sum(seconds.values()), models=seconds)


def _seconds_per_model(log: Path) -> dict[str, float]:
    seconds: Counter[str] = Counter()
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            if event["info"]["name"] == "SQLQueryStatus":
                seconds[event["data"].get("node_info", {}).get("node_name", "")] += event["data"]["elapsed"]
    if not seconds:
        raise ModelsFailed(
            "dbt's log has no SQLQueryStatus event: this dbt tells the time of its statements elsewhere."
        )
    return dict(seconds.most_common())


def main() -> None:
    """Takes dbt's arguments from standard input, a JSON list per line, and answers each with `done` or `failed`."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    answers = sys.stdout
    with redirect_stdout(sys.stderr):
        for line in sys.stdin:
            result = dbtRunner().invoke(json.loads(line))
            # It would hold the file until the next build.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
            print("done" if result.success else "failed", file=answers, flush=True)


if __name__ == "__main__":
    main()
