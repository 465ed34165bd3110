"""Rows 18 to 21 and 42 of the failure matrix: full disks, locks, restarts, power loss, old backups."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy
from aiohttp import web

from postback_pipeline.ledger import Ledger, LedgerError, LedgerUnavailable, create_ledger, open_ledger
from postback_pipeline.model import State
from postback_pipeline.sources.ledger_copy import LedgerWentBack, copy_ledger_history
from postback_pipeline.sources.warehouse import create_raw_tables
from tests.delivery.lines import NAME, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Receiver, ok, slow
from tests.faults.cut_lines import cut_line
from tests.faults.oracle import PIXEL
from tests.faults.processes import Site, site

OPTIONS = "concurrency = 4\nretry = { first_seconds = 0.001, max_seconds = 0.001 }\n"


SHORT = "deadline_seconds = 3\n"


def states(here: Site) -> list[State]:
    return here.with_ledger(lambda line: line.states())


def until_done(here: Site, rows: int, tries: int = 12) -> None:
    """Drains as a scheduler would, again and again, until nothing is due any more."""
    for _ in range(tries):
        here.drain()
        here.clock.forward(61)
        if not {State.PENDING, State.RETRY, State.SENDING} & set(states(here)):
            break
    here.account(rows, deduplicates=here.with_ledger(lambda line: line.rules.deduplicates))


@pytest.mark.parametrize("room", [0, 12_000, 33_000, 60_000, 100_000])
def test_row_18_on_a_full_disk_nothing_is_sent_without_a_claim_and_nothing_is_lost(
    sqlite_url: str, tmp_path: Path, room: int
) -> None:
    """The disk fills up at every moment of a drain: the ledger's files may have so many bytes each and no more."""
    options = OPTIONS + "deadline_seconds = 0.5\n"
    with site(sqlite_url, tmp_path, ok, options=options, claim_rows=6, lease_seconds=1) as here:
        here.fill(24)
        report = here.drain(file_size=room)
        if room <= 12_000:
            assert "could not be used" in report["unavailable"]
            assert here.book.hits == []
        here.clock.forward(61)
        until_done(here, 24)
        assert set(states(here)) <= {State.ACCEPTED, State.PARKED}


def test_row_18_an_outcome_that_cannot_be_written_is_said_loudly_and_becomes_unknown(
    sqlite_url: str, tmp_path: Path
) -> None:
    full, held = threading.Event(), threading.Event()

    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        full.set()
        # Not before the lock is held: else the outcome may be written in between.
        await asyncio.to_thread(held.wait, 30)
        return web.Response(text="OK")

    @contextmanager
    def filling_up(file: Path) -> Iterator[None]:
        """Holds the write lock from the first request on: as good as a full disk, for who wants to write."""
        ready = threading.Event()

        def hold() -> None:
            full.wait(30)
            with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                held.set()
                ready.wait(30)
                connection.execute("ROLLBACK")

        thread = threading.Thread(target=hold)
        thread.start()
        yield
        ready.set()
        thread.join()

    file = Path(sqlite_url.removeprefix("sqlite:///"))
    options = OPTIONS.replace("4", "1", 1) + "deadline_seconds = 0.3\n"
    with site(f"{sqlite_url}?timeout=0.1", tmp_path, answer, options=options, lease_seconds=1) as here:
        here.fill(3)
        with filling_up(file):
            assert "database is locked" in here.drain()["unavailable"]
        sent = len(here.book.hits)
        assert sent > 0
        here.clock.forward(61)
        until_done(here, 3)
        assert states(here).count(State.PARKED) >= sent


def test_row_19_while_the_ledger_is_locked_nothing_is_sent_and_then_everything(sqlite_url: str, tmp_path: Path) -> None:
    with site(f"{sqlite_url}?timeout=0.3", tmp_path, ok, options=OPTIONS) as here:
        here.fill(5)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            began = time.monotonic()
            assert "locked" in here.drain()["unavailable"]
            assert time.monotonic() - began < 30, "the wait is bounded"
            assert here.book.hits == []
            other.execute("ROLLBACK")
        here.drain()
        assert set(states(here)) == {State.ACCEPTED}
        here.account(5)


def test_row_19_a_lock_on_postgresql_is_waited_for(postgres_database: str, tmp_path: Path) -> None:
    engine = sqlalchemy.create_engine(postgres_database, poolclass=sqlalchemy.NullPool)
    with site(postgres_database, tmp_path, ok, options=OPTIONS) as here:
        here.fill(5)
        with engine.begin() as connection:
            connection.exec_driver_sql("LOCK TABLE postbacks IN ACCESS EXCLUSIVE MODE")
            worker = here.worker(looks=False).start()
            time.sleep(0.5)
            assert here.book.hits == []
        worker.ended()
        assert set(states(here)) == {State.ACCEPTED}
        here.account(5)
    engine.dispose()


