"""A drain from code without an event loop: mode, secrets of the environment, signals."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from aiohttp import web

from postback_pipeline.delivery.drain import run_drain
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import State
from postback_pipeline.settings import Settings
from tests.delivery.lines import NAME, SECRET, WEBHOOK, Clock, Line, desired, line_at
from tests.delivery.receivers import Receiver, ok, receiving_elsewhere


def deployment(line: Line) -> Settings:
    return Settings(destinations={NAME: line.settings}, delivery=line.delivery, file=Path("/etc/postbacks.toml"))


def test_a_configured_destination_is_drained_with_the_environments_secrets(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_SECRET", SECRET)
    with receiving_elsewhere(ok) as receiver:
        line = line_at(receiver.url, ledger, clock, WEBHOOK)
        line.enqueue(desired(1), desired(2))
        report = run_drain(NAME, line.destination, deployment(line), ledger)
    assert (report.ended, dict(report.outcomes), len(receiver.hits)) == ("drained", {"accepted": 2}, 2)
    assert {attempt.owner.rpartition(":")[2] for attempt in line.attempts()} == {str(os.getpid())}


def test_live_mode_does_not_reach_loopback(ledger: Ledger, clock: Clock) -> None:
    with receiving_elsewhere(ok) as receiver:
        line = line_at(receiver.url, ledger, clock, options='mode = "live"\nallow_http = true\n')
        line.enqueue(desired(1))
        report = run_drain(NAME, line.destination, deployment(line), ledger)
    assert (report.ended, report.reason) == ("paused", "mode live reaches public addresses only")
    assert (receiver.hits, line.states()) == ([], [State.PENDING])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_then_reaches_its_former_handler(
    ledger: Ledger, clock: Clock, number: signal.Signals
) -> None:
    async def answer(request: web.Request, receiver: Receiver) -> web.Response:
        if len(receiver.hits) == 4:
            os.kill(os.getpid(), number)
        await asyncio.sleep(0.05)
        return web.Response(text="OK")

    handled: list[int] = []
    former = signal.signal(number, lambda received, _: handled.append(received))
    try:
        with receiving_elsewhere(answer) as receiver:
            line = line_at(receiver.url, ledger, clock)
            line.enqueue(*(desired(each) for each in range(40)))
            report = run_drain(NAME, line.destination, deployment(line), ledger)
    finally:
        signal.signal(number, former)
    sent = len(receiver.hits)
    assert (report.ended, handled) == ("stopped", [number])
    assert sent < 40
    assert [line.states().count(state) for state in (State.ACCEPTED, State.PENDING)] == [sent, 40 - sent]
