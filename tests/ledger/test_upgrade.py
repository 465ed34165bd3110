"""A ledger of any released schema opens after `upgrade_ledger`, keeps everything, and goes on where it was.

`released/NNNN.sql` is what the program of that schema left in a ledger; a release that adds a migration adds its file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from postback_pipeline import ledger as package
from postback_pipeline.ledger import LedgerError, Selection, open_ledger, upgrade_ledger
from postback_pipeline.ledger.schema import SCHEMA_VERSION, VERSION_TABLE, metadata
from postback_pipeline.model import Kind, Resolution, State
from tests.ledger.conftest import Clock, Shop

RELEASED = Path(__file__).parent / "released"
#: What a program that knows rates told.
RATED = {"purchase:20", "purchase:21"}
LEDGER_ID = "896dafde-073d-4bf9-9bdc-02d74f8c78a0"


def migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    return config


@contextmanager
def connected(url: str) -> Iterator[sqlalchemy.Connection]:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def restore(url: str, version: str) -> None:
    """A ledger as the program of this schema left it."""
    with connected(url) as connection:
        config = migrations()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        for statement in (RELEASED / f"{version}.sql").read_text(encoding="utf-8").split(";\n"):
            if statement:
                connection.exec_driver_sql(statement)
        if connection.dialect.name == "postgresql":
            for table, key in (("postbacks", "id"), ("history", "seq"), ("approvals", "id"), ("actions", "id")):
                connection.exec_driver_sql(
                    f"SELECT setval(pg_get_serial_sequence('{table}', '{key}'), (SELECT max({key}) FROM {table}))"
                )


def contents(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as the database gives it."""
    found: dict[str, list[dict[str, Any]]] = {}
    with connected(url) as connection:
        for table in sqlalchemy.inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
            found[table] = sorted((dict(row) for row in rows), key=lambda row: tuple(row.values())[:2])
    return found


@pytest.fixture(params=sorted(file.stem for file in RELEASED.glob("*.sql")))
def version(request: pytest.FixtureRequest) -> str:
    """Each released schema that is not this program's."""
    return str(request.param)


@pytest.fixture(params=["sqlite", "postgres"])
def old_url(request: pytest.FixtureRequest, version: str, tmp_path: Path) -> str:
    """URL of a ledger of a released schema, environment `test`."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        url = str(request.getfixturevalue("postgres_database"))
    restore(url, version)
    return url


@pytest.fixture
def upgraded(old_url: str) -> Iterator[Shop]:
    """The same after the upgrade, an hour after the old program's last step."""
    upgrade_ledger(old_url, "test")
    clock = Clock()
    clock.forward(hours=3)
    with open_ledger(old_url, "test", clock=clock) as ledger:
        shop = Shop(ledger, clock)
        shop.rules = replace(shop.rules, judges_later=True)
        yield shop


def test_every_released_schema_but_the_newest_has_left_a_ledger_to_upgrade() -> None:
    known = {script.revision for script in ScriptDirectory.from_config(migrations()).walk_revisions()}
    assert {file.stem for file in RELEASED.glob("*.sql")} == known - {SCHEMA_VERSION}


def test_an_older_ledger_is_refused_until_it_is_upgraded_and_then_opens_as_itself(old_url: str, version: str) -> None:
    with pytest.raises(LedgerError, match=f"schema {version}, .* needs {SCHEMA_VERSION}.*init --upgrade"):
        open_ledger(old_url, "test")
    identity = upgrade_ledger(old_url, "test")
    assert (identity.ledger_id, identity.environment) == (LEDGER_ID, "test")
    with open_ledger(old_url, "test") as ledger:
        assert ledger.identity == identity
    assert upgrade_ledger(old_url, "test") == identity


def test_the_upgrade_keeps_every_row(old_url: str) -> None:
    before = contents(old_url)
    upgrade_ledger(old_url, "test")
    after = contents(old_url)
    assert after.pop(VERSION_TABLE) != before.pop(VERSION_TABLE)
    assert {row["state"] for row in after["standings"]} >= set(State) - {State.UNKNOWN}
    # What it is and where it stands are apart.
    after["postbacks"] = [
        {**standing, **postback} for standing, postback in zip(after["standings"], after["postbacks"], strict=True)
    ]
    # One that is under way stands in its postback's row.
    before["attempts"] = [row for row in before["attempts"] if row["outcome"]]
    for table, rows in before.items():
        kept = [{column: row[column] for column in rows[0]} for row in after[table]] if rows else after[table]
        assert kept == rows, table


