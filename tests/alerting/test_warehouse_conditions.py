"""What the published copy shows: sources that bring nothing, differences that nobody can explain."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from postback_pipeline.alerting.condition import Condition
from postback_pipeline.alerting.warehouse_conditions import warehouse_place
from postback_pipeline.defs.warehouse import explained
from postback_pipeline.settings import FolderSource, Settings
from postback_pipeline.settings.alerts import ConditionKind
from postback_pipeline.sources.warehouse import create_raw_tables

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
TODAY = date(2026, 3, 30)


@pytest.fixture
def deployment(settings: Callable[..., Settings]) -> Settings:
    """Orders and clicks of source `shop` are expected every day; five unexplained conversions are none."""
    shop = FolderSource(kind="folder", stale_after_hours={"orders": 26, "clicks": 2})
    made = settings(unexplained_minimum=6, unexplained_share=0.1).model_copy(update={"sources": {"shop": shop}})
    made.published_path.parent.mkdir()
    return made


def publish(settings: Settings, *statements: str, parameters: list[Any] | None = None) -> None:
    with duckdb.connect(settings.published_path) as connection:
        create_raw_tables(connection)
        for statement in statements:
            connection.execute(statement, parameters)


def came(settings: Settings, entity: str, hours_ago: float, *, loaded: int = 3, same_as: str | None = None) -> None:
    publish(
        settings,
        "insert into raw.files (source, entity, file, loaded, loaded_at, same_as) values ('shop', ?, 'f', ?, ?, ?)",
        parameters=[entity, loaded, NOON - timedelta(hours=hours_ago), same_as],
    )


def reconciled(settings: Settings, *rows: tuple[date, str, str, int, int], event: str = "purchase") -> None:
    """Day, destination, cause, conversions that the cause explains, conversions accepted; all of one event."""
    publish(
        settings,
        "create schema if not exists metrics",
        "create table if not exists metrics.reconciliation_causes"
        " (report_date date, destination text, event_name text, cause text, conversions hugeint)",
        "create table if not exists metrics.reconciliation"
        " (report_date date, destination text, accepted_conversions hugeint, reported_conversions hugeint)",
    )
    with duckdb.connect(settings.published_path) as connection:
        for day, destination, cause, conversions, accepted in rows:
            connection.execute(
                "insert into metrics.reconciliation_causes values (?, ?, ?, ?, ?)",
                [day, destination, event, cause, conversions],
            )
            connection.execute(
                "insert into metrics.reconciliation values (?, ?, ?, ?)",
                [day, destination, accepted, accepted + conversions],
            )


def look(settings: Settings, now: datetime = NOON) -> dict[str, Condition]:
    seen = warehouse_place(settings, now).look("")
    assert seen is not None
    return {each.key: each for each in seen.conditions}


def test_before_anything_is_published_there_is_nothing_to_tell(deployment: Settings) -> None:
    assert look(deployment) == {}


def test_a_source_is_stale_after_what_it_declares(deployment: Settings) -> None:
    came(deployment, "orders", 25)
    came(deployment, "clicks", 1)
    assert look(deployment) == {}
    found = look(deployment, NOON + timedelta(minutes=90))
    assert set(found) == {"stale_source:shop:orders", "stale_source:shop:clicks"}
    stale = found["stale_source:shop:orders"]
    assert (stale.kind, stale.subject, stale.link) == (ConditionKind.STALE_SOURCE, "shop", "/assets/raw/orders")


def test_what_brought_nothing_new_does_not_count(deployment: Settings) -> None:
    came(deployment, "clicks", 0)
    came(deployment, "orders", 30)
    came(deployment, "orders", 1, loaded=0)
    came(deployment, "orders", 1, same_as="f")
    (stale,) = look(deployment).values()
    assert stale.key == "stale_source:shop:orders"
    assert stale.sentence == (
        "Source shop has brought no new orders for 30 h; 26 h are what its settings allow."
        " The last ones came at 2026-03-29 06:00 UTC."
    )
    assert stale.since == NOON - timedelta(hours=4)


def test_a_source_that_never_brought_anything_is_stale(deployment: Settings) -> None:
    came(deployment, "orders", 1)
    (stale,) = look(deployment).values()
    assert stale.sentence == "Source shop has never brought a row of clicks; 2 h are what its settings allow."
    assert stale.since is None


def test_a_difference_without_a_cause_is_told_where_it_is_large(deployment: Settings) -> None:
    came(deployment, "orders", 1)
    came(deployment, "clicks", 1)
    reconciled(
        deployment,
        # The days of one destination are one sum: what falls into the next day elsewhere is no difference.
        (TODAY, "meta", "unexplained", -9, 50),
        (TODAY - timedelta(days=1), "meta", "unexplained", 9, 40),
        (TODAY, "google", "unexplained", -20, 100),
        (TODAY, "google", "rejected", -70, 0),
        (TODAY, "tiktok", "unexplained", 5, 10),
        (TODAY, "bing", "unexplained", 8, 100),
        (TODAY - timedelta(days=60), "reddit", "unexplained", -50, 60),
    )
    (found,) = look(deployment).values()
    assert (found.key, found.figures) == ("unexplained:google", {"unexplained": 20, "accepted": 100})
    assert found.sentence == (
        "Over 28 days google reports 20 conversions fewer than the 100 that it accepted, and no cause is known."
    )


def test_what_one_event_lacks_another_does_not_make_up_for(deployment: Settings) -> None:
    came(deployment, "orders", 1)
    came(deployment, "clicks", 1)
    reconciled(deployment, (TODAY, "google", "unexplained", 100, 300))
    reconciled(deployment, (TODAY, "google", "unexplained", -100, 300), event="lead")
    (found,) = look(deployment).values()
    assert found.figures == {"unexplained": 200, "accepted": 600}
    assert "reports 200 conversions more or fewer than the 600" in found.sentence
    check = explained(deployment, NOON)
    assert (check.passed, list(check.metadata)) == (False, ["google"])
    assert explained(deployment, NOON + timedelta(days=60)).passed


def test_the_same_copy_is_looked_at_again_only_after_a_while(deployment: Settings) -> None:
    came(deployment, "orders", 1)
    seen = warehouse_place(deployment, NOON).look("")
    assert seen is not None
    assert warehouse_place(deployment, NOON + timedelta(minutes=1)).look(seen.mark) is None
    assert warehouse_place(deployment, NOON + timedelta(minutes=11)).look(seen.mark) is not None
    came(deployment, "clicks", 0)
    assert warehouse_place(deployment, NOON + timedelta(minutes=1)).look(seen.mark) is not None
