"""Row 19 of the failure matrix, under Dagster: somebody else holds the warehouse while postbacks are due."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from postback_pipeline.defs import deliver
from postback_pipeline.ledger import Selection, open_ledger
from postback_pipeline.model import State

HOLDS = """
import duckdb, sys
held = [duckdb.connect(file) for file in sys.argv[1:]]
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(*files: Path) -> Iterator[None]:
    """DuckDB's own locks on these files, of a process as a build has one."""
    command = [sys.executable, "-c", HOLDS, *map(str, files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield
        finally:
            process.kill()


def test_row_19_a_build_that_holds_the_warehouse_holds_up_no_delivery(shop: Any, make: Any) -> None:
    settings = shop.settings()
    files = [settings.warehouse_path, settings.published_path]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
    (asset,) = deliver.defs().assets or ()
    assert isinstance(asset, dg.AssetsDefinition)
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        make.due(ledger, "google", *range(1, 6))
        with held(*files):
            for file in files:
                with pytest.raises(duckdb.IOException, match="lock"):
                    duckdb.connect(file)
            assert dg.materialize([asset], resources={"settings": settings}, partition_key="google").success
        stories = ledger.select(Selection(destination="google"), limit=10).stories
    assert [story.state for story in stories] == [State.ACCEPTED] * 5
    assert len(shop.received()) == 5
