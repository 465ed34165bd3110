"""Asking the judges: one process of their environment answers for a whole session of tests.

Belongs here: that process, a question and its answer. Does not belong here: what is asked.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".cache" / "judges" / "bin" / "python"


class Refused(Exception):
    """A judge takes no such payload; the text is its own."""


class Court:
    """The judges' process. Used by one thread."""

    def __init__(self, python: Path = PYTHON) -> None:
        if not python.exists():
            raise FileNotFoundError("The judges' environment is not there: `make test` builds it in .cache/judges.")
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-m", "tests.judges.court"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )

    def ask(self, judge: str, case: Any) -> Any:
        """The judge's finding about a case: what it made of it, as JSON.

        Raises:
            Refused: the judge takes no such payload.
            RuntimeError: the process ended; the text is its last words.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        # Where it ended, it is told below why.
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"judge": judge, "case": case}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            self._errors.seek(0)
            raise RuntimeError(f"The judges' process ended: {self._errors.read().decode()[-2_000:]}")
        said = json.loads(line)
        if "refused" in said:
            raise Refused(said["refused"])
        return said["finding"]

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()
        self._errors.close()