@pytest.mark.parametrize("kind", [PIXEL, WEBHOOK], ids=["park", "resend"])
def test_row_20_connections_cut_again_and_again_lose_and_double_nothing(
    postgres_database: str, tmp_path: Path, kind: str
) -> None:
    with (
        cut_line(postgres_database) as line,
        site(line.url, tmp_path, slow(0.01), kind=kind, options=OPTIONS + SHORT, lease_seconds=5) as here,
    ):
        here.fill(60)
        for pause in (0.05, 0.1, 0.2, 0.3):
            worker = here.worker().start()
            time.sleep(pause)
            line.cut()
            worker.ended()
            here.clock.forward(61)
        until_done(here, 60)
        assert set(states(here)) <= {State.ACCEPTED, State.PARKED}


def test_row_20_a_commit_whose_answer_is_lost_is_looked_up_and_not_repeated(
    postgres_database: str, tmp_path: Path
) -> None:
    """The database commits the outcomes, and its answer never arrives: telling it again must change nothing."""
    with cut_line(postgres_database) as line:
        armed = threading.Event()

        async def answer(request: web.Request, receiver: Receiver) -> web.Response:
            if not armed.is_set():
                armed.set()
                line.cut_after = b"COMMIT"
            return web.Response(text="OK")

        with site(line.url, tmp_path, answer, options="concurrency = 1\ndeduplicates = true\n") as here:
            here.fill(4)
            here.drain()
            here.clock.forward(61)
            until_done(here, 4)
            assert line.cuts == 1
            assert set(states(here)) == {State.ACCEPTED}
            stories = here.with_ledger(Line.stories)
            assert [len(story.attempts) for story in stories] == [1] * 4
            assert not any(attempt.stale for story in stories for attempt in story.attempts)


def test_row_20_while_the_database_says_nothing_nothing_is_sent_on_a_lease_that_may_be_over(
    postgres_database: str, tmp_path: Path
) -> None:
    """The line is dead and does not say so: no error, no answer, for longer than the lease."""
    options = "concurrency = 1\nrate = 20\ndeadline_seconds = 0.5\n"
    with (
        cut_line(postgres_database) as line,
        site(line.url, tmp_path, ok, options=options, lease_seconds=1, claim_rows=30) as here,
    ):
        here.fill(40)
        worker = here.worker().start()
        here.await_hit()
        line.answers.clear()
        time.sleep(1.5)
        sent = len(here.book.hits)
        time.sleep(1)
        assert len(here.book.hits) == sent < 40
        line.cut()
        line.answers.set()
        worker.ended()
        here.clock.forward(61)
        until_done(here, 40)


def test_row_20_a_server_that_crashes_and_recovers_keeps_what_it_acknowledged(
    postgres_database: str, tmp_path: Path
) -> None:
    """SIGKILL to one of its backends makes the server drop all and go through its recovery."""
    engine = sqlalchemy.create_engine(postgres_database, poolclass=sqlalchemy.NullPool)
    with site(postgres_database, tmp_path, slow(0.01), options=OPTIONS, claim_rows=10) as here:
        here.fill(40)
        worker = here.worker().start()
        here.await_hit()
        with engine.connect() as connection:
            backend: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            os.kill(backend, signal.SIGKILL)
            with suppress(sqlalchemy.exc.DBAPIError):
                connection.exec_driver_sql("SELECT pg_sleep(1)")
        worker.ended()
        await_recovery(engine)
        here.clock.forward(61)
        until_done(here, 40)
    engine.dispose()


def await_recovery(engine: sqlalchemy.Engine) -> None:
    for _ in range(200):
        with suppress(sqlalchemy.exc.DBAPIError), engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
            return
        time.sleep(0.05)
    raise AssertionError("The server did not come back.")


def acknowledged(ledger: Ledger, line: Line, files: list[Path]) -> Iterator[tuple[int, dict[str, int]]]:
    """Claims one postback after the other, and tells each time how long the files are that its commit has synced."""
    for number in range(1, 9):
        (claim,) = ledger.claim(NAME, 1, lease_seconds=60, owner="w", rules=line.rules)
        assert claim.attempt == 1
        yield number, {file.name: file.stat().st_size for file in files if file.exists()}


