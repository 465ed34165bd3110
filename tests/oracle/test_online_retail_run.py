"""The real shop through the whole pipeline, compared with the independent program request by request."""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from postback_pipeline.defs.runs import run_pipeline
from postback_pipeline.ledger import create_ledger
from postback_pipeline.sandbox.running import sandbox_thread
from postback_pipeline.settings import CONFIG_VARIABLE, HOME_VARIABLE, load_settings
from tests.oracle.compare_log import differences
from tests.oracle.online_retail import report

CHECKOUT = Path(__file__).parents[2]
LANDING = CHECKOUT.parent / "shared" / "data" / "online_retail_ii" / "landing"
EXAMPLE = CHECKOUT / "examples" / "online_retail"
WINDOW = (date(2009, 12, 1), date(2010, 12, 31))


def figures(warehouse: Path) -> dict[str, Any]:
    """What the independent program tells, from the warehouse."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:

        def one(sql: str) -> Any:
            (value,) = connection.execute(sql).fetchone() or (None,)
            return value

        return {
            "orders": one("select count(*) from marts.conversions"),
            "zero_value": one("select count(*) from marts.conversions where status = 'zero_value'"),
            "fully_reversed": one("select count(*) from marts.conversions where status = 'fully_reversed'"),
            "partly_reversed": one("select count(*) from marts.conversions where status = 'partly_reversed'"),
            "over_refunded": one("select count(*) from marts.conversions where is_over_refunded"),
            "refunds_without_order_id": one("select count(*) from raw.quarantine where entity = 'refunds'"),
            "gross": one("select sum(gross_amount) from marts.conversions"),
            "net": one("select sum(net_value) from marts.conversions"),
        }


def test_a_year_of_real_orders_is_reported_as_the_independent_program_says_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = report(LANDING)
    log = tmp_path / "received.jsonl"
    shutil.copytree(LANDING, tmp_path / "landing", copy_function=shutil.copyfile)
    shutil.copytree(EXAMPLE / "definitions", tmp_path / "definitions")
    with sandbox_thread(log) as sandbox:
        settings_file = tmp_path / "postbacks.toml"
        settings_file.write_text((EXAMPLE / "postbacks.toml").read_text().replace("http://127.0.0.1:8787", sandbox.url))
        monkeypatch.setenv(CONFIG_VARIABLE, str(settings_file))
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
        monkeypatch.delenv("DAGSTER_HOME", raising=False)
        settings = load_settings()
        create_ledger(settings.ledger_url(), settings.environment)
        run_pipeline(settings, WINDOW, progress=lambda line: None)
        settings.warehouse_path.unlink()
        run_pipeline(settings, WINDOW, progress=lambda line: None)

    with duckdb.connect(str(settings.published_path), read_only=True) as connection:
        matches = connection.execute(
            "select destination, count(*) from marts.decisions where is_eligible and is_matched group by 1"
        ).fetchall()
    assert dict(matches) == {name: each["matches"] for name, each in expected["destinations"].items()}
    received = [json.loads(line) for line in log.read_text().splitlines()]
    assert differences(expected["expected"], received) == []
    found = figures(settings.published_path)
    assert {name: Decimal(found[name]) for name in found} == {name: Decimal(expected[name]) for name in found}