def test_an_upgraded_ledger_has_the_tables_of_a_new_one(old_url: str) -> None:
    upgrade_ledger(old_url, "test")
    with connected(old_url) as connection:
        inspector = sqlalchemy.inspect(connection)
        for table in metadata.sorted_tables:
            assert [column["name"] for column in inspector.get_columns(table.name)] == table.columns.keys()


def test_a_refused_upgrade_changes_nothing(old_url: str, version: str) -> None:
    before = contents(old_url)
    with pytest.raises(LedgerError, match="belongs to environment test, the settings say production"):
        upgrade_ledger(old_url, "production")
    assert contents(old_url) == before
    with pytest.raises(LedgerError, match=f"schema {version}"):
        open_ledger(old_url, "test")


def test_two_upgrades_at_once_give_one(old_url: str) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(upgrade_ledger(old_url, "test").ledger_id)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [LEDGER_ID] * 4


def test_what_was_told_before_is_told_in_its_own_currency(upgraded: Shop) -> None:
    rows = [row for row in upgraded.history() if row["conversion_key"] not in RATED]
    assert {row["exchange_rate"] for row in rows} == {None}
    assert {row["definition_version"] for row in rows} == {"d1.r1", ""}
    assert {story.exchange_rate for story in upgraded.stories("purchase:11")} == {None}


def test_an_upgraded_ledger_tells_nothing_twice(upgraded: Shop) -> None:
    before = upgraded.history()
    told = {row["conversion_key"] for row in before}
    for key in {"purchase:7", "purchase:13", "purchase:14"} | told & RATED:
        newest = upgraded.newest(key)
        facts = upgraded.facts(key, exchange_rate=newest.exchange_rate)
        assert upgraded.report(str(newest.value), key, facts=facts).inserted == 0
    assert upgraded.history() == before


def test_an_upgraded_ledger_goes_on_where_it_was(upgraded: Shop) -> None:
    """What waited leaves, what was held waits for a person, what was parked is resolved, what was accepted is adjusted.

    The old program asked no receiver for a later verdict: what it was told was accepted stays so.
    """
    first, held = upgraded.stories("purchase:11")
    assert (first.state, held.state, held.kind) == (State.ACCEPTED, State.HELD, Kind.RESTATEMENT)
    upgraded.ledger.resolve(
        Selection(ids=[upgraded.newest("purchase:12").postback_id]), Resolution.ACCEPTED, actor="ann", reason="asked"
    )
    swept = upgraded.sweep()
    # The one that the old program was sending when it stopped.
    assert (swept[State.UNKNOWN], upgraded.newest("purchase:11").reason) == (1, "parent_unconfirmed")
    upgraded.ledger.resolve(Selection(ids=[held.postback_id]), Resolution.RESEND, actor="ann", reason="asked")
    claims = {claim.conversion_key: claim for claim in upgraded.claim()}
    assert {"purchase:11", "purchase:14"} <= claims.keys()
    assert claims["purchase:14"].element == "purchase:14.1 conversion 19.9900 "
    for claim in claims.values():
        upgraded.record(claim)
    assert upgraded.state("purchase:14") is State.ACCEPTED

    upgraded.rules = replace(upgraded.rules, judges_later=False)
    assert upgraded.report("5.00", "purchase:12").kinds == {Kind.RESTATEMENT: 1}
    adjusted = upgraded.newest("purchase:12")
    assert (adjusted.revision, adjusted.previous_value, adjusted.exchange_rate) == (2, Decimal("10.00"), None)


def test_an_upgraded_ledger_keeps_rates(upgraded: Shop) -> None:
    upgraded.report("8.50", "purchase:50", currency="EUR", facts=upgraded.facts(exchange_rate=Decimal("0.85")))
    assert upgraded.newest("purchase:50").exchange_rate == Decimal("0.85")
