"""CSV and JSON Lines come out as they were written, or the file is refused whole."""

from __future__ import annotations

from typing import Any

import pytest

HEADER = "order_id,ordered_at,status,amount,currency"
ROW = "1001,2024-05-31T18:03:00Z,paid,10.50,EUR"
ROW_2 = "1002,2024-05-31T18:04:00Z,paid,11.50,EUR"


def test_a_byte_order_mark_belongs_to_no_column(shop: Any) -> None:
    shop.write("orders/a.csv", f"\ufeff{HEADER}\n{ROW}\n")
    shop.write("orders/b.csv.gz", f"\ufeff{HEADER}\n{ROW_2}\n")
    shop.load()
    assert shop.values("order_id") == ["1001", "1002"]


def test_windows_line_breaks_are_line_breaks(shop: Any) -> None:
    shop.write("orders/a.csv", f"{HEADER}\r\n{ROW}\r\n{ROW_2}\r\n")
    shop.load()
    assert shop.values("currency") == ["EUR", "EUR"]


def test_quoted_values_keep_line_breaks_commas_and_quotation_marks(shop: Any) -> None:
    shop.write("orders/a.csv", f'{HEADER},coupon\n{ROW},"a ""b"",\nc"\n{ROW_2},"x\r\ny"\n')
    load = shop.load()
    assert shop.values("coupon") == ['a "b",\nc', "x\r\ny"]
    assert load.rows == 2


def test_a_header_may_hold_a_quoted_line_break(shop: Any) -> None:
    shop.write("orders/a.csv", f'{HEADER},"two\nlines"\n{ROW},x\n')
    shop.load()
    assert shop.values("_extra") == ['{"two\\nlines":"x"}']


def test_blank_lines_are_no_rows(shop: Any) -> None:
    shop.write("orders/a.csv", f"{HEADER}\n{ROW}\n\n{ROW_2}\n\n\n")
    shop.write("orders/b.jsonl", "\n\n")
    load = shop.load()
    assert [file.rows for file in load.files] == [2, 0]
    assert shop.values("_row_number") == [1, 2]


def test_a_file_with_a_header_alone_has_no_rows(shop: Any) -> None:
    shop.write("orders/a.csv", f"{HEADER}\n")
    assert [(file.rows, file.loaded) for file in shop.load().files] == [(0, 0)]


def test_an_empty_json_lines_file_has_no_rows_and_an_empty_csv_file_is_refused(shop: Any) -> None:
    shop.write("orders/a.jsonl", "")
    shop.write("orders/b.csv", "")
    assert "orders/b.csv" in shop.refused()
    assert shop.select("select file, rows from raw.files") == [("orders/a.jsonl", 0)]


def test_an_empty_file_that_claims_to_be_gzip_is_refused(shop: Any) -> None:
    shop.write("orders/a.jsonl.gz", "").write_bytes(b"")
    assert "gzip" in shop.refused()


