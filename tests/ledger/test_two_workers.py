"""Two of everything at once: processes that claim, threads that enqueue, workers that die."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy

from postback_pipeline.ledger import Action, Ledger, Story, open_ledger
from postback_pipeline.model import Kind, Outcome, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Shop

FINAL = {State.ACCEPTED, State.PROCESSED, State.REJECTED, State.SUPERSEDED, State.CANCELLED, State.EXPIRED}

WORKER = """
import os, signal, sys, time
from pathlib import Path
from postback_pipeline.ledger import Result, Rules, open_ledger
from postback_pipeline.model import Outcome

url, go, dies = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "dies"
rules = Rules()
with open_ledger(url, "test") as ledger:
    ledger.due(["meta"])
    print("ready", flush=True)
    while not go.exists():
        time.sleep(0.001)
    while claims := ledger.claim("meta", 7, lease_seconds=60, owner=str(os.getpid()), rules=rules):
        if dies:
            os.kill(os.getpid(), signal.SIGKILL)
        print(*[claim.postback_id for claim in claims], flush=True)
        results = [Result(claim.postback_id, claim.token, Outcome.ACCEPTED, ledger.now()) for claim in claims]
        assert ledger.record(results, rules=rules).late == 0
"""


def start(url: str, go: Path, *, dies: bool = False) -> subprocess.Popen[str]:
    """A worker that waits for `go`."""
    arguments = [sys.executable, "-c", WORKER, url, str(go), "dies" if dies else "lives"]
    worker = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


def test_two_processes_never_claim_the_same_postback(shop: Shop, ledger_url: str, tmp_path: Path) -> None:
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(300)])
    go = tmp_path / "go"
    workers = [start(ledger_url, go) for _ in range(2)]
    go.touch()
    claimed = [[int(word) for word in worker.communicate(timeout=60)[0].split()] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert sorted(claimed[0] + claimed[1]) == sorted({*claimed[0], *claimed[1]})
    assert len(claimed[0]) + len(claimed[1]) == 300
    (status,) = shop.ledger.status().destinations
    assert {state: count.count for state, count in status.states.items()} == {State.ACCEPTED: 300}
    assert sum(row["outcome"] == "accepted" for row in shop.history()) == 300


def test_what_a_killed_worker_had_is_unknown_once_its_lease_ran_out(
    shop: Shop, ledger_url: str, tmp_path: Path
) -> None:
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(10)])
    go = tmp_path / "go"
    worker = start(ledger_url, go, dies=True)
    go.touch()
    worker.communicate(timeout=60)
    assert worker.returncode == -9
    shop.clock.now = max(row["at"] for row in shop.history()) + timedelta(seconds=61)
    assert shop.sweep()[State.UNKNOWN] == 7
    (status,) = shop.ledger.status().destinations
    assert {state: count.count for state, count in status.states.items()} == {State.PARKED: 7, State.PENDING: 3}


def at_once(shop: Shop, url: str, works: list[Callable[[Ledger], None]]) -> None:
    """Runs each on its own connection, all beginning together."""
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[Ledger], None]) -> None:
        with open_ledger(url, "test", clock=shop.clock) as ledger:
            barrier.wait()
            work(ledger)

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(run, work) for work in works]:
            future.result()


def test_overlapping_enqueues_write_every_revision_once(shop: Shop, ledger_url: str) -> None:
    rows = [shop.desired(f"purchase:{number}", against=0) for number in range(400)]
    found = []

    def enqueue(part: slice) -> Callable[[Ledger], None]:
        def work(ledger: Ledger) -> None:
            found.append(ledger.enqueue("meta", rows[part], rules=shop.rules, render=shop.render, guard=shop.guard))

        return work

    at_once(shop, ledger_url, [enqueue(slice(0, 300)), enqueue(slice(100, 400)), enqueue(slice(0, 400))])
    assert sum(report.inserted for report in found) == 400
    assert sum(report.actions.get(Action.STALE, 0) for report in found) == 600
    assert len(shop.history()) == 400


def test_two_enqueues_cannot_share_one_approval(shop: Shop, ledger_url: str) -> None:
    shop.guard = shop.guard.model_copy(update={"minimum": 10, "multiple": 0.1})
    rows = [shop.desired(f"purchase:{number}", against=0) for number in range(40)]
    waiting = shop.enqueue(*rows[:20]).stopped_by
    assert waiting is not None
    shop.ledger.approve(waiting.id, actor="ann", reason="backfill")
    found = []

    def enqueue(part: slice) -> Callable[[Ledger], None]:
        def work(ledger: Ledger) -> None:
            found.append(ledger.enqueue("meta", rows[part], rules=shop.rules, render=shop.render, guard=shop.guard))

        return work

    at_once(shop, ledger_url, [enqueue(slice(0, 20)), enqueue(slice(20, 40))])
    assert sorted(report.inserted for report in found) == [0, 20]


def test_an_enqueue_does_not_wait_for_the_worker_that_has_a_postback_just_now(postgres_shop: Shop) -> None:
    postgres_shop.report("10.00", "purchase:1")
    postgres_shop.report("10.00", "purchase:2")
    both = [postgres_shop.desired(f"purchase:{number}", "9.00") for number in (1, 2)]
    locks = sqlalchemy.text(
        "SELECT id FROM standings JOIN postbacks USING (id) WHERE conversion_key = 'purchase:1' FOR UPDATE OF standings"
    )
    with postgres_shop.ledger._database.engine.connect() as worker:
        worker.execute(locks)
        assert postgres_shop.enqueue(*both).actions == {Action.WAITS: 1, Action.REPLACE: 1}
    assert postgres_shop.report("9.00").actions == {Action.REPLACE: 1}


def test_values_that_move_while_they_are_sent_stay_in_order(shop: Shop, ledger_url: str) -> None:
    keys = [f"purchase:{number}" for number in range(6)]
    done = threading.Event()

    def build(ledger: Ledger) -> None:
        for value in ["10.00", "9.00", "0", "8.00", "7.00", "10.00", "3.00", "0", "5.00"]:
            for key in keys:
                against = max((story.revision for story in ledger.inspect(key)), default=0)
                row = shop.desired(key, value, against=against)
                ledger.enqueue("meta", [row], rules=shop.rules, render=shop.render, guard=shop.guard)
        done.set()

    def send(ledger: Ledger) -> None:
        while not done.is_set():
            claims = ledger.claim("meta", 3, lease_seconds=60, owner="w", rules=shop.rules)
            results = [shop.result(claim, Outcome.ACCEPTED) for claim in claims]
            assert ledger.record(results, rules=shop.rules).late == 0
            done.wait(0.002)

    at_once(shop, ledger_url, [build, send, send])
    for key in keys:
        check_order(shop.stories(key))


def check_order(stories: list[Story]) -> None:
    """What the receiver accepted of one conversion makes sense one after the other."""
    assert [story.revision for story in stories] == list(range(1, len(stories) + 1))
    assert sum(story.state not in FINAL for story in stories) <= 1
    reported: Decimal | None = None
    for story in stories:
        if story.state is State.ACCEPTED:
            assert story.previous_value == reported
            assert (story.kind is Kind.CONVERSION) == (reported is None)
            reported = story.value
        else:
            assert len(story.attempts) == 0 or story.state is State.SENDING