def test_row_21_after_a_power_loss_every_acknowledged_claim_is_there(sqlite_url: str, tmp_path: Path) -> None:
    """Whatever was not synced is lost or torn: the files are cut, and their ends overwritten, behind each commit."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    wal = file.with_name(f"{file.name}-wal")
    clock = Clock()
    create_ledger(sqlite_url, "test", clock=clock)
    with open_ledger(sqlite_url, "test", clock=clock) as ledger:
        with ledger._database.writing() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        line = line_at("http://127.0.0.1:9", ledger, clock)
        line.enqueue(*(desired(number) for number in range(10)))
        synced: dict[int, int] = {}
        for number, sizes in acknowledged(ledger, line, [file, wal]):
            synced[number] = sizes[wal.name]
        whole, log = file.read_bytes(), wal.read_bytes()
    for number, size in synced.items():
        for lost in (
            log[:size],
            log[: size + 1],
            log[: size + 2_000],
            log[:size] + bytes(9_000),
            log[:size] + log[:777],
        ):
            assert survivors(tmp_path / "after", whole, lost) >= number


def test_row_21_cut_anywhere_the_ledger_opens_and_is_some_earlier_one(sqlite_url: str, tmp_path: Path) -> None:
    """Beyond what is promised: even without any syncing there is no half of a transaction."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    wal = file.with_name(f"{file.name}-wal")
    clock = Clock()
    create_ledger(sqlite_url, "test", clock=clock)
    with open_ledger(sqlite_url, "test", clock=clock) as ledger:
        line = line_at("http://127.0.0.1:9", ledger, clock)
        line.enqueue(*(desired(number) for number in range(10)))
        for _ in acknowledged(ledger, line, [file, wal]):
            pass
        whole, log = file.read_bytes(), wal.read_bytes()
    sizes = [*range(0, len(log), 9_001), len(log)]
    found = [survivors(tmp_path / "after", whole, log[:size]) for size in sizes]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 8)


def survivors(folder: Path, whole: bytes, log: bytes) -> int:
    """How many postbacks are claimed in a copy of a ledger with this write-ahead log, all rows of each or none."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    file = folder / "ledger.sqlite"
    file.write_bytes(whole)
    file.with_name("ledger.sqlite-wal").write_bytes(log)
    with open_ledger(f"sqlite:///{file}", "test", clock=Clock()) as ledger:
        with ledger._database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        rows = [row for batch in ledger.history(0) for row in batch]
        claimed = {row["postback_id"] for row in rows if row["to_state"] == "sending"}
        status = ledger.status().destinations
        sending = status[0].states.get(State.SENDING) if status else None
        assert (sending.count if sending else 0) == len(claimed)
        return len(claimed)


def test_row_21_a_crash_of_postgresql_keeps_an_acknowledged_claim(postgres_database: str) -> None:
    clock = Clock()
    create_ledger(postgres_database, "test", clock=clock)
    engine = sqlalchemy.create_engine(postgres_database, poolclass=sqlalchemy.NullPool)
    with open_ledger(postgres_database, "test", clock=clock) as ledger:
        with ledger._database.reading() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
        line = line_at("http://127.0.0.1:9", ledger, clock)
        line.enqueue(desired(1))
        (claim,) = ledger.claim(NAME, 1, lease_seconds=60, owner="w", rules=line.rules)
        with engine.connect() as connection:
            os.kill(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one(), signal.SIGKILL)
            with suppress(sqlalchemy.exc.DBAPIError):
                connection.exec_driver_sql("SELECT pg_sleep(1)")
        await_recovery(engine)
        with suppress(LedgerUnavailable):
            # The first use of a connection of before the crash may tell that it is gone.
            ledger.now()
        assert [each.token for each in ledger.renew([claim], 60)] == [claim.token]
    engine.dispose()


def test_row_42_a_ledger_restored_from_an_older_backup_stops_before_anything_is_sent(
    sqlite_url: str, tmp_path: Path
) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    with site(sqlite_url, tmp_path, ok, options=OPTIONS) as here, duckdb.connect() as warehouse:
        warehouse.execute("set timezone = 'UTC'")
        create_raw_tables(warehouse)
        here.fill(3)
        here.with_ledger(lambda line: backup(line.ledger, tmp_path / "backup.sqlite"))
        deliver(here, tmp_path / "ledger_mark.json")
        here.with_ledger(lambda line: copy_ledger_history(warehouse, line.ledger))
        assert len(here.book.hits) == 3
        for old in tmp_path.glob(f"{file.name}*"):
            old.unlink()
        shutil.copyfile(tmp_path / "backup.sqlite", file)
        assert states(here) == [State.PENDING] * 3, "it knows nothing of what was sent"
        with pytest.raises(LedgerError, match="an older backup was restored"):
            deliver(here, tmp_path / "ledger_mark.json")
        with pytest.raises(LedgerWentBack, match="restored from an older backup"):
            here.with_ledger(lambda line: copy_ledger_history(warehouse, line.ledger))
        assert len(here.book.hits) == 3


def deliver(here: Site, mark: Path) -> None:
    """Drains with the deployment's mark, as its runs do."""
    with open_ledger(here.ledger_url, "test", mark=mark, clock=here.clock) as ledger:
        asyncio.run(here.line(ledger).drain())


def backup(ledger: Ledger, file: Path) -> None:
    """As `sqlite3 ledger.sqlite ".backup ..."` does it."""
    with ledger._database.reading() as connection:
        source: Any = connection.connection.driver_connection
        with closing(sqlite3.connect(file)) as target:
            source.backup(target)