def test_gzip_files_of_several_members_are_read_to_the_end(shop: Any) -> None:
    first = shop.write("orders/a.csv.gz", f"{HEADER}\n{ROW}\n")
    second = shop.write("orders/b.csv.gz", f"{ROW_2}\n")
    first.write_bytes(first.read_bytes() + second.read_bytes())
    second.unlink()
    shop.load()
    assert shop.values("order_id") == ["1001", "1002"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (f"{HEADER}\n{ROW}\n1002,2024-05-31T18:04:00Z\n", "line 3: 2 fields where the header has 5"),
        (f"{HEADER}\n{ROW},x\n", "line 2: 6 fields where the header has 5"),
        (f"{HEADER}\n{ROW},\n", "a field too many at the end"),
        (f"{HEADER}\n1001,2024-05-31T18:03:00Z,paid,10,50,\n", "a field too many at the end"),
        (f'{HEADER}\n{ROW}\n"1002,2024-05-31T18:04:00Z,paid,11.50,EUR\n', "a quoted value does not end"),
        (f'{HEADER}\n"10"01,2024-05-31T18:03:00Z,paid,10.50,EUR\n', "text follows its closing quotation mark"),
        (f'{HEADER},coupon\n{ROW},5" off\n{ROW_2},6" off\n', "1 rows were counted in it, but 2 could be read"),
        (f"{HEADER}\n{ROW}\r\n{ROW_2}\n", "two kinds of line breaks"),
        (f"{HEADER},amount\n{ROW},11\n", "names the column 'amount' twice"),
        (f"{HEADER}\n{ROW}", "may have been cut short"),
        ("order_id;ordered_at;status;amount;currency\n1001;x;paid;1;EUR\n", "no column order_id, ordered_at"),
        ("order_id,ordered_at,status,amount\n1001,2024-05-31T18:03:00Z,paid,1\n", "no column currency"),
        ("Order_ID,ordered_at,status,amount,currency\n1,2,3,4,5\n", "It has 'Order_ID': declare that under rename"),
    ],
)
def test_irregular_csv_is_refused_with_a_sentence(shop: Any, content: str, complaint: str) -> None:
    shop.write("orders/bad.csv", content)
    refused = shop.refused()
    assert "orders/bad.csv" in refused
    assert complaint in refused
    assert shop.values("order_id") == []


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b'{"order_id": "1", "amount": 1\n', "line 1 is not valid JSON"),
        (b'{"order_id": "1"}\n{"order_id": "2"} x\n', "line 2 is not valid JSON"),
        (b'{"order_id": "1"}\n[1]\n', "every line must be one JSON object"),
        (b"1\n", "every line must be one JSON object"),
        (b'{"order_id": "1", "order_id": "2"}\n', "names each of its columns once"),
        (b'\xef\xbb\xbf{"order_id": "1"}\n', "byte order mark"),
        (b'{"order_id": "1"}\n', "no column ordered_at, status, amount, currency"),
    ],
)
def test_json_lines_that_are_not_objects_are_refused(shop: Any, content: bytes, complaint: str) -> None:
    shop.write("orders/bad.jsonl", content)
    assert complaint in shop.refused()
    assert shop.values("order_id") == []


@pytest.mark.parametrize("name", ["orders/a.csv", "orders/a.csv.gz", "orders/a.jsonl"])
def test_text_that_is_not_utf8_is_refused(shop: Any, name: str) -> None:
    shop.write(name, f"{HEADER}\n{ROW}\n".encode("utf-16"))
    assert "not UTF-8" in shop.refused()


def test_a_missing_final_line_break_is_accepted_where_the_source_says_so(shop: Any) -> None:
    shop.write("orders/a.csv", f"{HEADER}\n{ROW}\n{ROW_2}")
    shop.load(final_newline="optional")
    assert shop.values("order_id") == ["1001", "1002"]


def test_no_sentence_quotes_a_row(shop: Any) -> None:
    shop.write("orders/a.csv", f"{HEADER},email\n{ROW},alice@example.com,x\n")
    shop.write("orders/b.jsonl", '{"email": "alice@example.com"\n')
    assert "alice" not in shop.refused()


def test_values_keep_their_spaces(shop: Any) -> None:
    shop.write("orders/a.csv", f"{HEADER},email,coupon\n{ROW}, Alice@Example.com ,   \n")
    shop.load()
    assert shop.values("email") == [" Alice@Example.com "]
    assert shop.values("coupon") == [None]


def test_file_names_are_taken_as_they_are(shop: Any) -> None:
    names = [
        "orders/a 1.csv",
        "orders/a [1].csv",
        "orders/b*.csv",
        "orders/bb.csv",
        "orders/it's.csv",
        "orders/year=2024/{x}?.CSV",
        "orders/ümlaut.csv",
    ]
    for number, name in enumerate(names):
        shop.write(name, f"{HEADER}\n{number},2024-05-31T18:03:00Z,paid,1,EUR\n")
    shop.load()
    assert shop.values("_file") == names
    assert shop.values("order_id") == [str(number) for number in range(len(names))]
    assert shop.values("_extra") == [None] * len(names)


def test_unfinished_hidden_and_foreign_files_are_left_alone(shop: Any) -> None:
    for name in ("orders/.a.csv", "orders/_temporary/0/a.csv", "orders/a.csv.part", "orders/notes.txt"):
        shop.write(name, "not, an, order\n")
    (shop.home / "elsewhere").mkdir()
    (shop.landing / "orders" / "linked.csv").symlink_to(shop.home / "elsewhere")
    load = shop.load()
    assert load.ignored == ("shop: orders/a.csv.part", "shop: orders/linked.csv", "shop: orders/notes.txt")
    assert load.files == ()


def test_a_source_whose_folder_is_not_there_is_refused(shop: Any) -> None:
    assert "there is no folder" in shop.refused(path="not-mounted")


def test_a_file_under_another_entity_is_not_read(shop: Any) -> None:
    shop.write("refunds/a.csv", f"{HEADER}\n{ROW}\n")
    assert shop.load("orders").files == ()
