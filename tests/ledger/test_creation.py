"""A ledger is made on purpose and opened only as what it is; what is wrong is said in a sentence without a password."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from postback_pipeline import ledger as package
from postback_pipeline.ledger import LedgerError, LedgerUnavailable, create_ledger, open_ledger, upgrade_ledger
from postback_pipeline.ledger.schema import SCHEMA_VERSION, VERSION_TABLE, metadata


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger can be made."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'ledger.sqlite'}"
    return str(request.getfixturevalue("postgres_database"))


def run(url: str, statement: str) -> None:
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(statement))
    engine.dispose()


def test_a_made_ledger_opens_with_its_identity(empty_url: str) -> None:
    identity = create_ledger(empty_url, "production")
    with open_ledger(empty_url, "production") as ledger:
        assert ledger.identity == identity
        assert ledger.identity.environment == "production"
        assert ledger.identity.created_at <= ledger.now()
        assert ledger.now().utcoffset() == ledger.identity.created_at.utcoffset()


def test_two_ledgers_are_never_the_same(tmp_path: Path) -> None:
    first = create_ledger(f"sqlite:///{tmp_path / 'one.sqlite'}", "test")
    second = create_ledger(f"sqlite:///{tmp_path / 'two.sqlite'}", "test")
    assert first.ledger_id != second.ledger_id


def test_a_ledger_is_never_made_over_another_one(empty_url: str) -> None:
    identity = create_ledger(empty_url, "production")
    with pytest.raises(LedgerError, match=f"already: {identity.ledger_id} of environment production"):
        create_ledger(empty_url, "production")
    with open_ledger(empty_url, "production") as ledger:
        assert ledger.identity == identity


def test_a_missing_ledger_is_not_made_by_opening_it(empty_url: str) -> None:
    with pytest.raises(LedgerError, match="postback ledger init"):
        open_ledger(empty_url, "production")
    create_ledger(empty_url, "production")


def test_a_ledger_of_another_environment_is_refused(empty_url: str) -> None:
    create_ledger(empty_url, "staging")
    with pytest.raises(LedgerError, match="belongs to environment staging, the settings say production"):
        open_ledger(empty_url, "production")


def test_a_newer_ledger_is_refused(empty_url: str) -> None:
    create_ledger(empty_url, "test")
    run(empty_url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    for opens in (open_ledger, upgrade_ledger):
        with pytest.raises(LedgerError, match=f"schema 9999, this program knows {SCHEMA_VERSION}"):
            opens(empty_url, "test")


def test_an_older_ledger_says_how_to_upgrade_it(empty_url: str) -> None:
    create_ledger(empty_url, "test")
    run(empty_url, f"UPDATE {VERSION_TABLE} SET version_num = '0000'")
    with pytest.raises(LedgerError, match="postback ledger init --upgrade"):
        open_ledger(empty_url, "test")


def test_upgrading_a_ledger_of_this_version_changes_nothing(empty_url: str) -> None:
    identity = create_ledger(empty_url, "test")
    assert upgrade_ledger(empty_url, "test") == identity


def test_a_ledger_shares_its_database_with_others_but_not_their_tables(postgres_database: str) -> None:
    run(postgres_database, "CREATE TABLE alembic_version (version_num text)")
    create_ledger(postgres_database, "test")
    with open_ledger(postgres_database, "test") as ledger:
        assert ledger.status().destinations == ()


def test_a_database_with_tables_of_the_same_name_is_refused(postgres_database: str) -> None:
    run(postgres_database, "CREATE TABLE history (id int)")
    with pytest.raises(LedgerError, match=r"holds other tables \(history\)"):
        create_ledger(postgres_database, "test")


def test_another_sqlite_file_is_no_ledger(tmp_path: Path) -> None:
    file = tmp_path / "shop.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE orders (id int)")
    before = file.read_bytes()
    with pytest.raises(LedgerError, match="it is another database"):
        open_ledger(f"sqlite:///{file}", "test")
    with pytest.raises(LedgerError, match="holds other tables"):
        create_ledger(f"sqlite:///{file}", "test")
    assert file.read_bytes() == before


@pytest.mark.parametrize("contents", [b"", b"not a database at all", b"SQLite format 3\x00" + b"\x00" * 200])
def test_a_damaged_file_is_refused(tmp_path: Path, contents: bytes) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(contents)
    with pytest.raises(LedgerError, match=r"Restore|damaged|another database"):
        open_ledger(f"sqlite:///{file}", "test")


def test_a_ledger_damaged_in_the_middle_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(LedgerError, match="is damaged"):
        open_ledger(sqlite_url, "test")


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be read as a ledger"):
        open_ledger(f"sqlite:///{tmp_path}", "test")


def test_a_ledger_asked_for_read_only_is_refused(sqlite_url: str) -> None:
    read_only = sqlite_url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    with pytest.raises(LedgerError, match="is read-only"):
        open_ledger(read_only, "test")


@pytest.fixture
def somebody_else() -> Iterator[Path]:
    """A folder that everybody may enter, and, if this is root, a process that is nobody while the test runs."""
    folder = Path(tempfile.mkdtemp(prefix="postback-readonly-"))
    folder.chmod(0o755)
    root = os.geteuid() == 0
    yield folder
    if root:
        os.seteuid(0)
    shutil.rmtree(folder)


@pytest.mark.parametrize(("mode", "word"), [(0o444, "is read-only"), (0o000, "cannot be read")])
def test_a_file_that_may_not_be_written_is_refused(
    sqlite_url: str, tmp_path: Path, somebody_else: Path, mode: int, word: str
) -> None:
    file = Path(shutil.copyfile(tmp_path / "ledger.sqlite", somebody_else / "ledger.sqlite"))
    file.chmod(mode)
    if os.geteuid() == 0:
        os.seteuid(65_534)
    with pytest.raises(LedgerError, match=word):
        open_ledger(f"sqlite:///{file}", "test")


def test_a_database_that_may_only_be_read_is_refused(postgres_database: str) -> None:
    create_ledger(postgres_database, "test")
    name = sqlalchemy.make_url(postgres_database).database
    run(postgres_database, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(LedgerError, match="is read-only: a standby"):
        open_ledger(postgres_database, "test")


def test_a_user_who_may_only_read_is_refused(postgres_database: str) -> None:
    create_ledger(postgres_database, "test")
    run(postgres_database, "CREATE ROLE postback_reader LOGIN")
    try:
        run(postgres_database, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO postback_reader")
        reader = sqlalchemy.make_url(postgres_database).set(username="postback_reader")
        with pytest.raises(LedgerError, match="a user who may not write"):
            open_ledger(reader.render_as_string(hide_password=False), "test")
    finally:
        run(postgres_database, "DROP OWNED BY postback_reader")
        run(postgres_database, "DROP ROLE postback_reader")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("postgresql://user:canary@127.0.0.1/ledger", r"postgresql\+psycopg2://user:password@host/name"),
        ("mysql://user:canary@127.0.0.1/ledger", "not supported"),
        ("canary", "not a database URL"),
        ("sqlite://", "in memory would forget"),
        ("sqlite:///:memory:", "in memory would forget"),
        ("postgresql+psycopg2://user:canary@127.0.0.1:1/ledger", "could not be used"),
    ],
)
def test_a_wrong_url_is_explained_without_its_password(url: str, word: str) -> None:
    with pytest.raises(LedgerError, match=word) as caught:
        open_ledger(url, "test")
    whole = "".join(traceback.format_exception(caught.value))
    assert "canary" not in whole.replace(url, "")


def test_a_locked_ledger_is_unavailable_and_nothing_changes(sqlite_url: str) -> None:
    with (
        open_ledger(f"{sqlite_url}?timeout=0.1", "test") as ledger,
        closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match="database is locked"):
            ledger.pause("meta", reason="maintenance", actor="ann")
        assert not ledger.due(["meta"])["meta"].paused
        other.execute("ROLLBACK")
        assert ledger.pause("meta", reason="maintenance", actor="ann")


def test_a_full_disk_is_unavailable_and_nothing_changes(sqlite_url: str) -> None:
    with open_ledger(sqlite_url, "test") as ledger:
        with ledger._database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")
        with pytest.raises(LedgerUnavailable, match="full"):
            for number in range(10_000):
                ledger.postpone(f"destination_{number}", ledger.now(), "x" * 1_000)
        with ledger._database.writing() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        ledger.postpone("meta", ledger.now(), "there is room again")
        assert ledger.status().destinations[-1].postpone_reason == "there is room again"


def test_a_file_ledger_is_durable_and_lets_readers_in(sqlite_url: str, tmp_path: Path) -> None:
    create_ledger(f"sqlite:///{tmp_path / 'new.sqlite'}", "test")
    with (
        open_ledger(f"sqlite:///{tmp_path / 'new.sqlite'}", "test") as ledger,
        ledger._database.writing() as connection,
    ):
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert ledger.status().destinations == ()


def test_the_migrations_give_the_tables_of_the_schema(empty_url: str) -> None:
    create_ledger(empty_url, "test")
    engine = sqlalchemy.create_engine(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_program_s_version_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_VERSION
