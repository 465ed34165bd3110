"""The numbers on screen are those of SQL; whatever rows hold stays text; filters and sorting live in the URL."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from starlette.testclient import TestClient

from postback_pipeline.ledger import Ledger, Selection
from postback_pipeline.model import Resolution
from postback_pipeline.settings import Settings
from tests.console.reading import cells_of, csv_of
from tests.console.watched_shop import HOSTILE_CLICK, HOSTILE_ORDER, ORDERS

STEPS = ("backend", "eligible", "enqueued", "sent", "accepted", "processed")


def sql(shop: Settings, statement: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(shop.published_path, read_only=True) as connection:
        return connection.execute(statement).fetchall()


def test_the_overview_shows_each_step_of_each_destination(console: TestClient, shop: Settings, ledger: Ledger) -> None:
    sums = ", ".join(f"sum({step}_conversions)::bigint" for step in STEPS[:5])
    expected = sql(
        shop,
        f"select destination, {sums}, sum(accepted_value) from metrics.reconciliation group by all order by 1",
    )
    assert [row[1] for row in expected] == [ORDERS, ORDERS]
    page = console.get("/")
    assert page.status_code == 200
    assert [row[:6] for row in cells_of(page.text, "funnel")] == [
        [row[0], *(str(count) for count in row[1:6])] for row in expected
    ]
    rows = csv_of(console, "/", "funnel")
    assert [(row["destination"], Decimal(row["accepted_value"])) for row in rows] == [(r[0], r[6]) for r in expected]
    assert f"{expected[0][6]:,.2f} EUR" in page.text


def test_days_in_the_url_narrow_every_figure(console: TestClient, shop: Settings, ledger: Ledger) -> None:
    ((expected,),) = sql(
        shop,
        "select sum(backend_conversions)::bigint from metrics.reconciliation"
        " where destination = 'partner' and report_date = '2026-01-11'",
    )
    assert 0 < expected < ORDERS
    asked = {"destination": "partner", "from": "2026-01-11", "to": "2026-01-11"}
    page = console.get("/", params=asked).text
    assert [row[:2] for row in cells_of(page, "funnel")] == [["partner", str(expected)]]
    assert 'value="2026-01-11"' in page


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("from=yesterday", "is no day"),
        ("from=2026-02-01&to=2026-01-01", "There are no days"),
        ("to=0001-01-01", "There are no days before"),
    ],
)
def test_an_impossible_day_is_a_sentence(console: TestClient, query: str, says: str) -> None:
    reply = console.get(f"/?{query}")
    assert reply.status_code == 400
    assert says in reply.text


def test_reconciliation_goes_from_steps_to_causes_to_conversions(console: TestClient, shop: Settings) -> None:
    page = console.get("/reconciliation", params={"destination": "partner"})
    steps = csv_of(console, "/reconciliation?destination=partner", "steps")
    causes = csv_of(console, "/reconciliation?destination=partner", "causes")
    expected = sql(
        shop,
        "select step, cause, sum(conversions)::bigint, sum(value) from metrics.reconciliation_causes"
        " where destination = 'partner' group by all order by 1, 2",
    )
    assert sorted((row["step"], row["cause"], int(row["conversions"]), Decimal(row["value"])) for row in causes) == [
        *expected
    ]
    explained = {step: sum(row[2] for row in expected if row[0] == step) for step in STEPS}
    assert {row["step"]: int(row["difference"]) for row in steps if row["difference"]} == {
        step: explained[step] for step in STEPS[1:]
    }
    assert "<svg" in page.text
    lost = next(row for row in causes if int(row["conversions"]) < 0)
    address = f"/reconciliation/{lost['step']}/{lost['cause']}?destination=partner"
    days, examples = csv_of(console, address, "days"), csv_of(console, address, "examples")
    assert sum(int(row["conversions"]) for row in days) == int(lost["conversions"]) == -len(examples)


def test_a_destination_shows_what_its_attempts_ended_with(console: TestClient, shop: Settings, ledger: Ledger) -> None:
    ((accepted, sent),) = sql(
        shop,
        "select sum(accepted_postbacks), sum(sent_postbacks) from metrics.acceptance_rate"
        " where destination = 'partner'",
    )
    assert sent > 0
    days = csv_of(console, "/destinations/partner", "acceptance")
    assert (sum(int(row["accepted"]) for row in days), sum(int(row["sent"]) for row in days)) == (accepted, sent)
    page = console.get("/destinations/partner").text
    assert page.count("<svg") == 4
    for says in ("breaker", "closed", "no limit of ours", "1 parked"):
        assert says in page


def test_a_table_is_sorted_by_a_link(console: TestClient, ledger: Ledger) -> None:
    address = "/destinations/partner"
    up = csv_of(console, f"{address}?sort=acceptance.sent", "acceptance")
    down = csv_of(console, f"{address}?sort=acceptance.sent&order=down", "acceptance")
    assert [int(row["sent"]) for row in up] == sorted(int(row["sent"]) for row in up)
    assert [int(row["sent"]) for row in down] == sorted((int(row["sent"]) for row in up), reverse=True)
    assert 'aria-sort="descending"' in console.get(f"{address}?sort=acceptance.sent&order=down").text


def test_hostile_ids_stay_text(console: TestClient, shop: Settings, ledger: Ledger) -> None:
    key = sql(shop, "select conversion_key from marts.conversions where starts_with(source_id, '<img')")[0][0]
    found = console.get("/conversions", params={"q": HOSTILE_ORDER})
    assert found.status_code == 200
    assert found.url.path.startswith("/conversions/purchase")
    for page in (found.text, console.get("/conversions/purchase:4702").text, console.get("/conversions?q=47").text):
        assert HOSTILE_CLICK not in page
        assert HOSTILE_ORDER not in page
        assert "<script" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in found.text
    assert key.endswith(HOSTILE_ORDER)


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t"])
def test_csv_holds_no_formula(console: TestClient, ledger: Ledger, begin: str) -> None:
    # Receivers give reasons, and people do: neither is ours.
    ledger.resolve(
        Selection(conversion_keys=["purchase:4705"]), Resolution.REJECTED, actor="ann", reason=f"{begin}cmd()"
    )
    reasons = {row["reason"] for row in csv_of(console, "/parked", "groups")}
    assert f"'{begin}cmd()" in reasons
    assert f"{begin}cmd()" not in reasons


@pytest.fixture
def reported(shop: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published copy, where the platform has reported on the first of partner's days only: what was processed."""
    with duckdb.connect(shop.published_path) as connection:
        connection.execute(
            "update metrics.reconciliation set reported_conversions = processed_conversions,"
            " reported_value = processed_value where destination = 'partner' and report_date = '2026-01-10'"
        )
    with duckdb.connect(shop.published_path) as connection:
        yield connection


