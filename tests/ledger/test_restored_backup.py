"""A ledger restored from an older backup has forgotten what was sent: nothing leaves until a person says so."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy

from postback_pipeline.ledger import (
    Action,
    Adopted,
    Ledger,
    LedgerError,
    Rules,
    Selection,
    create_ledger,
    open_ledger,
)
from postback_pipeline.model import Outcome, Resolution, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop

#: A deployment's ledger, its mark, and how to make a backup that can be opened in its place.
Deployment = tuple[str, Path, Callable[[], str]]

PARKS = Rules(restatement=True)
RESENDS = Rules(restatement=True, deduplicates=True, dedup_window=timedelta(hours=48))


@pytest.fixture(params=["sqlite", "postgres"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    mark = tmp_path / "home" / "ledger_mark.json"
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")

        def back_up() -> str:
            copy = tmp_path / "backup.sqlite"
            with (
                closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                source.backup(target)
            return f"sqlite:///{copy}"

        yield url, mark, back_up
        return
    url = request.getfixturevalue("postgres_database")
    create_ledger(url, "test")
    parsed = sqlalchemy.make_url(url)
    copied = f"{parsed.database}_backup"
    server = sqlalchemy.create_engine(
        parsed.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool
    )

    def back_up_database() -> str:
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {copied} TEMPLATE {parsed.database}")
        return parsed.set(database=copied).render_as_string(hide_password=False)

    yield url, mark, back_up_database
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {copied} WITH (FORCE)")
    server.dispose()


@contextmanager
def at_work(url: str, mark: Path | None, clock: Clock) -> Iterator[Shop]:
    """The deployment at work on this ledger."""
    from tests.ledger.conftest import Shop

    with open_ledger(url, "test", mark=mark, clock=clock) as ledger:
        yield Shop(ledger, clock, rules=PARKS)


@pytest.fixture
def restored(deployment: Deployment, clock: Clock) -> tuple[str, Path]:
    """A backup from before five postbacks were sent, in place of the newest ledger, and the deployment's mark."""
    url, mark, back_up = deployment
    with at_work(url, mark, clock) as shop:
        shop.tell("10.00", "purchase:told")
        for key in ("pending", "retry", "sending"):
            shop.report("10.00", f"purchase:{key}")
        claims = {claim.conversion_key: claim for claim in shop.claim()}
        shop.record(claims["purchase:retry"], Outcome.NOT_SENT, reason="dns")
        shop.ledger.release([claims["purchase:pending"]])
        shop.report("10.00", "purchase:elsewhere", destination="crm")
    older = back_up()
    clock.forward(minutes=10)
    with at_work(url, mark, clock) as shop:
        for claim in shop.claim():
            shop.record(claim)
    return older, mark


def test_row_42_a_restored_ledger_is_not_opened_to_send_or_enqueue(restored: tuple[str, Path], clock: Clock) -> None:
    url, mark = restored
    with pytest.raises(LedgerError, match=r"an older backup was restored.*Nothing was sent.*postback ledger adopt"):
        open_ledger(url, "test", mark=mark, clock=clock)
    with at_work(url, None, clock) as shop:
        assert shop.state("purchase:pending") is State.PENDING


def test_row_42_an_adopted_ledger_parks_what_may_have_been_sent(restored: tuple[str, Path], clock: Clock) -> None:
    url, mark = restored
    with at_work(url, None, clock) as shop:
        adopted = shop.ledger.adopt({"meta": PARKS, "crm": RESENDS}, mark=mark, actor="ann", reason="disk lost")
        assert (adopted.parked, adopted.left) == ({"meta": 2}, {"crm": 1})
    clock.forward(minutes=10)
    with at_work(url, mark, clock) as shop:
        # Its lease has lapsed: by the same rule it is left to a person.
        assert shop.sweep()[State.PARKED] == 1
        parked = [shop.newest(f"purchase:{key}") for key in ("pending", "retry", "sending")]
        assert [story.state for story in parked] == [State.PARKED] * 3
        assert [story.history[-1].reason for story in parked[:2]] == ["restored"] * 2
        assert {story.history[-1].actor for story in parked[:2]} == {"ann"}
        assert shop.claim() == []
        shop.rules = RESENDS
        assert [claim.conversion_key for claim in shop.claim(destination="crm")] == ["purchase:elsewhere"]
        # A person knows what the receiver has.
        mine = Selection(conversion_keys=["purchase:pending"])
        shop.ledger.resolve(mine, Resolution.ACCEPTED, actor="ann", reason="asked them")
        assert shop.state("purchase:pending") is State.ACCEPTED
        with shop.ledger._database.reading() as connection:
            actions = connection.execute(sqlalchemy.text("SELECT command, reason, subject FROM actions")).all()
        assert ("adopt", "disk lost", "2 parked, 1 to be sent again") in [tuple(action) for action in actions]


