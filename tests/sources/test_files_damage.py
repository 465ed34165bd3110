"""A file that was cut short or damaged is refused whole: never fewer rows, never other rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from postback_pipeline.sources.results import EntityLoad, LoadError

ROWS = 5


def _rows(order: dict[str, Any]) -> list[dict[str, Any]]:
    notes = ["", "plain", 'with "quotes", commas', "two\nlines", "ümläut"]
    return [
        order | {"order_id": f"{number}", "amount": f"{number}.25", "coupon": notes[number % len(notes)]}
        for number in range(1000, 1000 + ROWS)
    ]


def _attempt(shop: Any, path: Path, content: bytes) -> EntityLoad | None:
    """Loads the bytes as a new file of an empty warehouse; None if it is refused."""
    path.write_bytes(content)
    if shop.select("from raw.files"):
        for table in ("orders", "quarantine", "files"):
            shop.connection.execute(f"delete from raw.{table}")
    try:
        load: EntityLoad = shop.load()
    except LoadError:
        assert shop.select("select order_id from raw.orders union all select file from raw.quarantine") == []
        return None
    return load


@pytest.mark.parametrize("name", ["orders/a.csv", "orders/a.jsonl"])
def test_plain_text_cut_anywhere_but_at_a_line_end_is_refused(shop: Any, order: dict[str, Any], name: str) -> None:
    path = shop.write_rows(name, _rows(order))
    whole = path.read_bytes()
    _attempt(shop, path, whole)
    everything = shop.values("order_id")
    line_ends = {end + near for end in range(len(whole)) if whole[end : end + 1] == b"\n" for near in (-1, 0, 1)}
    for cut in sorted({*range(0, len(whole), 4), *line_ends} - {len(whole)}):
        load = _attempt(shop, path, whole[:cut])
        is_json_object = name.endswith(".jsonl") and whole[cut - 1 : cut] == b"}"
        if load is not None:
            assert cut == 0 or is_json_object or whole[cut - 1 : cut] == b"\n"
            assert shop.values("order_id") == everything[: load.rows]
            assert load.quarantined == 0


@pytest.mark.parametrize("name", ["orders/a.csv.gz", "orders/a.jsonl.gz"])
def test_gzip_cut_anywhere_is_refused(shop: Any, order: dict[str, Any], name: str) -> None:
    path = shop.write_rows(name, _rows(order))
    whole = path.read_bytes()
    assert [cut for cut in range(len(whole)) if _attempt(shop, path, whole[:cut])] == []


def test_parquet_cut_anywhere_is_refused(shop: Any, order: dict[str, Any]) -> None:
    path = shop.write_rows("orders/a.parquet", _rows(order))
    whole = path.read_bytes()
    cuts = [*range(0, len(whole), 7), len(whole) - 1]
    assert [cut for cut in cuts if _attempt(shop, path, whole[:cut])] == []


@pytest.mark.parametrize("name", ["orders/a.csv.gz", "orders/a.jsonl.gz"])
def test_gzip_with_a_flipped_byte_is_refused_or_gives_the_same_rows(
    shop: Any, order: dict[str, Any], name: str
) -> None:
    path = shop.write_rows(name, _rows(order))
    whole = path.read_bytes()
    _attempt(shop, path, whole)
    everything = shop.select("select order_id, amount, coupon from raw.orders order by 1")
    for place in range(len(whole)):
        flipped = whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :]
        if _attempt(shop, path, flipped) is not None:
            assert shop.select("select order_id, amount, coupon from raw.orders order by 1") == everything


def test_the_rows_of_the_last_good_state_stay_when_a_file_is_damaged(shop: Any, order: dict[str, Any]) -> None:
    path = shop.write_rows("orders/a.csv.gz", _rows(order))
    shop.write_rows("orders/b.csv.gz", [order | {"order_id": "b"}])
    shop.load()
    before = shop.tables()
    path.write_bytes(path.read_bytes()[:-4])
    assert "orders/a.csv.gz" in shop.refused()
    assert shop.tables() == before


def test_a_refused_file_does_not_keep_the_others_from_loading(shop: Any, order: dict[str, Any]) -> None:
    shop.write("orders/a.csv", "order_id\n1\n")
    shop.write("orders/b.parquet", b"PAR1")
    shop.write_rows("orders/c.csv", [order])
    with pytest.raises(LoadError) as caught:
        shop.load()
    assert [refusal.file for refusal in caught.value.load.refused] == ["orders/a.csv", "orders/b.parquet"]
    assert [file.file for file in caught.value.load.files] == ["orders/c.csv"]
    assert "orders: 2 files were refused" in str(caught.value)
    assert shop.values("order_id") == ["1001"]


def test_a_refused_file_is_loaded_once_it_is_whole(shop: Any, order: dict[str, Any]) -> None:
    path = shop.write_rows("orders/a.csv", _rows(order))
    whole = path.read_bytes()
    path.write_bytes(whole[:-9])
    shop.refused()
    path.write_bytes(whole)
    assert shop.load().loaded == ROWS
