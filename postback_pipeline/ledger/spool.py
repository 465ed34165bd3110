"""The prepared batches of one enqueue, between its two passes.

Belongs here: keeping them out of memory once they are many. Does not belong here: what is in them (`planning`).

They lie in a file without a name, by default in the system's folder for temporary files (`TMPDIR`), which is gone with
the process: their elements may hold what the ledger may erase.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.planning import Batch

#: What is kept in memory, in bytes.
IN_MEMORY = 32 * 2**20


class Spool:
    """Batches in the order in which they were added, readable more than once; a context manager."""

    def __init__(self, in_memory: int = IN_MEMORY, folder: str | None = None) -> None:
        self._folder = folder
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory, dir=folder)  # noqa: SIM115
        self._holds_any = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, batch: Batch) -> None:
        """Keeps a batch; empty ones are not.

        Raises:
            LedgerError: the folder for temporary files is full or gone.
        """
        if batch:
            with self._sentences():
                pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
            self._holds_any = True

    def __bool__(self) -> bool:
        return self._holds_any

    def __iter__(self) -> Iterator[Batch]:
        with self._sentences():
            self._file.seek(0)
        while True:
            try:
                # Nobody else can write to it.
                batch: Batch = pickle.load(self._file)  # noqa: S301
            except EOFError:
                return
            yield batch

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise LedgerError(
                f"What is to be enqueued could not be kept in {self._folder or tempfile.gettempdir()}:"
                f" {error.strerror}. Nothing was enqueued. Make room there, or name another folder in TMPDIR."
            ) from None