def test_row_42_what_a_receiver_has_forgotten_by_now_is_parked_too(restored: tuple[str, Path], clock: Clock) -> None:
    url, mark = restored
    clock.forward(hours=48)
    with at_work(url, None, clock) as shop:
        adopted = shop.ledger.adopt({"meta": PARKS, "crm": RESENDS}, mark=mark, actor="ann", reason="disk lost")
        assert (adopted.parked, adopted.left) == ({"meta": 2, "crm": 1}, {})


@pytest.fixture
def adopted(sqlite_url: str, tmp_path: Path, clock: Clock) -> Iterator[Shop]:
    """An adopted ledger whose receiver deduplicates, with one postback that waits."""
    with at_work(sqlite_url, None, clock) as shop:
        shop.rules = replace(RESENDS, retraction=True, judges_later=True)
        shop.report("10.00")
        clock.forward(hours=1)
        adopt(shop, tmp_path)
        yield shop


def adopt(shop: Shop, folder: Path) -> Adopted:
    rules = {"meta": shop.rules}
    return shop.ledger.adopt(rules, mark=folder / "mark.json", actor="ann", reason="disk lost", unnoticed=True)


def test_what_may_have_been_sent_since_the_backup_is_not_replaced(adopted: Shop) -> None:
    assert adopted.report("8.00").actions == {Action.WAITS: 1}
    assert adopted.report("0").actions == {Action.WAITS: 1}
    mine = Selection(destination="meta")
    assert adopted.ledger.cancel(mine, actor="ann", reason="not wanted").acted_on == ()
    (claim,) = adopted.claim()
    assert claim.key == "purchase:1.1"
    # The receiver says what has become of it: it was sent.
    adopted.record(claim, duplicate=True)
    assert adopted.state() is State.ACCEPTED


def test_what_may_have_been_sent_since_the_backup_waits_no_longer_than_it_is_recognised(
    adopted: Shop, clock: Clock
) -> None:
    (claim,) = adopted.claim()
    assert claim.expires_at == clock.now + timedelta(hours=47)
    # Not even one that is claimed and given back begins the window anew.
    adopted.ledger.release([claim])
    clock.forward(hours=47)
    assert adopted.claim() == []
    assert adopted.sweep()[State.PARKED] == 1
    assert adopted.newest().reason == "deduplication_window_closed"


def test_adopting_again_changes_nothing_more(adopted: Shop, tmp_path: Path) -> None:
    before = adopted.history()
    again = adopt(adopted, tmp_path)
    assert (again.parked, again.left, adopted.history()) == ({}, {"meta": 1}, before)


def test_what_was_held_may_have_been_let_go_since_the_backup(adopted: Shop, tmp_path: Path) -> None:
    adopted.send()
    adopted.report("0")
    assert adopted.state() is State.HELD
    assert adopt(adopted, tmp_path).parked == {"meta": 1}
    assert (adopted.state(), adopted.newest().reason) == (State.PARKED, "restored")


def test_row_42_another_ledger_in_its_place_is_noticed(deployment: Deployment, tmp_path: Path, clock: Clock) -> None:
    url, mark, _ = deployment
    with at_work(url, mark, clock):
        pass
    other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    create_ledger(other, "test")
    with pytest.raises(LedgerError, match="this deployment last worked with ledger"):
        open_ledger(other, "test", mark=mark)


def test_row_42_a_history_that_goes_on_after_the_backup_is_another_one(
    restored: tuple[str, Path], clock: Clock
) -> None:
    """Its numbers soon reach those that the deployment has seen; what they stand for is not the same."""
    url, mark = restored
    with at_work(url, None, clock) as shop:
        for number in range(20):
            clock.forward(seconds=1)
            shop.report("10.00", f"purchase:new-{number}")
    with pytest.raises(LedgerError, match="an older backup was restored"):
        open_ledger(url, "test", mark=mark, clock=clock)


