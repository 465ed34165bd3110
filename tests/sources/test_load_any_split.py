"""However the same rows are split, repeated, ordered, named and packed, the same facts are held."""

from __future__ import annotations

import json
import shutil
import string
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.settings import FolderSource, Settings
from postback_pipeline.sources.held import check_counts
from postback_pipeline.sources.load import load_entity
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse

ENDINGS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".parquet")

# One in five does not fit.
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "order_id": st.sampled_from(["1", "2", "3", "4", ""]),
            "ordered_at": st.sampled_from(["2024-05-31T18:03:00Z", "2024-06-01T00:00:00+02:00"]),
            "status": st.sampled_from(["paid", "cancelled"]),
            "amount": st.decimals(0, 10**6, places=2).map(str),
            "currency": st.just("EUR"),
            "coupon": st.text(string.ascii_letters + ' ,"\n€', max_size=4),
        }
    ),
    min_size=1,
    max_size=12,
)


@st.composite
def files(draw: st.DrawFn) -> tuple[list[dict[str, str]], list[tuple[str, list[dict[str, str]]]]]:
    """Rows, and a way to spread them over files in which every row occurs at least once."""
    rows = draw(ROWS)
    count = draw(st.integers(1, 4))
    spread: list[list[dict[str, str]]] = [[] for _ in range(count)]
    for row in rows:
        for number in draw(st.sets(st.integers(0, count - 1), min_size=1)):
            spread[number].append(row)
    named = [
        (f"orders/{draw(st.sampled_from('xyz'))}{number}{draw(st.sampled_from(ENDINGS))}", draw(st.permutations(part)))
        for number, part in enumerate(spread)
        if part
    ]
    return rows, named


def _facts(make_shop: Any, written: list[tuple[str, list[dict[str, str]]]]) -> tuple[set[Any], set[Any], Any]:
    home = Path(tempfile.mkdtemp())
    try:
        with open_warehouse(Path(":memory:")) as connection:
            create_raw_tables(connection)
            shop = make_shop(connection, home)
            for name, rows in written:
                shop.write_rows(name, rows)
            shop.load()
            good = set(shop.select("select order_id, ordered_at, status, amount, coupon, _row_hash from raw.orders"))
            bad = set(shop.select("select row_hash, reason from raw.quarantine"))
            return good, bad, check_counts(connection, "orders")
    finally:
        shutil.rmtree(home)


@given(files())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_split_of_the_same_rows_gives_the_same_facts(
    shop: Any, spread: tuple[list[dict[str, str]], list[tuple[str, list[dict[str, str]]]]]
) -> None:
    rows, written = spread
    in_one_file = _facts(type(shop), [("orders/all.csv", rows)])
    in_many = _facts(type(shop), written)
    assert in_many[:2] == in_one_file[:2]
    assert in_many[2].tie
    assert in_one_file[2].tie


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["order_id", "coupon", "status", "email", "x y"]), TEXT), max_size=6)
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_loaded_as_it_was_or_told_why_not(
    shop: Any, order: dict[str, Any], rows: list[dict[str, str]]
) -> None:
    written = [order | row for row in rows]
    shop.write_rows("orders/any.jsonl", [order, *written])
    shop.load()
    counts = check_counts(shop.connection, "orders")
    assert counts.tie
    held = {
        row: (order_id, coupon)
        for row, order_id, coupon in shop.select("select _row_number, order_id, coupon from raw.orders")
    }
    told = dict(shop.select("select row_number, row from raw.quarantine"))
    for number, row in enumerate(written, 2):
        coupon = row.get("coupon", "")
        kept = coupon if coupon.strip(" \t\r\n") else None
        if number in held:
            assert held[number] == (row["order_id"], kept)
        else:
            assert json.loads(told[number]).get("coupon") == kept


@given(amount=st.decimals(0, Decimal("99999999999999.9999"), places=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_amount_is_held_to_the_last_digit(shop: Any, order: dict[str, Any], amount: Decimal) -> None:
    as_number = json.dumps(order).replace('"10.50"', f"{amount:f}")
    shop.write("orders/number.jsonl", as_number + "\n")
    shop.write_rows("orders/text.csv", [order | {"amount": f"{amount:f}"}])
    source = FolderSource(kind="folder")
    load_entity(shop.connection, "orders", Settings(sources={"shop": source}, home=shop.home), loaded_at=_now(shop))
    assert set(shop.values("amount")) == {amount}


def _now(shop: Any) -> Any:
    return shop.select("select now()")[0][0]
