"""Dagster in production: what the UI starts, what the daemon does by itself, what becomes of a run that is ended."""

from __future__ import annotations

import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

from postback_pipeline.ledger import Ledger, Selection, open_ledger
from postback_pipeline.model import State
from postback_pipeline.sandbox.behaviour import Behaviour, SandboxConfig
from postback_pipeline.settings import load_settings
from tests.defs.production import Deployment, wait_for

HOST = socket.gethostname()


def test_a_backfill_from_the_ui_is_one_run_and_the_sensor_delivers_what_it_wrote_once(
    deployment: Deployment, shop: Any, make: Any
) -> None:
    shop.orders(make.order(1, day=5), make.order(2, day=15), make.order(3, day=25))
    shop.clicks(make.click(1, day=4), make.click(2, "irclickid", day=14), make.click(3, day=24))

    first = deployment.backfill([f"2026-01-{day:02}" for day in range(1, 21)])
    (build,) = deployment.finished("build", backfill=first)
    tags = {tag["key"]: tag["value"] for tag in build["tags"]}
    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == (
        "2026-01-01",
        "2026-01-20",
    )
    # Nobody starts the deliveries: the sensor does.
    wait_for(lambda: len(shop.received()) == 2, "two postbacks")
    assert sorted(each["transaction_id"] for each in shop.received()) == ["1", "2"]
    deployment.finished("deliver", 2)

    second = deployment.backfill([f"2026-01-{day:02}" for day in range(10, 31)])
    deployment.finished("build", backfill=second)
    wait_for(lambda: len(shop.received()) == 3, "the third postback")
    # Not by the count of runs: on a busy machine the sensor may start one more than there is work for.
    with open_ledger(os.environ["TEST_LEDGER_URL"], "testing") as ledger:
        wait_for(lambda: left(ledger) == 0, "the third acceptance")
    deployment.finished("measure", run=deployment.measure())

    assert sorted(each["transaction_id"] for each in shop.received()) == ["1", "2", "3"], "an overlap repeats nothing"
    assert shop.query("select state, count(*) from marts.deliveries group by 1") == [("accepted", 3)]
    with open_ledger(os.environ["TEST_LEDGER_URL"], "testing") as ledger:
        assert all(due.count == 0 for due in ledger.due(sorted(load_settings().destinations)).values())


def test_a_killed_drain_is_taken_up_by_itself_and_a_cancelled_one_ends_cleanly(
    deployment: Deployment, shop: Any, make: Any
) -> None:
    """Nobody does anything but to kill and to cancel."""
    shop.sandbox.behave(SandboxConfig(default=Behaviour(delay_seconds=0.4)))
    with open_ledger(os.environ["TEST_LEDGER_URL"], "testing") as ledger:
        make.due(ledger, "google", *range(1, 901))

        wait_for(lambda: len(shop.received()) >= 50, "the first drain's postbacks")
        killed = worker(ledger)()
        os.kill(killed, signal.SIGKILL)
        cancelled = wait_for(worker(ledger, killed), "a drain by another process")
        at_least = len(shop.received()) + 50
        wait_for(lambda: len(shop.received()) >= at_least, "the second drain's postbacks")

        (run_id,) = [run["runId"] for run in deployment.runs("deliver") if run["status"] == "STARTED"]
        deployment.terminate(run_id)
        status = wait_for(lambda: ending(deployment, run_id), "the end of the cancelled run")
        assert status == "CANCELED"
        events = deployment.events(run_id)
        assert "ObservationEvent" in events, "what it did until then is shown"
        assert "RunCanceledEvent" in events
        assert "RunFailureEvent" not in events
        assert unfinished(ledger, cancelled) == [], "what was in flight was recorded, the rest given back"

        wait_for(lambda: left(ledger) == 0, "the rest")
        stories = ledger.select(Selection(destination="google"), limit=1_000).stories
    assert {story.state for story in stories} == {State.ACCEPTED}
    received = [each["transaction_id"] for each in shop.received()]
    assert set(received) == {story.transaction_id for story in stories}, "nothing is lost"
    # Only what the killed one had sent and not recorded went out again, by the same key.
    again = {number for number, times in Counter(received).items() if times > 1}
    assert {story.attempts[0].owner for story in stories if story.transaction_id in again} <= {f"{HOST}:{killed}"}
    # That were as many as may be, and a wave of as many that were answered and not recorded yet.
    assert len(received) - len(set(received)) <= 2 * load_settings().destinations["google"].concurrency


def test_two_daemons_send_each_postback_once_and_start_nothing_where_nothing_is_due(
    deployment: Deployment, shop: Any, make: Any
) -> None:
    shop.sandbox.behave(SandboxConfig(default=Behaviour(delay_seconds=0.4)))
    with deployment.daemon("second") as log, open_ledger(os.environ["TEST_LEDGER_URL"], "testing") as ledger:
        wait_for(lambda: "Another SENSOR daemon" in log.read_text(), "the second daemon to notice the first")
        make.due(ledger, "google", *range(1, 301))
        wait_for(lambda: left(ledger) == 0, "the last acceptance")
        received = [each["transaction_id"] for each in shop.received()]
        assert len(received) == len(set(received)) == 300

        wait_for(lambda: not deployment.unfinished("deliver"), "the end of every run")
        runs, ticks = len(deployment.runs("deliver")), deployment.ticks("due_postbacks")
        wait_for(lambda: deployment.ticks("due_postbacks") >= ticks + 3, "ticks with nothing due")
        assert len(deployment.runs("deliver")) == runs


def worker(ledger: Ledger, other_than: int = 0) -> Callable[[], int]:
    """Looks for the process of a drain that works for `google`; 0 if there is none."""

    def look() -> int:
        drains = [each for status in ledger.status().destinations for each in status.drains]
        found = {int(each.owner.rpartition(":")[2]) for each in drains} - {other_than}
        return found.pop() if found else 0

    return look


def unfinished(ledger: Ledger, process: int) -> list[int]:
    """Postbacks whose last attempt is this process's and has no end."""
    sending = ledger.select(Selection(destination="google", states=[State.SENDING]), limit=1_000).stories
    return [story.postback_id for story in sending if story.attempts[-1].owner.endswith(f":{process}")]


def left(ledger: Ledger) -> int:
    """Postbacks that are still to be sent, or being sent."""
    states = [State.PENDING, State.SENDING, State.RETRY, State.UNKNOWN]
    return ledger.select(Selection(destination="google", states=states), limit=1).count


def ending(deployment: Deployment, run_id: str) -> str:
    """How a run ended; nothing as long as it has not."""
    (status,) = [run["status"] for run in deployment.runs("deliver") if run["runId"] == run_id]
    return str(status) if status in ("SUCCESS", "FAILURE", "CANCELED") else ""
