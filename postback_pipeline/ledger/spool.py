"""The prepared batches of one enqueue, between its two passes.

Belongs here: keeping them out of memory once they are many. Does not belong here: what is in them (`planning`).

They lie in a file without a name in the system's folder for temporary files (`TMPDIR`), which is gone with the process:
their elements may hold what the ledger may erase.
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

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, batch: Batch) -> None:
        """Keeps a batch; empty ones are not.

        Raises:
            LedgerError: the folder for temporary files is full.
        """
        if batch:
            with _sentences():
                pickle.dump(batch.parts(), self._file, pickle.HIGHEST_PROTOCOL)

    def __iter__(self) -> Iterator[Batch]:
        with _sentences():
            self._file.seek(0)
        while True:
            try:
                # Nobody else can write to it.
                parts = pickle.load(self._file)  # noqa: S301
            except EOFError:
                return
            yield Batch(*parts)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LedgerError(
            f"What is to be enqueued could not be kept in {tempfile.gettempdir()}: {error.strerror}. Nothing was"
            " enqueued. Make room there, or name another folder in TMPDIR."
        ) from None
