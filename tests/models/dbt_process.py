"""dbt in one process of its own, so that many small builds pay for its start and its parsing once.

Belongs here: starting it, asking it to run models, and its errors. Does not belong here: what is built from what.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

PROJECT = Path(__file__).parents[2] / "dbt_project"
#: Reads commands from its standard input, one a line, and answers each with one line.
_PROGRAM = """
import sys
from contextlib import redirect_stdout
import os
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
runner, answers = dbtRunner(), sys.stdout
for line in sys.stdin:
    warehouse, *arguments = line.split("\\t")
    os.environ["POSTBACK_WAREHOUSE"] = warehouse
    with redirect_stdout(sys.stderr):
        result = runner.invoke([each.strip() for each in arguments])
    # It would hold the file until the next command.
    DuckDBConnectionManager.close_all_connections()
    print("ok" if result.success else "failed", file=answers, flush=True)
"""


class DbtProcess:
    """Used as a context manager; `folder` takes dbt's target and log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "dbt.err"

    def __enter__(self) -> Self:
        environment = {
            **os.environ,
            "POSTBACK_WAREHOUSE": str(self._folder / "none.duckdb"),
            "DBT_TARGET_PATH": str(self._folder / "target"),
            "DBT_LOG_PATH": str(self._folder / "logs"),
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_PROJECT_DIR": str(PROJECT),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        self._said = self._log.open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)
        assert self._process.stdout
        self._process.stdout.close()
        self._said.close()

    def run(self, warehouse: Path, *, full: bool = False) -> None:
        """Runs the models of a build; fails with what dbt said."""
        full_refresh = ["--full-refresh"] if full else []
        self.invoke(warehouse, "run", "--exclude", "tag:measure", *full_refresh)

    def invoke(self, warehouse: Path, *arguments: str) -> None:
        """One dbt command on a warehouse."""
        assert self._process.stdin and self._process.stdout
        print(warehouse, *arguments, sep="\t", file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline().strip()
        assert answer == "ok", self._log.read_text(encoding="utf-8")[-4_000:]