def test_the_newest_ledger_is_opened_again_and_again(deployment: Deployment, clock: Clock) -> None:
    url, mark, back_up = deployment
    for number in range(3):
        with at_work(url, mark, clock) as shop:
            shop.tell("10.00", f"purchase:{number}")
    # A backup no older than the mark knows all there is to know.
    with at_work(back_up(), mark, clock) as shop:
        assert shop.state("purchase:2") is State.ACCEPTED


def test_a_ledger_that_nothing_speaks_against_is_adopted_only_if_asked_to(deployment: Deployment, clock: Clock) -> None:
    url, mark, _ = deployment
    with at_work(url, mark, clock) as shop:
        shop.report("10.00")
        with pytest.raises(LedgerError, match=r"worked with last\. Nothing was changed"):
            shop.ledger.adopt({}, mark=mark, actor="ann", reason="to be sure")
        assert shop.state() is State.PENDING
        with pytest.raises(LedgerError):
            shop.ledger.adopt({}, mark=mark, actor="ann", reason=" ", unnoticed=True)
        assert shop.ledger.adopt({}, mark=mark, actor="ann", reason="to be sure", unnoticed=True).parked == {"meta": 1}
        assert shop.state() is State.PARKED


def seq(mark: Path) -> int:
    return int(json.loads(mark.read_text(encoding="utf-8"))["seq"])


def test_the_mark_moves_with_enqueues_heartbeats_and_the_end(sqlite_url: str, tmp_path: Path, clock: Clock) -> None:
    mark = tmp_path / "mark.json"
    with at_work(sqlite_url, mark, clock) as shop:
        assert seq(mark) == 0
        shop.ledger._mark._not_before = 0.0  # type: ignore[union-attr]
        shop.report("10.00")
        assert seq(mark) == 1
        shop.claim()
        shop.ledger._mark._not_before = 0.0  # type: ignore[union-attr]
        shop.ledger.beat("meta", "w1")
        assert seq(mark) == 2
        # Right after that it is left alone, so that a busy worker does not write it all the time.
        shop.sweep()
        clock.forward(hours=1)
        shop.sweep()
        shop.ledger.beat("meta", "w1")
        assert seq(mark) == 2
    assert seq(mark) > 2


def test_the_mark_is_left_alone_by_who_only_looks(deployment: Deployment, clock: Clock) -> None:
    url, mark, _ = deployment
    with at_work(url, mark, clock) as shop:
        shop.report("10.00")
    before = mark.stat()
    with at_work(url, mark, clock) as shop:
        assert shop.state() is State.PENDING
    after = mark.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    with at_work(url, mark, clock) as shop:
        shop.send()
    assert mark.stat().st_ino != before.st_ino


@pytest.mark.parametrize("contents", ["", "{", "[]", '{"ledger_id": "x"}'])
def test_a_damaged_mark_stops_until_a_person_has_looked(sqlite_url: str, tmp_path: Path, contents: str) -> None:
    mark = tmp_path / "mark.json"
    mark.write_text(contents, encoding="utf-8")
    with pytest.raises(LedgerError, match=r"is damaged.*Nothing was sent"):
        open_ledger(sqlite_url, "test", mark=mark)
    with open_ledger(sqlite_url, "test") as ledger:
        ledger.adopt({}, mark=mark, actor="ann", reason="looked")
    with open_ledger(sqlite_url, "test", mark=mark) as ledger:
        assert isinstance(ledger, Ledger)


def test_a_mark_that_cannot_be_written_stops_before_anything_is_sent(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(LedgerError, match=r"ledger_mark\.json could not be"):
        open_ledger(sqlite_url, "test", mark=tmp_path / "home" / "ledger_mark.json")


def test_row_42_a_worker_notices_that_its_ledger_went_back_while_it_works(deployment: Deployment, clock: Clock) -> None:
    url, mark, _ = deployment
    with at_work(url, mark, clock) as shop:
        shop.report("10.00")
        shop.ledger.close()
        before = mark.read_text(encoding="utf-8")
        engine = sqlalchemy.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("DELETE FROM history"))
        engine.dispose()
        shop.ledger._mark._not_before = 0.0  # type: ignore[union-attr]
        with pytest.raises(LedgerError, match="an older backup was restored"):
            shop.ledger.beat("meta", "w1")
    assert mark.read_text(encoding="utf-8") == before
