"""The oracle's own data sets are large and not part of the repository: their tests are there only where the data is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.dbt_process import DbtProcess
from tests.oracle.datasets import without_data

collect_ignore = without_data()


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtProcess]:
    """One dbt for all builds of a test process: it parses the project once."""
    with DbtProcess(tmp_path_factory.mktemp("dbt")) as process:
        yield process


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder for the deployment that a module's tests look at."""
    return tmp_path_factory.mktemp("home")
