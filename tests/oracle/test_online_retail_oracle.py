"""The oracle on tiny shops whose answer is obvious."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.oracle import online_retail

Rows = list[dict[str, str]]


def click(name: str, at: str, identifier: str = "gclid", **keys: str) -> dict[str, str]:
    """A click whose network identifier has the value `<name>-id`."""
    return {
        "click_id": name,
        "clicked_at": at,
        "landing_url": f"https://shop.example/p/1?q=a%20b&{identifier}={name}-id#top",
        **keys,
    }


def order(name: str, at: str = "2010-01-31 12:00:00", amount: str = "100.00", **columns: str) -> dict[str, str]:
    return {"order_id": name, "ordered_at": at, "status": "completed", "amount": amount, "currency": "GBP", **columns}


def refund(name: str, of: str, amount: str) -> dict[str, str]:
    return {
        "refund_id": name,
        "order_id": of,
        "refunded_at": "2010-02-10 09:00:00",
        "amount": amount,
        "currency": "GBP",
        "kind": "cancellation",
    }


def landing(folder: Path, *, orders: Rows, clicks: Rows = [], refunds: Rows = []) -> Path:  # noqa: B006
    """A landing folder with one file per entity."""
    for entity, rows in (("orders", orders), ("refunds", refunds)):
        (folder / entity).mkdir(parents=True)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with gzip.open(folder / entity / "all.csv.gz", "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
    (folder / "clicks").mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in clicks)
    (folder / "clicks" / "all.jsonl").write_text(lines, encoding="utf-8")
    return folder


def expected(folder: Path) -> list[tuple[str, str, str, str]]:
    """(destination, order, click, value) of the requests of a first run."""
    rows = online_retail.report(folder)["expected"]
    return [(row["destination"], row["order_id"], row["click_id"], row["value"]) for row in rows]


def picked(folder: Path, clicks: Rows, **order_columns: str) -> list[tuple[str, str]]:
    """(destination, click) of the requests for one order."""
    folder = landing(folder, orders=[order("o", **order_columns)], clicks=clicks)
    return [(destination, click_id) for destination, _, click_id, _ in expected(folder)]


def test_the_newest_click_with_the_identifier_wins_and_gives_its_value(tmp_path: Path) -> None:
    clicks = [
        click("old", "2010-01-10T00:00:00Z", session_id="s"),
        click("new", "2010-01-20T00:00:00Z", session_id="s"),
        click("newest", "2010-01-25T00:00:00Z", "ttclid", session_id="s"),
    ]
    folder = landing(tmp_path, orders=[order("o", session_id="s")], clicks=clicks)
    assert online_retail.report(folder)["expected"] == [
        {
            "destination": "google",
            "order_id": "o",
            "click_id": "new",
            "identifier": "gclid",
            "identifier_value": "new-id",
            "value": "100.00",
            "currency": "GBP",
            "event_time": "2010-01-31T12:00:00+00:00",
        }
    ]


@pytest.mark.parametrize(
    ("clicked_at", "inside"),
    [
        ("2010-06-01T10:59:59Z", False),
        ("2010-06-01T11:00:00Z", True),
        ("2010-07-01T11:00:00Z", True),
        ("2010-07-01T11:00:01Z", False),
        ("2010-07-01T12:00:00+01:00", True),
    ],
)
def test_the_window_holds_both_its_ends_on_the_shops_clock(tmp_path: Path, clicked_at: str, inside: bool) -> None:
    found = picked(tmp_path, [click("c", clicked_at, session_id="s")], at="2010-07-01 12:00:00", session_id="s")
    assert found == ([("google", "c")] if inside else [])


def test_the_click_that_the_order_names_beats_a_newer_one(tmp_path: Path) -> None:
    clicks = [click("named", "2010-01-05T00:00:00Z"), click("newer", "2010-01-30T00:00:00Z", session_id="s")]
    assert picked(tmp_path, clicks, click_id="named", session_id="s") == [("google", "named")]


@pytest.mark.parametrize("named", [("2009-12-01T00:00:00Z", "gclid"), ("2010-01-30T12:00:00Z", "fbclid")])
def test_a_named_click_outside_the_window_or_of_another_network_does_not_block(
    tmp_path: Path, named: tuple[str, str]
) -> None:
    clicks = [click("named", *named), click("other", "2010-01-06T00:00:00Z", user_id="u")]
    assert ("google", "other") in picked(tmp_path, clicks, click_id="named", user_id="u")


def test_at_the_same_instant_session_beats_cart_beats_user_and_then_the_smallest_id(tmp_path: Path) -> None:
    at = "2010-01-20T00:00:00Z"
    keys = {"session_id": "s", "cart_id": "c", "user_id": "u"}
    by_user = [click("a-user", at, user_id="u"), click("b-user", at, user_id="u")]
    by_cart = [click("x-cart", at, cart_id="c", user_id="u")]
    by_session = [click("z-session", at, session_id="s"), click("y-session", at, session_id="s")]
    assert picked(tmp_path / "1", by_user[::-1], **keys) == [("google", "a-user")]
    assert picked(tmp_path / "2", by_user + by_cart, **keys) == [("google", "x-cart")]
    assert picked(tmp_path / "3", by_user + by_cart + by_session, **keys) == [("google", "y-session")]


def test_in_the_group_one_partner_wins_and_the_networks_neither_take_nor_block(tmp_path: Path) -> None:
    clicks = [
        click("i", "2010-01-20T00:00:00Z", "irclickid", session_id="s"),
        click("m", "2010-01-21T00:00:00Z", "msclkid", session_id="s"),
        click("g", "2010-01-22T00:00:00Z", session_id="s"),
        click("f", "2010-01-01T12:00:00Z", "fbclid", session_id="s"),
    ]
    folder = landing(tmp_path, orders=[order("o", session_id="s")], clicks=clicks)
    assert sorted(expected(folder)) == [
        (d, "o", c, "100.00") for d, c in (("google", "g"), ("meta", "f"), ("microsoft", "m"))
    ]
    counts = online_retail.report(folder)["destinations"]
    assert (counts["impact"]["matches"], counts["impact"]["lost"], counts["microsoft"]["winners"]) == (1, 1, 1)


def test_in_the_group_the_named_click_beats_a_partners_newer_one(tmp_path: Path) -> None:
    clicks = [
        click("i", "2010-01-02T00:00:00Z", "irclickid"),
        click("m", "2010-01-30T00:00:00Z", "msclkid", session_id="s"),
    ]
    assert picked(tmp_path, clicks, click_id="i", session_id="s") == [("impact", "i")]


def test_refunds_lower_the_value_to_the_penny_and_never_below_zero(tmp_path: Path) -> None:
    names = ("whole", "part", "full", "over")
    folder = landing(
        tmp_path,
        orders=[*(order(name, amount="10.01", click_id=name) for name in names), order("free", amount="0.00")],
        clicks=[click(name, "2010-01-20T00:00:00Z") for name in names],
        refunds=[
            refund("1", "part", "3.33"),
            refund("2", "part", "3.33"),
            refund("3", "full", "10.01"),
            refund("4", "over", "9.00"),
            refund("5", "over", "2.00"),
            refund("6", "", "1.00"),
            refund("7", "whole", "-1.00"),
            refund("8", "elsewhere", "1.00"),
        ],
    )
    answer = online_retail.report(folder)
    assert expected(folder) == [("google", "whole", "whole", "10.01"), ("google", "part", "part", "3.35")]
    assert {name: answer[name] for name in answer if name not in ("destinations", "expected")} == {
        "orders": 5,
        "zero_value": 1,
        "zero_value_with_refund": 0,
        "conversions": 4,
        "fully_reversed": 2,
        "partly_reversed": 1,
        "over_refunded": 1,
        "refunds": 8,
        "refunds_not_loaded": 2,
        "refunds_without_order_id": 1,
        "refunds_awaiting_order": 1,
        "gross": "40.04",
        "net": "13.36",
    }


def test_zero_values_and_other_statuses_are_no_conversions(tmp_path: Path) -> None:
    folder = landing(
        tmp_path,
        orders=[order("free", amount="0.00", click_id="c"), order("open", click_id="c") | {"status": "pending"}],
        clicks=[click("c", "2010-01-20T00:00:00Z")],
    )
    assert expected(folder) == []
    assert online_retail.report(folder)["conversions"] == 0


@pytest.mark.parametrize(
    "orders",
    [
        [order("twice"), order("twice")],
        [order("o") | {"currency": "EUR"}],
        [order("o", gclid="stored")],
        [order("o", amount="-1.00")],
    ],
)
def test_what_it_does_not_know_is_refused_rather_than_guessed(tmp_path: Path, orders: Rows) -> None:
    folder = landing(tmp_path, orders=orders)
    with pytest.raises(SystemExit, match=r"not known here|knows no"):
        online_retail.report(folder)


def test_the_program_prints_its_answer_as_json(tmp_path: Path) -> None:
    folder = landing(tmp_path, orders=[order("o", click_id="c")], clicks=[click("c", "2010-01-20T00:00:00Z")])

    def run(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, online_retail.__file__, str(folder), *arguments]
        answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        return answer

    assert run("--json") == online_retail.report(folder)
    assert "expected" not in run()