def leave_unexplained(copy: duckdb.DuckDBPyConnection, day: str, conversions: int, value: int) -> None:
    copy.execute(
        "insert into metrics.reconciliation_causes by name select ?::date as report_date, 'partner' as destination,"
        " 'purchase' as event_name, 'EUR' as currency, 7 as step_number, 'reported' as step, 'unexplained' as cause,"
        " ? as conversions, ? as value",
        [day, conversions, value],
    )


def test_what_is_reported_is_held_against_the_days_reported_on(
    console: TestClient, reported: duckdb.DuckDBPyConnection
) -> None:
    reported.execute(
        "update metrics.reconciliation set reported_conversions = reported_conversions - 1,"
        " reported_value = reported_value - 2 where reported_conversions is not null"
    )
    leave_unexplained(reported, "2026-01-10", -1, -2)
    reported.close()
    address = "/reconciliation?destination=partner"
    step, before = csv_of(console, address, "steps")[-1], csv_of(console, address, "steps")[-2]
    causes = [row for row in csv_of(console, address, "causes") if row["step"] == "reported"]
    assert int(before["conversions"]) > int(step["conversions"]) + 1
    assert (int(step["difference"]), Decimal(step["difference_value"])) == (-1, Decimal(-2))
    assert sum(int(row["conversions"]) for row in causes) == int(step["difference"])
    assert sum(Decimal(row["value"]) for row in causes) == Decimal(step["difference_value"])


@pytest.mark.parametrize(
    ("left", "says"),
    [
        ([("2026-01-10", 0, 0)], "Every difference has a cause"),
        ([("2026-01-10", 0, 5)], "0 conversions, +5.00 EUR on 1 day."),
        ([("2026-01-10", 2, 5), ("2026-01-11", -2, -5)], "0 conversions, +0.00 EUR on 2 days."),
    ],
)
def test_only_where_nothing_of_any_day_is_left_every_difference_has_a_cause(
    console: TestClient, reported: duckdb.DuckDBPyConnection, left: list[tuple[str, int, int]], says: str
) -> None:
    for each in left:
        leave_unexplained(reported, *each)
    reported.close()
    page = console.get("/reconciliation?destination=partner").text
    assert says in page
    assert ("Every difference has a cause" in page) is ("Every" in says)


def test_one_conversion_shows_its_requests_without_the_person(
    console: TestClient, shop: Settings, ledger: Ledger
) -> None:
    page = console.get("/conversions/purchase:4702").text
    for says in ("Orders, version by version", "In short", "partner: report, eligible", "HTTP 200; OK"):
        assert says in page
    assert "order=4702" in page
    assert "value=10.50" in page
    assert "click=[hidden, 13 characters]" in page
    assert "{secret:PARTNER_TOKEN}" in page
    for secret in ("gclid-of-4702", "ann@example.com", "em=" + "a"):
        assert secret not in page


def test_what_is_not_known_is_said_and_no_traceback(console: TestClient, ledger: Ledger) -> None:
    for address in ("/conversions/nobody", "/destinations/nobody", "/nothing", "/actions/nothing"):
        reply = console.get(address)
        assert reply.status_code == 404
        assert "Traceback" not in reply.text
    assert "Nothing is known of nobody" in console.get("/conversions/nobody").text


def test_without_a_ledger_or_a_copy_the_pages_say_what_to_do(console: TestClient, shop: Settings) -> None:
    assert "postback ledger init" in console.get("/").text
    assert console.get("/").status_code == 200
    assert "postback ledger init" in console.get("/parked").text
    assert "postback ledger init" in console.get("/destinations/partner").text
    shop.published_path.unlink()
    for address in ("/", "/reconciliation", "/conversions?q=47", "/destinations/partner"):
        page = console.get(address).text
        assert "Run: postback run" in page
        assert "Traceback" not in page


def test_a_copy_that_was_not_measured_says_so(console: TestClient, shop: Settings) -> None:
    with duckdb.connect(shop.published_path) as connection:
        connection.execute("drop table metrics.reconciliation")
    reply = console.get("/reconciliation")
    assert reply.status_code == 503
    assert "Run: postback run" in reply.text
