"""The court, open as long as the tests of one process run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.judges.hearing import Court


@pytest.fixture(scope="session")
def court() -> Iterator[Court]:
    """The judges, ready to be asked. Without their environment this fails: there is nothing to be skipped."""
    with closing(Court()) as opened:
        yield opened
