"""Programs that the benchmark starts: where from, and how much memory they took. Nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def wait_for(process: subprocess.Popen[str]) -> float:
    """Waits for the end; the largest resident set of the program and of what it started, in MiB."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
