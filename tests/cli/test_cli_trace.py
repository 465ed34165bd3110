"""`postback trace`: the whole story of one order, lead, event or subscription, and nothing personal in it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import Result

from postback_pipeline.ledger import EnqueueReport, Ledger
from postback_pipeline.model import Desired, Outcome
from postback_pipeline.settings import Settings
from tests.cli.traced_shop import PERSONAL, build_shop

Postback = Callable[..., Result]
DBT_PROJECT = Path(__file__).parents[2] / "dbt_project"
RAW_PARTS = ("orders", "leads", "subscription_events", "app_events", "pixel_events")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's warehouse."""
    return build_shop(tmp_path_factory.mktemp("traced"))


@pytest.fixture
def published(deployment: Settings, built: Path) -> Settings:
    """A deployment that has published the shop's warehouse."""
    deployment.published_path.parent.mkdir(parents=True)
    shutil.copyfile(built, deployment.published_path)
    return deployment


@pytest.fixture
def sent(
    published: Settings,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    send: Callable[..., None],
) -> None:
    """An order's conversion was told and refused; another one waits."""
    enqueue(ledger, desired("4711"))
    send(ledger, outcome=Outcome.REJECTED, reason="unknown click", http_status=422)
    enqueue(ledger, desired("9999"))


def told(postback: Postback, key: str) -> dict[str, Any]:
    """The story for machines."""
    result = postback("trace", key, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def columns(rows: Iterable[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("key", ["purchase:4711", "4711", "r1"])
def test_an_orders_story_is_told_by_its_key_its_own_id_or_that_of_its_refund(
    postback: Postback, sent: None, key: str
) -> None:
    story = told(postback, key)

    assert story["as_of"] == "2026-01-15T12:00:00+00:00"
    assert columns(story["orders"], "status", "holds", "file", "row_number") == [
        ("pending", False, "orders/1.jsonl", 1),
        ("paid", True, "orders/2.jsonl", 2),
    ]
    assert columns(story["refunds"], "refund_id", "file", "row_number") == [
        ("r1", "refunds/1.jsonl", 1),
        ("r2", "refunds/1.jsonl", 2),
    ]
    assert columns(story["conversions"], "conversion_key", "value", "net_value") == [
        ("purchase:4711", "100.0000", "75.0000")
    ]
    assert columns(story["reversals"], "reversal_id", "status", "applied_amount") == [
        ("r1", "applied", "30.0000"),
        ("r2", "no_rate", "0.0000"),
    ]
    assert columns(story["rules"], "value_rule", "hold_days", "definition_version") == [
        ("net less tax", 0, story["conversions"][0]["definition_version"])
    ]
    assert columns(story["routes"], "destination", "lookback_days", "scope") == [
        ("partner", 30, "group:search"),
        ("rival", 30, "group:search"),
    ]
    (attempt,) = story["postbacks"][0]["attempts"]
    assert columns(story["postbacks"], "conversion_key") == [("purchase:4711",)]
    assert (attempt["outcome"], attempt["http_status"]) == ("rejected", 422)
    assert story["notes"] == []


def test_why_each_click_won_or_lost_is_told_for_every_destination(postback: Postback, published: Settings) -> None:
    candidates = told(postback, "4711")["candidates"]

    verdicts = {
        name: columns((row for row in candidates if row["destination"] == name), "click_id", "matched_by", "verdict")
        for name in ("partner", "rival")
    }
    assert verdicts["partner"] == [
        ("newest", "session_id", "won"),
        ("too-late", "session_id", "after_the_act"),
        ("without-identifier", "session_id", "no_accepted_identifier"),
        ("of-the-rival", "session_id", "no_accepted_identifier"),
        ("older", "user_id", "outranked"),
        ("expired", "user_id", "identifier_expired"),
        ("too-early", "user_id", "before_the_window"),
    ]
    assert verdicts["rival"][0] == ("of-the-rival", "session_id", "lost_to_other_route")


def test_what_a_decision_rests_on_is_told_with_it(postback: Postback, published: Settings) -> None:
    ours, theirs = told(postback, "4711")["decisions"]

    assert (ours["decision"], ours["reason_code"], ours["sentence"]) == (
        "report",
        "eligible",
        "It passes every rule of the conversion and of the route.",
    )
    assert {name: ours[name] for name in ("click_id", "matched_by", "identifier", "pixel_event_id")} == {
        "click_id": "newest",
        "matched_by": "session_id",
        "identifier": "gclid",
        "pixel_event_id": "px-4711",
    }
    assert (ours["window_start"], ours["window_end"]) == ("2025-12-11T09:00:00+00:00", "2026-01-10T09:00:00+00:00")
    assert ours["consent_record"].startswith("ad_user_data granted session v7 2026-01-02")
    assert (ours["net_value"], ours["exchange_rate"]) == ("75.0000", "1.500000000000")
    assert (ours["desired_value"], ours["reported_value"], ours["currency"]) == ("112.5000", "150.0000", "USD")
    assert ours["next_change_at"] is None, "told in time is told: no window that closes changes it"
    assert (theirs["decision"], theirs["sentence"]) == (
        "withhold",
        "Another route of the same group won the conversion.",
    )


def test_what_waits_in_the_outbox_is_told_without_its_person(postback: Postback, published: Settings) -> None:
    (row,) = told(postback, "4711")["outbox"]

    assert (row["destination"], row["desired_value"], row["delta"]) == ("partner", "112.5000", "-37.5000")
    assert row["identifiers"] == ["gclid"]
    assert {"email", "ip", "page_url"} <= set(row["person"])


def test_pixel_events_and_consents_behind_a_decision_are_told(postback: Postback, published: Settings) -> None:
    story = told(postback, "4711")

    assert columns(story["pixel_events"], "event_id", "file", "row_number") == [("px-4711", "pixel_events/1.jsonl", 1)]
    assert columns(story["pixel_reports"], "destination", "event_id", "value") == [("partner", "px-4711", "99.0000")]
    assert columns(story["consents"], "subject_type", "purpose", "state", "version", "file", "row_number") == [
        ("user", "ad_user_data", "granted", "v7", "consents/1.jsonl", 1),
        ("session", "ad_user_data", "granted", "v7", "consents/1.jsonl", 2),
    ]


def test_rows_in_quarantine_are_told_also_those_of_clicks_that_could_have_matched(
    postback: Postback, published: Settings
) -> None:
    assert columns(told(postback, "4711")["quarantine"], "file", "row_number") == [
        ("clicks/2.jsonl", 1),
        ("refunds/1.jsonl", 4),
    ]
    assert ("subscription_events/2.jsonl", 3) in columns(told(postback, "sub1")["quarantine"], "file", "row_number")
    assert told(postback, "9999")["quarantine"] == []


@pytest.mark.parametrize("key", ["L1", "lead:L1"])
def test_a_leads_story_has_every_status_and_its_stored_identifiers(
    postback: Postback, published: Settings, key: str
) -> None:
    story = told(postback, key)

    assert columns(story["leads"], "status", "holds", "names_person", "row_number") == [
        ("new", False, True, 1),
        ("qualified", True, False, 2),
    ]
    assert columns(story["identifiers"], "identifier", "click_id") == [("gclid", "of-the-lead")]
    (decision,) = story["decisions"]
    assert decision["sentence"] == "Its hold has not passed; it may be reported from 2026-02-03 00:00:00 UTC on."
    assert decision["next_change_at"] == "2026-02-03T00:00:00+00:00"


def test_a_subscriptions_story_has_all_its_events_and_conversions(postback: Postback, published: Settings) -> None:
    story = told(postback, "sub1")

    assert columns(story["subscription_events"], "event_id", "event", "holds", "names_person") == [
        ("e1", "start", True, True),
        ("e2", "renewal", True, False),
        ("e3", "refund", False, False),
        ("e4", "cancel", False, False),
    ]
    assert columns(story["conversions"], "conversion_key", "status") == [
        ("subscription:e1", "qualified"),
        ("subscription:e2", "fully_reversed"),
    ]
    assert columns(story["decisions"], "conversion_key", "decision") == [
        ("subscription:e1", "report"),
        ("subscription:e2", "retract"),
    ]


@pytest.mark.parametrize("key", ["e2", "subscription:e2", "e3"])
def test_one_event_of_a_subscription_is_told_among_the_others(
    postback: Postback, published: Settings, key: str
) -> None:
    story = told(postback, key)

    assert [row["event_id"] for row in story["subscription_events"]] == ["e1", "e2", "e3", "e4"]
    assert columns(story["conversions"], "conversion_key") == [("subscription:e2",)]
    assert columns(story["reversals"], "conversion_key", "reversal_id") == [("subscription:e2", "e3")]


@pytest.mark.parametrize(("key", "entity"), [("a1", "app_events"), ("tagged:p1", "pixel_events")])
def test_an_app_or_pixel_event_is_a_record_like_any_other(
    postback: Postback, published: Settings, key: str, entity: str
) -> None:
    story = told(postback, key)

    assert {part: len(story[part]) for part in RAW_PARTS if story[part]} == {entity: 1}
    assert len(story["conversions"]) == len(story["decisions"]) == 1


def test_an_order_that_does_not_qualify_yet_is_told_with_its_reason(postback: Postback, sent: None) -> None:
    story = told(postback, "9999")

    assert columns(story["orders"], "order_id", "status") == [("9999", "pending")]
    assert {row["reason_code"] for row in story["decisions"]} == {"not_qualified"}
    assert [row["transaction_id"] for row in story["postbacks"]] == ["9999"]


@pytest.mark.parametrize("key", ["4720", "purchase:4720"])
def test_what_was_told_of_an_order_that_is_gone_is_told(postback: Postback, published: Settings, key: str) -> None:
    story = told(postback, key)

    assert story["orders"] == story["conversions"] == []
    assert columns(story["decisions"], "decision", "reason_code", "reported_value") == [
        ("kept_as_reported", "source_gone", "150.0000")
    ]
    assert "Told of purchase:4720, which is no longer computed" in postback("trace", key).stdout


def test_a_refund_whose_order_is_not_there_yet_is_told(postback: Postback, published: Settings) -> None:
    story = told(postback, "4799")

    assert columns(story["reversals"], "reversal_id", "status") == [("r3", "awaiting_order")]
    assert "Reversals that wait for purchase:4799" in postback("trace", "4799").stdout


def test_the_story_reads_as_text(postback: Postback, sent: None) -> None:
    result = postback("trace", "4711")

    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "As the build of 2026-01-15 12:00:00 UTC saw it. All times are UTC.",
        "Orders, version by version",
        "Rows in quarantine",
        "Conversion purchase:4711",
        "value rule net less tax",
        "Consent records",
        "partner: report, eligible",
        "It passes every rule of the conversion and of the route.",
        "window 2025-12-11 09:00:00 to 2026-01-10 09:00:00",
        "click newest, 2026-01-09 08:00:00, session_id, gclid",
        "should believe 112.50 USD",
        "was told 150 USD",
        "Clicks that share a key",
        "In the outbox of the last build",
        "rival: withhold, lost_to_other_route",
        "would be told 75 GBP",
        "partner: revision 1, conversion of 10.50 GBP, rejected (unknown click)",
    ):
        assert line in lines, line


@pytest.mark.parametrize("key", ["4711", "L1", "sub1", "a1", "p1", "9999", "4720", "4799"])
def test_nothing_personal_is_told(postback: Postback, published: Settings, key: str) -> None:
    for options in ([], ["--json"]):
        output = postback("trace", key, *options).output

        assert key in output
        assert [value for value in PERSONAL if value.lower() in output.lower()] == []


def test_the_rows_hold_everything_personal_that_is_not_told(built: Path) -> None:
    with duckdb.connect(built, read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall()
        held = str([connection.execute(f"from raw.{table}").fetchall() for (table,) in tables])

    assert [value for value in PERSONAL if value not in held] == []


def test_the_newest_fifty_clicks_are_told_and_how_many_there_are(postback: Postback, published: Settings) -> None:
    with duckdb.connect(published.published_path) as connection:
        connection.execute(
            "insert into raw.clicks (click_id, clicked_at, session_id, _seen, _row_number)"
            " select 'many-' || n, '2026-01-09 09:00+00'::timestamptz - to_minutes(n), 'ann-session', 1000, n"
            " from range(60) as numbers(n)"
        )

    candidates = told(postback, "4711")["candidates"]

    assert columns(candidates[:2], "click_id", "verdict", "clicks") == [
        ("newest", "won", 67),
        ("too-late", "after_the_act", 67),
    ]
    assert sum(row["destination"] == "partner" for row in candidates) == 50
    assert "Clicks that share a key, 50 of 67" in postback("trace", "4711").stdout


def test_without_a_warehouse_the_ledgers_part_is_told_with_a_note(
    postback: Postback,
    sqlite_ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
) -> None:
    enqueue(sqlite_ledger, desired("4711"))

    story = told(postback, "purchase:4711")

    assert len(story["postbacks"]) == 1
    assert "There is no published warehouse at" in str(story["notes"])
    assert postback("trace", "purchase:4711").stdout.startswith("Postbacks\n")


@pytest.mark.parametrize(
    "older",
    [
        "drop view marts.decision_candidates",
        "alter table intermediate.int_decisions drop column next_change_at",
        "drop schema marts cascade",
        "drop table raw.leads",
    ],
)
def test_a_warehouse_of_another_version_is_a_sentence_beside_the_ledgers_part(
    postback: Postback,
    published: Settings,
    sqlite_ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
    older: str,
) -> None:
    enqueue(sqlite_ledger, desired("4711"))
    with duckdb.connect(published.published_path) as connection:
        connection.execute(older)

    result = postback("trace", "purchase:4711")

    assert result.exit_code == 0
    assert "partner: revision 1" in result.stdout
    assert result.stderr == (
        f"The published warehouse {published.published_path} was built by another version. Run: postback run\n"
    )


def test_without_a_ledger_the_warehouses_part_is_told_with_a_note(postback: Postback, published: Settings) -> None:
    result = postback("trace", "4711")

    assert "Conversion purchase:4711" in result.stdout
    assert "There is no ledger at" in result.stderr


def test_an_unknown_key_is_a_sentence(postback: Postback, sent: None) -> None:
    result = postback("trace", "'; drop table raw.orders; --")

    assert result.exit_code == 1
    assert result.stderr == 'Nothing is known of "\'; drop table raw.orders; --".\n'


def test_a_warehouse_that_cannot_be_read_is_a_sentence(postback: Postback, published: Settings) -> None:
    published.published_path.write_bytes(b"no database")

    result = postback("trace", "4711")

    assert result.exit_code == 1
    assert "cannot be read" in result.stderr
    assert "Traceback" not in result.output


def test_every_reason_that_the_models_give_has_a_sentence(built: Path) -> None:
    with duckdb.connect(built, read_only=True) as connection:
        sentences = dict(connection.execute("select reason_code, sentence from marts.reason_codes").fetchall())

    assert set(sentences) == reasons_given()
    assert [text for text in sentences.values() if not (text[0].isupper() and text.endswith("."))] == []


def reasons_given() -> set[str]:
    """What the cases of the models and macros that decide come out as."""
    decided = [(DBT_PROJECT / "macros" / "status.sql").read_text(encoding="utf-8")]
    for file in (DBT_PROJECT / "models" / "intermediate").glob("int_*.sql"):
        *before, _ = re.split(
            r"\bend as (?:reason_code|first_reason|qualification)\b", file.read_text(encoding="utf-8")
        )
        decided += [re.split(r"\bcase\b", each)[-1] for each in before]
    given = {code for text in decided for code in re.findall(r"\b(?:then|else)\s+'(\w+)'", text)}
    # A conversion's own status; what each route makes of it is another matter.
    return given - {"qualified", "partly_reversed"}
