"""The sample shop is the same for the same seed, holds what its description says, and nothing of the future."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet
import pytest

from examples.demo.shop import write_day_one, write_day_two

TODAY = date(2026, 11, 23)
END = datetime(2026, 11, 23, tzinfo=UTC)
SECOND = datetime(2026, 11, 22, tzinfo=UTC)


def rows_of(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    if ".csv" in path.name:
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]


def entity(folder: Path, name: str) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / name).iterdir()) for row in rows_of(path)]


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Each day's files in a folder of its own."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    write_day_one(one, TODAY, seed=1)
    write_day_two(two, TODAY, seed=1)
    return one, two


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(days: tuple[Path, Path], tmp_path: Path) -> None:
    for write, folder in zip((write_day_one, write_day_two), days, strict=True):
        again = write(tmp_path / "again", TODAY, 1)
        for path in again:
            assert path.read_bytes() == (folder / path.relative_to(tmp_path / "again")).read_bytes()
        other = write(tmp_path / "other", TODAY, 2)
        assert any(path.read_bytes() != (folder / path.relative_to(tmp_path / "other")).read_bytes() for path in other)


def test_it_holds_every_entity_in_all_formats(days: tuple[Path, Path]) -> None:
    one, _ = days
    assert {path.name for path in one.iterdir()} == {
        *("clicks", "orders", "refunds", "pixel_events", "consents", "platform_reports")
    }
    suffixes = {"".join(part for part in path.suffixes if not part[1:].isdigit()) for path in one.rglob("*.*")}
    assert suffixes == {".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet"}


def test_only_day_two_knows_of_its_day_and_nobody_of_the_next(days: tuple[Path, Path]) -> None:
    for folder, end in zip(days, (SECOND, END), strict=True):
        times = [datetime.fromisoformat(row["clicked_at"]) for row in entity(folder, "clicks")]
        times += [row["occurred_at"] for row in entity(folder, "pixel_events")]
        times += [datetime.fromisoformat(row["recorded_at"]) for row in entity(folder, "consents")]
        berlin = ZoneInfo("Europe/Berlin")
        times += [
            datetime.fromisoformat(row["refunded_at"]).replace(tzinfo=berlin) for row in entity(folder, "refunds")
        ]
        orders = [row for row in entity(folder, "orders") if row["order_id"].startswith(("D-", "L-"))]
        for column in ("ordered_at", "paid_at", "updated_at"):
            times += [datetime.fromisoformat(row[column]) for row in orders if row[column]]
        assert end.replace(hour=0) > max(times) > end.replace(hour=0) - (END - SECOND)


def test_only_refunds_carry_no_zone(days: tuple[Path, Path]) -> None:
    one, _ = days
    assert all(datetime.fromisoformat(row["refunded_at"]).tzinfo is None for row in entity(one, "refunds"))
    assert all(datetime.fromisoformat(row["clicked_at"]).tzinfo for row in entity(one, "clicks"))
    assert all(row["occurred_at"].tzinfo for row in entity(one, "pixel_events"))


def test_orders_have_versions_tests_zero_values_and_every_status(days: tuple[Path, Path]) -> None:
    one, two = days
    orders = [row for row in entity(one, "orders") if row["order_id"].startswith("D-")]
    versions = Counter(row["order_id"] for row in orders)
    assert 1_400 < len(versions) < 1_500
    assert 50 < sum(count == 2 for count in versions.values()) < 120
    assert {row["status"] for row in orders} == {
        *("pending", "paid", "shipped", "completed", "cancelled", "failed", "fraud")
    }
    assert sum(row["is_test"] == "true" for row in orders) > 5
    assert sum(row["amount"] == "0.00" for row in orders) > 10
    pending = {row["order_id"] for row in orders if row["status"] == "pending"} - {
        row["order_id"] for row in orders if row["status"] != "pending"
    }
    paid = {row["order_id"] for row in entity(two, "orders") if row["status"] not in ("pending", "cancelled")}
    assert pending
    assert pending <= paid


def test_clicks_name_every_network_and_follow_the_order_at_times(days: tuple[Path, Path]) -> None:
    clicks = entity(days[0], "clicks")
    for parameter in ("gclid", "fbclid", "irclickid", "msclkid"):
        assert sum(f"&{parameter}=" in row["landing_url"] for row in clicks) > 100
    orders = {row["session_id"]: datetime.fromisoformat(row["ordered_at"]) for row in rows_of_weeks(days[0])}
    after = [
        row for row in clicks if datetime.fromisoformat(row["clicked_at"]) > orders.get(row.get("session_id"), END)
    ]
    assert 40 < len(after) < 120


def rows_of_weeks(folder: Path) -> list[dict[str, Any]]:
    return [row for path in (folder / "orders").glob("20*.csv.gz") for row in rows_of(path)]


def test_the_tags_miss_about_a_quarter(days: tuple[Path, Path]) -> None:
    orders, events = rows_of_weeks(days[0]), entity(days[0], "pixel_events")
    for destination in ("google", "meta"):
        seen = sum(row["destination"] == destination for row in events)
        assert 0.70 < seen / len(orders) < 0.80


def test_refunds_come_in_part_in_full_twice_too_high_and_too_early(days: tuple[Path, Path]) -> None:
    one, two = days
    refunds = entity(one, "refunds")
    amounts = {row["order_id"]: float(row["amount"]) for row in entity(one, "orders") if row["order_id"][:2] == "D-"}
    known = [row for row in refunds if row["order_id"] in amounts]
    shares = [float(row["amount"]) / amounts[row["order_id"]] for row in known if amounts[row["order_id"]]]
    assert min(shares) < 1 < max(shares)
    assert shares.count(1.0) > 10
    twice = Counter((row["order_id"], row["amount"]) for row in known)
    assert 2 in twice.values()
    early = {row["order_id"] for row in refunds} - set(amounts)
    assert len(early) == 3
    assert early <= {row["order_id"] for row in entity(two, "orders")}
    assert {row["kind"] for row in refunds} == {"refund", "cancellation", "chargeback"}
    assert Counter(row["kind"] for row in entity(two, "refunds"))["dispute_won"] == 1


def test_day_two_sends_a_file_again_and_puts_the_bad_one_right(days: tuple[Path, Path]) -> None:
    one, two = days
    again = rows_of(two / "clicks" / "resent.jsonl")
    first = [rows_of(path) for path in (one / "clicks").iterdir()]
    assert again not in first
    assert sorted(again, key=str) in [sorted(rows, key=str) for rows in first]
    bad, good = rows_of(one / "orders" / "marketplace.csv"), rows_of(two / "orders" / "marketplace.csv")
    assert sum(before == after for before, after in zip(bad, good, strict=True)) == 8
    assert len(bad) == 20


def test_reports_are_given_per_day_for_the_four_networks(days: tuple[Path, Path]) -> None:
    reports = entity(days[0], "platform_reports")
    assert {row["destination"] for row in reports} == {"google", "meta", "partner", "microsoft"}
    keys = Counter((row["destination"], str(row["date"])) for row in reports)
    assert set(keys.values()) == {1}
