"""Who works for a destination: a sensor starts no second drain, and a dead one does not keep others from starting."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from postback_pipeline.ledger.drains import BEAT_LAPSE, FORGET_AFTER

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop


def working(shop: Shop, destination: str = "meta") -> bool:
    return shop.ledger.due([destination])[destination].working


def known(shop: Shop) -> list[str]:
    with shop.ledger._database.reading() as connection:
        return list(connection.exec_driver_sql("SELECT owner FROM drains ORDER BY owner").scalars())


def test_a_drain_works_as_long_as_it_says_so(shop: Shop, clock: Clock) -> None:
    assert not working(shop)
    shop.ledger.beat("meta", "run-1")
    assert working(shop)
    assert not working(shop, "affiliate")
    clock.now += BEAT_LAPSE - timedelta(seconds=1)
    assert working(shop)
    shop.ledger.beat("meta", "run-1")
    clock.now += BEAT_LAPSE - timedelta(seconds=1)
    assert working(shop)
    clock.forward(seconds=1)
    assert not working(shop)


def test_a_drain_that_left_works_no_more_but_others_do(shop: Shop) -> None:
    shop.ledger.beat("meta", "run-1")
    shop.ledger.beat("meta", "run-2")
    shop.ledger.leave("meta", "run-1")
    assert working(shop)
    shop.ledger.leave("meta", "run-2")
    assert not working(shop)
    shop.ledger.leave("meta", "run-2")


def test_a_drain_is_known_since_its_first_beat(shop: Shop, clock: Clock) -> None:
    start = clock.now
    shop.ledger.beat("meta", "run-1")
    clock.forward(seconds=5)
    shop.ledger.beat("meta", "run-1")
    with shop.ledger._database.reading() as connection:
        ((started_at, seen_at),) = connection.exec_driver_sql("SELECT started_at, seen_at FROM drains").all()
    assert (str(started_at)[:19], str(seen_at)[:19]) == (str(start)[:19], str(clock.now)[:19])


def test_drains_that_stopped_long_ago_are_forgotten(shop: Shop, clock: Clock) -> None:
    shop.ledger.beat("meta", "run-1")
    clock.now += FORGET_AFTER
    shop.ledger.beat("meta", "run-2")
    assert known(shop) == ["run-1", "run-2"]
    clock.forward(seconds=1)
    shop.ledger.beat("meta", "run-2")
    assert known(shop) == ["run-2"]


def test_a_beat_from_the_future_counts_for_nothing_once_the_clock_is_right(shop: Shop, clock: Clock) -> None:
    clock.forward(days=400)
    shop.ledger.beat("meta", "run-1")
    clock.forward(days=-400)
    assert not working(shop)
    shop.ledger.beat("meta", "run-2")
    assert working(shop)
