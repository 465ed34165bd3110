"""What is wrong with a database is told in a sentence without URL, password or rows, and nothing of it is used."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from postback_pipeline.settings import DatabaseSource, Query
from postback_pipeline.sources.results import LoadError

GOOD = (
    "select '1' as order_id, '2024-05-31T16:03:00Z' as ordered_at, 'paid' as status, '1' as amount, 'EUR' as currency"
)

COMMA = GOOD.replace("'1' as amount", "'1,5' as amount")


def _source(sql: str = GOOD, updated_at: str | None = None) -> DatabaseSource:
    query = Query(sql=sql, updated_at=updated_at)
    return DatabaseSource(kind="database", url_env="ORDERS_URL", queries={"orders": query})


def _refusal(shop: Any, source: DatabaseSource) -> str:
    with pytest.raises(LoadError) as caught:
        shop.load(source=source)
    (refusal,) = caught.value.load.refused
    assert refusal.file == "database:shop"
    assert shop.values("order_id") == []
    # The chain of causes ends up in logs, too.
    assert caught.value.__cause__ is None
    return refusal.problem


@pytest.fixture
def sqlite_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty SQLite database; it is in ORDERS_URL."""
    path = tmp_path / "s3cret.sqlite"
    sqlite3.connect(path).close()
    monkeypatch.setenv("ORDERS_URL", f"sqlite:///{path}")
    return f"sqlite:///{path}"


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("postgresql+psycopg2://alice:s3cret@127.0.0.1:1/shop", "no connection to the database of ORDERS_URL"),
        ("postgresql://alice:s3cret@127.0.0.1:1/shop", "ORDERS_URL holds no database URL that can be used"),
        ("mysql://alice:s3cret@127.0.0.1:1/shop", "only PostgreSQL"),
        ("s3cret", "ORDERS_URL holds no database URL that can be used"),
        ("sqlite:////nowhere/s3cret.sqlite", "no such SQLite file"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_url(
    shop: Any, monkeypatch: pytest.MonkeyPatch, url: str, complaint: str
) -> None:
    monkeypatch.setenv("ORDERS_URL", url)
    problem = _refusal(shop, _source())
    assert complaint in problem
    assert "s3cret" not in problem
    assert "alice" not in problem


def test_a_database_that_turns_us_away_is_told_without_its_url(
    shop: Any, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlalchemy.make_url(postgres_database).set(database="s3cret")
    monkeypatch.setenv("ORDERS_URL", url.render_as_string(hide_password=False))
    problem = _refusal(shop, _source())
    assert "no connection to the database of ORDERS_URL" in problem
    assert "s3cret" not in problem


def test_a_variable_that_is_not_set_is_named(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORDERS_URL", raising=False)
    assert "sources.shop.url_env names the environment variable ORDERS_URL, which is not set" in _refusal(
        shop, _source()
    )


@pytest.mark.parametrize(
    ("sql", "updated_at", "complaint"),
    [
        ("select * from missing", None, "the database refuses the query: no such table: missing"),
        ("selec 1", None, 'the database refuses the query: near "selec": syntax error'),
        ("select '1' as order_id", None, "it has no column ordered_at, status, amount, currency"),
        (f"{GOOD}, '2' as order_id", None, "it names the column 'order_id' twice"),
        (GOOD, "changed", "does not give the column changed, which updated_at names"),
        (f"{GOOD}, 17 as changed", "changed", "column changed holds no times"),
        (f"{GOOD}, 17.5 as user_id", None, "column user_id holds a number with decimals"),
        (f"{GOOD}, x'00ff' as coupon", None, "column coupon holds binary data"),
        (f"{COMMA} union all {COMMA}", None, "column amount changed its type"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_is_refused_whole(
    shop: Any, sqlite_url: str, sql: str, updated_at: str | None, complaint: str
) -> None:
    assert complaint in _refusal(shop, _source(sql, updated_at))


def test_postgres_complaints_name_tables_but_no_values(
    shop: Any, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERS_URL", postgres_database)
    assert 'relation "missing" does not exist' in _refusal(shop, _source("select * from missing"))
    problem = _refusal(shop, _source("select 'alice@example.com'::text::int as order_id"))
    assert problem == "the database of ORDERS_URL failed while its query was read."
    assert "column order_id holds a list or an object" in _refusal(
        shop, _source(GOOD.replace("'1' as order_id", """'{"a": 1}'::jsonb as order_id"""))
    )


def test_other_sources_load_although_one_is_refused(shop: Any, sqlite_url: str) -> None:
    class_of_source = type(_source())
    source = class_of_source(
        kind="database",
        url_env="ORDERS_URL",
        queries={"orders": Query(sql=GOOD), "clicks": Query(sql="select * from missing")},
    )
    with pytest.raises(LoadError):
        shop.load("clicks", source=source)
    assert shop.load("orders", source=source).loaded == 1
    assert shop.load("refunds", source=source).files == ()


def test_a_query_for_an_entity_that_does_not_exist_is_told(shop: Any, sqlite_url: str) -> None:
    source = _source().model_copy(update={"queries": {"order": Query(sql=GOOD)}})
    assert "its settings name order, which is none of clicks, orders" in _refusal(shop, source)
