"""Formats with types of their own give the same values as text, or the file is refused naming the column."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest


def _write_parquet(shop: Any, order: dict[str, Any], **columns: Any) -> None:
    """Three orders, in which `columns` replace those of the sample."""
    table = {name: [value] * 3 for name, value in order.items()} | {"order_id": ["1", "2", "3"]} | columns
    path = shop.write("orders/a.parquet", b"")
    pyarrow.parquet.write_table(pyarrow.table(table), path)


def test_parquet_values_come_in_with_their_types(shop: Any, order: dict[str, Any]) -> None:
    moments = [datetime(2024, 5, 31, 16, number, tzinfo=UTC) for number in range(3)]
    _write_parquet(
        shop,
        order,
        order_id=[1, 2, 3],
        ordered_at=moments,
        amount=pyarrow.array([Decimal("1.10"), Decimal("2.20"), Decimal("3.30")], pyarrow.decimal128(12, 2)),
        tax=[0.1 + 0.2, 1.0, None],
        is_test=[True, False, None],
    )
    shop.load()
    assert shop.values("order_id") == ["1", "2", "3"]
    assert shop.values("ordered_at") == moments
    assert shop.values("amount") == [Decimal("1.1"), Decimal("2.2"), Decimal("3.3")]
    assert shop.values("tax") == [Decimal("0.3"), Decimal("1"), None]
    assert shop.values("is_test") == [True, False, None]


def test_parquet_times_without_zone_need_the_declared_one(shop: Any, order: dict[str, Any]) -> None:
    _write_parquet(shop, order, ordered_at=[datetime(2024, 5, 31, 18)] * 3)
    shop.load(time_zone="Europe/Berlin")
    assert shop.values("ordered_at") == [datetime(2024, 5, 31, 16, tzinfo=UTC)] * 3


@pytest.mark.parametrize(
    ("column", "values", "complaint"),
    [
        ("order_id", [4711.0, 4712.0, None], "order_id holds a number with decimals, where text belongs"),
        ("user_id", [None, 4712.0, None], "user_id holds a number with decimals"),
        ("phone", [None, 447700900123.0, None], "phone holds a number with decimals"),
        ("amount", [True, False, True], "amount holds true or false, where a decimal number"),
        ("amount", [date(2024, 5, 31)] * 3, "amount holds a date or time"),
        ("amount", [[1.0], [2.0], [3.0]], "amount holds a list or an object"),
        ("ordered_at", [1717171717] * 3, "ordered_at holds a whole number, where a time"),
        ("email", [{"value": "a@b.example"}] * 3, "email holds a list or an object"),
        ("coupon", [b"abc"] * 3, "coupon holds binary data"),
        ("is_test", [1.0, 0.0, None], "is_test holds a number with decimals"),
    ],
)
def test_a_parquet_column_of_an_impossible_type_refuses_the_file(
    shop: Any, order: dict[str, Any], column: str, values: list[Any], complaint: str
) -> None:
    _write_parquet(shop, order, **{column: values})
    assert f"orders/a.parquet (source shop): column {complaint}" in shop.refused()
    assert shop.values("order_id") == []


def test_a_parquet_column_that_is_empty_throughout_may_have_any_type(shop: Any, order: dict[str, Any]) -> None:
    _write_parquet(shop, order, user_id=pyarrow.array([None] * 3, pyarrow.float64()), email=[None] * 3)
    shop.load()
    assert shop.values("user_id") == [None, None, None]


def test_parquet_columns_that_differ_in_capitals_only_refuse_the_file(shop: Any, order: dict[str, Any]) -> None:
    _write_parquet(shop, order, Amount=["1", "2", "3"])
    assert "names the column 'amount' twice" in shop.refused()


def test_json_numbers_keep_the_digits_that_were_written(shop: Any, order: dict[str, Any]) -> None:
    row = json.dumps(order | {"page_url": "https://a.example/?q=:12345678901234567890.5", "coupon": 'say "1.50"'})
    row = row.replace('"10.50"', "12345678901234.1234")
    row = row.replace('"1001"', "98765432109876543210987")
    shop.write("orders/a.jsonl", row[:-1] + ', "ga_client_id": 1234567890.1692345678}\n')
    shop.load()
    assert shop.values("amount") == [Decimal("12345678901234.1234")]
    assert shop.values("order_id") == ["98765432109876543210987"]
    assert shop.values("ga_client_id") == ["1234567890.1692345678"]
    assert shop.values("page_url") == ["https://a.example/?q=:12345678901234567890.5"]
    assert shop.values("coupon") == ['say "1.50"']


def test_json_values_may_be_numbers_booleans_and_null(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.jsonl", [order | {"order_id": 7, "amount": 1e2, "is_test": True, "tax": None}])
    shop.load()
    assert shop.select("select order_id, amount, is_test, tax from raw.orders") == [("7", Decimal(100), True, None)]


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("order_id", 4711.0, "order_id holds a number with decimals"),
        ("email", {"value": "a@b.example"}, "email holds a list or an object"),
        ("amount", [10], "amount holds a list or an object"),
    ],
)
def test_a_json_value_of_an_impossible_type_refuses_the_file(
    shop: Any, order: dict[str, Any], column: str, value: Any, complaint: str
) -> None:
    shop.write_rows("orders/a.jsonl", [order, order | {column: value}])
    assert f"column {complaint}" in shop.refused()


def test_a_version_may_be_a_number_with_decimals(shop: Any) -> None:
    consent = {"subject_type": "user", "subject_id": "u1", "purpose": "analytics", "state": "granted"}
    shop.write_rows("consents/a.jsonl", [consent | {"recorded_at": "2024-05-31T00:00:00Z", "version": 2.1}])
    shop.load("consents")
    assert shop.values("version", "consents") == ["2.1"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("amount", ["1,50", "2,50"]),
        ("amount", ["1.234,50", "2.345,50"]),
        ("ordered_at", ["31/05/2024 18:03", "01/06/2024 18:03"]),
        ("is_test", ["maybe", "perhaps"]),
        ("user_id", ["12345.0", "12346.0"]),
    ],
)
def test_a_csv_column_of_which_no_value_can_be_read_refuses_the_file(
    shop: Any, order: dict[str, Any], column: str, values: list[str]
) -> None:
    shop.write_rows("orders/a.csv", [order | {column: value} for value in values])
    assert f"column {column} changed its type" in shop.refused()
    assert shop.values("order_id") == []


def test_one_value_that_cannot_be_read_is_the_rows_fault_not_the_files(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [order | {"amount": "1,50"}])
    shop.write_rows("orders/b.csv", [order | {"order_id": "2", "user_id": "7.0"}])
    load = shop.load()
    assert (load.loaded, load.quarantined) == (1, 1)


def test_columns_that_the_contract_does_not_know_are_kept_as_json(shop: Any, order: dict[str, Any]) -> None:
    rows = [order | {"channel": "web", "note": ""}, order | {"order_id": "2", "channel": "", "note": ""}]
    shop.write_rows("orders/a.csv", rows)
    shop.load()
    assert shop.values("_extra") == ['{"channel":"web"}', None]


def test_a_column_is_renamed_before_it_is_judged(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [{"Bestell-Nr": order.pop("order_id"), **order}])
    shop.load(rename={"orders": {"Bestell-Nr": "order_id"}})
    assert shop.values("order_id") == ["1001"]
    assert shop.values("_extra") == [None]


def test_two_columns_that_mean_the_same_one_refuse_the_file(shop: Any, order: dict[str, Any]) -> None:
    shop.write_rows("orders/a.csv", [{"total": "1", **order}])
    assert "'total' and 'amount' both mean amount" in shop.refused(rename={"orders": {"total": "amount"}})
