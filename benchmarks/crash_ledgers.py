"""Fresh ledgers for crash runs, copied from one that was made once.

Belongs here: where a round's ledger comes from. Does not belong here: what happens to it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from benchmarks.postgres import fresh_database
from postback_pipeline.ledger import create_ledger


class SqliteLedgers:
    """Files in a folder."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self._folder = folder
        self._template = folder / "template.sqlite"
        create_ledger(f"sqlite:///{self._template}", "test", clock=clock)

    @contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """URL of an empty ledger; deleted afterwards."""
        file = Path(shutil.copyfile(self._template, self._folder / f"{name}.sqlite"))
        try:
            yield f"sqlite:///{file}"
        finally:
            for left in self._folder.glob(f"{name}.sqlite*"):
                left.unlink()


class PostgresLedgers:
    """Databases on a server; the names of all begin with `prefix`."""

    def __init__(self, server: str, prefix: str, clock: Callable[[], datetime]) -> None:
        self._server = server
        self._template = f"{prefix}_template"
        self._open = ExitStack()
        create_ledger(self._open.enter_context(fresh_database(server, self._template)), "test", clock=clock)

    @contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """URL of an empty ledger; dropped afterwards."""
        with fresh_database(self._server, name, template=self._template) as url:
            yield url

    def close(self) -> None:
        """Drops the one that the others were copied from."""
        self._open.close()
