"""The same decisions by one hand-written statement, in a process of its own.

    python -m benchmarks.build_statement WAREHOUSE

Belongs here: running the statement. Does not belong here: the statement itself (`single_statement/`: its words, its
two halves), holding its answer against the models' (`build_equal.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.build_process import ROOT, wait_for
from postback_pipeline.sources.warehouse import open_warehouse

_FOLDER = Path(__file__).parent / "single_statement"


@dataclass(frozen=True)
class Statement:
    """The statement's own seconds, and the largest resident set of its process in MiB."""

    sql_s: float
    peak_mb: float


class StatementFailed(Exception):
    """The statement did not run; the text ends with what it said."""


def run_statement(warehouse: Path) -> Statement:
    """Leaves table `single.decisions`. Opening the file does not count.

    Raises:
        StatementFailed: it did not run.
    """
    command = [sys.executable, "-m", "benchmarks.build_statement", str(warehouse)]
    with subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        peak_mb = wait_for(process)
    if process.returncode:
        raise StatementFailed(f"The hand-written statement failed:\n{output[-4000:]}")
    return Statement(sql_s=float(output), peak_mb=peak_mb)


def main(warehouse: Path) -> None:
    """Prints the statement's seconds."""
    macros, *halves = (
        (_FOLDER / f"{part}.sql").read_text(encoding="utf-8") for part in ("macros", "attribution", "decisions")
    )
    with open_warehouse(warehouse) as connection:
        connection.execute("create schema if not exists single")
        connection.execute(macros)
        began = time.perf_counter()
        connection.execute("create or replace table single.decisions as\n" + "\n".join(halves))
        print(time.perf_counter() - began)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
