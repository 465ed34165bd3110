"""The rendering benchmark: that its figures are about accepted postbacks. Nothing here is about how long it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.render.adapters import Unfit, folders, measure
from benchmarks.render.shop import orders

ROOT = Path(__file__).parents[2]


def test_every_adapter_and_both_vendors_packages_are_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.render", "--rows", "30", "--rounds", "1", "--json"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr + result.stdout
    told = json.loads(result.stdout)
    assert [each["name"] for each in told["adapters"]] == list(folders())
    assert {each["error"] for each in told["adapters"]} == {None}
    assert all(each["render_us"] > 0 and each["rows"] == 30 for each in told["adapters"])
    assert [each["name"] for each in told["vendors"]] == ["google-ads", "facebook_business"]
    assert {each["error"] for each in told["vendors"]} == {None}
    assert all(each["bytes_per_postback"] > 100 and each["ratio"] > 0 for each in told["vendors"])


def test_what_a_receiver_finds_fault_with_is_no_figure(tmp_path: Path) -> None:
    folder = tmp_path / "meta"
    folder.mkdir()
    settings = (folders()["meta"] / "settings.toml").read_text(encoding="utf-8")
    (folder / "settings.toml").write_text(settings.replace("1234567890", "99999"), encoding="utf-8")
    (folder / "postback.toml").write_bytes((folders()["meta"] / "postback.toml").read_bytes())
    (folder / "receiver.py").touch()
    with pytest.raises(Unfit, match="path"):
        measure(folder, rows=3, rounds=1)


def test_orders_are_always_the_same_and_nobodys_twice() -> None:
    shop = list(orders(5_000))
    assert shop == list(orders(5_000))
    for attribute in ("email", "page_url", "ip"):
        assert len({order.person[attribute] for order in shop}) == len(shop)
