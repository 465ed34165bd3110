"""What one worker of a destination learns holds for all of them: open breakers, turns at a rate limit, 429, pauses."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from postback_pipeline.ledger import Claim, open_ledger
from postback_pipeline.model import Outcome, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop


def fill(shop: Shop, count: int = 5) -> None:
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(count)])


def trip(shop: Shop) -> timedelta:
    """How long from now nothing leaves."""
    return shop.ledger.trip("meta", "20 failures in a row", rules=shop.rules) - shop.clock.now


def test_a_breaker_that_opens_lets_nothing_leave_and_then_one_probe(shop: Shop, clock: Clock) -> None:
    fill(shop)
    until = shop.ledger.trip("meta", "20 failures in a row", rules=shop.rules)
    assert shop.claim() == []
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.count, due.next_due_at, due.paused) == (0, until, False)
    (status,) = shop.ledger.status().destinations
    assert (status.not_before, status.postpone_reason) == (until, "20 failures in a row")
    clock.now = until
    (probe,) = shop.claim(100)
    assert (shop.claim(100, owner="w2"), shop.claim(100)) == ([], [])
    shop.record(probe, Outcome.REJECTED, final=False, http_status=503)
    assert len(shop.claim(100, owner="w2")) == 1


def test_after_a_recovery_any_number_leaves_again(shop: Shop, clock: Clock) -> None:
    fill(shop)
    clock.now = shop.ledger.trip("meta", "down", rules=shop.rules)
    (probe,) = shop.claim(100)
    shop.record(probe)
    shop.ledger.recover("meta")
    assert len(shop.claim(100)) == 4


def test_a_probe_whose_worker_died_holds_the_next_one_up_no_longer_than_its_lease(shop: Shop, clock: Clock) -> None:
    fill(shop)
    clock.now = shop.ledger.trip("meta", "down", rules=shop.rules)
    assert len(shop.claim(lease=60)) == 1
    clock.forward(seconds=59)
    assert shop.claim() == []
    clock.forward(seconds=1)
    assert len(shop.claim()) == 1


def test_what_was_being_sent_when_the_breaker_opened_ends_before_the_probe_leaves(shop: Shop, clock: Clock) -> None:
    fill(shop)
    (slow,) = shop.claim(1, lease=3_600)
    clock.now = shop.ledger.trip("meta", "down", rules=shop.rules)
    assert shop.claim() == []
    shop.record(slow, Outcome.REJECTED, final=False)
    assert len(shop.claim(100)) == 1


def test_each_time_in_a_row_the_breaker_stays_open_for_longer(shop: Shop, clock: Clock) -> None:
    shop.rules = replace(shop.rules, retry_first_seconds=10, retry_max_seconds=60)
    for ceiling in (10, 20, 40, 60, 60):
        seconds = trip(shop).total_seconds()
        assert ceiling / 2 <= seconds <= ceiling
        clock.forward(seconds=seconds)
    shop.ledger.recover("meta")
    assert 5 <= trip(shop).total_seconds() <= 10


def test_workers_that_meet_the_same_failures_open_the_breaker_once(shop: Shop, clock: Clock) -> None:
    first = trip(shop)
    assert trip(shop) == first
    clock.forward(seconds=first.total_seconds())
    assert trip(shop) >= timedelta(seconds=shop.rules.retry_first_seconds)


def test_a_breaker_never_shortens_what_the_receiver_asked_for(shop: Shop, clock: Clock) -> None:
    until = clock.now + timedelta(hours=2)
    shop.ledger.postpone("meta", until, "retry_after")
    assert shop.ledger.trip("meta", "down", rules=shop.rules) == until


def test_a_breaker_is_one_destination_s(shop: Shop) -> None:
    fill(shop)
    shop.ledger.trip("affiliate", "down", rules=shop.rules)
    assert len(shop.claim()) == 5


def test_a_recovery_of_what_never_failed_is_no_error(shop: Shop) -> None:
    shop.ledger.recover("nobody")
    assert shop.ledger.due(["nobody"])["nobody"].count == 0


def test_of_many_workers_only_one_sends_the_probe(shop: Shop, clock: Clock, ledger_url: str) -> None:
    fill(shop, 20)
    clock.now = shop.ledger.trip("meta", "down", rules=shop.rules)

    def probe(owner: int) -> int:
        with open_ledger(ledger_url, "test", clock=clock) as ledger:
            return len(ledger.claim("meta", 5, lease_seconds=60, owner=str(owner), rules=shop.rules))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(probe, range(8))) == 1


def test_turns_follow_one_another_at_the_rate(shop: Shop, clock: Clock) -> None:
    start = clock.now
    assert shop.ledger.take_turns("meta", 10, 5.0) == start
    assert shop.ledger.take_turns("meta", 1, 5.0) == start + timedelta(seconds=2)
    assert shop.ledger.take_turns("meta", 1, 5.0) == start + timedelta(seconds=2.2)
    assert shop.ledger.take_turns("affiliate", 1, 5.0) == start


def test_turns_that_nobody_took_are_lost(shop: Shop, clock: Clock) -> None:
    shop.ledger.take_turns("meta", 1, 1.0)
    clock.forward(minutes=5)
    assert [shop.ledger.take_turns("meta", 1, 1.0) - clock.now for _ in range(2)] == [
        timedelta(0),
        timedelta(seconds=1),
    ]


def test_no_two_workers_get_the_same_turn(shop: Shop, clock: Clock, ledger_url: str) -> None:
    def take(_: int) -> datetime:
        with open_ledger(ledger_url, "test", clock=clock) as ledger:
            return ledger.take_turns("meta", 2, 1.0)

    with ThreadPoolExecutor(4) as pool:
        firsts = sorted(pool.map(take, range(12)))
    assert firsts == [clock.now + timedelta(seconds=2 * number) for number in range(12)]


@pytest.mark.parametrize(("count", "rate"), [(0, 1.0), (-1, 1.0), (1, 0.0), (1, -2.0)])
def test_turns_that_make_no_sense_are_refused(shop: Shop, count: int, rate: float) -> None:
    with pytest.raises(ValueError, match="turns"):
        shop.ledger.take_turns("meta", count, rate)


def test_a_worker_hears_of_the_others_with_what_it_records(shop: Shop, clock: Clock) -> None:
    fill(shop)
    one, two, three, four, five = shop.claim()

    def say(claim: Claim) -> tuple[bool, datetime | None, int]:
        recorded = shop.ledger.record([shop.result(claim)], rules=shop.rules)
        assert recorded.late == 0
        return recorded.paused, recorded.not_before, recorded.trips

    assert say(one) == (False, None, 0)
    until = clock.now + timedelta(minutes=1)
    shop.ledger.postpone("meta", until, "http_429")
    assert say(two) == (False, until, 0)
    shop.ledger.pause("meta", reason="maintenance", actor="ann")
    assert say(three) == (True, until, 0)
    shop.ledger.resume("meta", reason="done", actor="ann")
    clock.now = until
    opened = shop.ledger.trip("meta", "down", rules=shop.rules)
    assert say(four) == (False, opened, 1)
    shop.ledger.recover("meta")
    assert say(five) == (False, opened, 0)


def test_a_late_result_tells_the_standing_as_well(shop: Shop, clock: Clock) -> None:
    fill(shop, 1)
    (claim,) = shop.claim(lease=60)
    clock.forward(minutes=2)
    shop.sweep()
    shop.ledger.pause("meta", reason="maintenance", actor="ann")
    recorded = shop.ledger.record([shop.result(claim)], rules=shop.rules)
    assert (recorded.late, recorded.paused) == (1, True)


def test_a_pause_of_the_machine_s_own_ends_when_its_cause_has_changed(shop: Shop) -> None:
    fill(shop, 1)
    assert shop.ledger.pause("meta", reason="http_401", actor="drain", mark="secret-1")
    assert shop.ledger.due(["meta"])["meta"].pause_mark == "secret-1"
    assert not shop.ledger.resume_if_changed("meta", "secret-1")
    assert shop.claim() == []
    assert shop.ledger.resume_if_changed("meta", "secret-2")
    due = shop.ledger.due(["meta"])["meta"]
    assert (due.paused, due.pause_mark, len(shop.claim())) == (False, None, 1)
    assert not shop.ledger.resume_if_changed("meta", "secret-3")


def test_a_person_s_pause_is_never_ended_by_the_machine(shop: Shop) -> None:
    shop.ledger.pause("meta", reason="maintenance", actor="ann")
    assert not shop.ledger.resume_if_changed("meta", "secret-2")
    assert not shop.ledger.pause("meta", reason="http_401", actor="drain", mark="secret-1")
    assert not shop.ledger.resume_if_changed("meta", "secret-2")
    (status,) = shop.ledger.status().destinations
    assert (status.paused, status.pause_reason, status.paused_by) == (True, "maintenance", "ann")


def test_a_person_s_pause_replaces_the_machine_s(shop: Shop) -> None:
    shop.ledger.pause("meta", reason="http_401", actor="drain", mark="secret-1")
    assert shop.ledger.pause("meta", reason="maintenance", actor="ann")
    assert not shop.ledger.pause("meta", reason="lunch", actor="bob")
    (status,) = shop.ledger.status().destinations
    assert (status.pause_reason, status.paused_by) == ("maintenance", "ann")
    assert not shop.ledger.resume_if_changed("meta", "secret-2")
    assert shop.ledger.resume("meta", reason="done", actor="ann")


def test_a_pause_that_ended_by_itself_is_in_the_log_of_actions(shop: Shop) -> None:
    shop.ledger.pause("meta", reason="http_401", actor="drain", mark="secret-1")
    shop.ledger.resume_if_changed("meta", "secret-2")
    with shop.ledger._database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT actor, command, subject FROM actions ORDER BY id").all()
    assert [tuple(row) for row in rows] == [("drain", "pause", "meta"), ("drain", "resume", "meta")]


def test_a_worker_s_word_about_a_destination_does_not_wait_for_an_enqueue(postgres_shop: Shop, clock: Clock) -> None:
    fill(postgres_shop)
    claims = postgres_shop.claim(2)
    engine = postgres_shop.ledger._database.engine

    def work() -> None:
        postgres_shop.ledger.postpone("meta", clock.now, "http_429")
        postgres_shop.ledger.take_turns("meta", 1, 1.0)
        postgres_shop.record(claims[0])

    to_do = [work]

    def while_it_writes(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "INSERT INTO history" in statement and to_do:
            with ThreadPoolExecutor(1) as worker:
                worker.submit(to_do.pop()).result()

    sqlalchemy.event.listen(engine, "before_cursor_execute", while_it_writes)
    assert postgres_shop.report("10.00", "purchase:8", against=0).inserted == 1
    assert not to_do
    assert postgres_shop.state(claims[0].conversion_key) is State.ACCEPTED
