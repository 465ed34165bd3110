"""Draining one destination: claim -> send -> record, until nothing is due or the time is spent.

Belongs here: starting and stopping a drain, inside an event loop or around one. Does not belong here: the loop itself
(`drain_loop`).

Any number of drains may run at once, in one process or several: the ledger's leases keep them apart. A drain that
dies leaves claims whose leases run out; nothing else depends on how it ends.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any, Self

from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.drain_loop import DrainLoop
from postback_pipeline.delivery.enqueue import rules_of
from postback_pipeline.delivery.pause_mark import mark_of
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.delivery.transport import Transport, WireTransport
from postback_pipeline.destinations.base import Destination
from postback_pipeline.ledger import Ledger
from postback_pipeline.settings import Delivery, DestinationSettings, Mode, Settings, load_env_file

#: Objects that may be made before the youngest are looked through; Python itself says 700.
_COLLECT_AFTER = 20_000
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def drain(
    name: str,
    destination: Destination,
    destination_settings: DestinationSettings,
    ledger: Ledger,
    transport: Transport,
    delivery: Delivery,
    *,
    stop: asyncio.Event | None = None,
    environment: Mapping[str, str] = os.environ,
    owner: str | None = None,
) -> DrainReport:
    """Sends what is due to one destination.

    Set `stop`, or cancel, to end early: what is in flight finishes and is recorded, the rest goes back. Secrets are
    looked up in `environment`; `owner` names the holder of the claims for people (default: this host and process).

    Raises:
        LedgerUnavailable: the database went away. What was not recorded becomes unknown when its lease runs out.
    """
    holder = owner or f"{socket.gethostname()}:{os.getpid()}"
    desk = Desk(name, ledger, rules_of(destination, destination_settings), delivery.lease_seconds, holder)
    sender = Sender(destination, transport, destination_settings.deadline_seconds, environment, desk.now)
    loop = DrainLoop(
        desk,
        sender,
        destination.capabilities,
        destination_settings,
        delivery,
        mark=mark_of(name, destination, ledger.identity.ledger_id, environment),
        stop=stop or asyncio.Event(),
    )
    task = asyncio.create_task(loop.run())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        loop.stop.set()
        await asyncio.gather(task, return_exceptions=True)
        raise


def transport_of(destination_settings: DestinationSettings, *, at_test_facility: bool = False) -> Transport:
    """The transport that a destination's mode allows: loopback in test mode, public addresses in live mode.

    In test mode a vendor's own test facility is reached at its public address.
    """
    live = destination_settings.mode is Mode.LIVE or at_test_facility
    allow_http = bool(destination_settings.options.get("allow_http", False))
    return WireTransport("public" if live else "loopback", allow_http=allow_http)


def run_drain(
    name: str,
    destination: Destination,
    settings: Settings,
    ledger: Ledger,
    *,
    tell: Callable[[DrainReport], object] = lambda report: None,
) -> DrainReport:
    """Drains a configured destination from code without an event loop.

    SIGINT and SIGTERM end it cleanly first and reach their former handlers afterwards, which may well raise; `tell`
    is called in between.

    Raises:
        LedgerUnavailable: as `drain`.
    """
    destination_settings = settings.destinations[name]
    load_env_file(settings.file)

    async def run(signals: _Signals) -> DrainReport:
        stop = signals.stop_on_receipt()
        async with transport_of(destination_settings, at_test_facility=destination.at_test_facility) as transport:
            return await drain(name, destination, destination_settings, ledger, transport, settings.delivery, stop=stop)

    with _Signals() as signals, _rare_collections(), asyncio.Runner(loop_factory=_new_event_loop) as runner:
        report = runner.run(run(signals))
        tell(report)
    return report


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Lets Python look for unreachable cycles less often: a drain makes many small objects and hardly a cycle."""
    former = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *former[1:])
    try:
        yield
    finally:
        gc.set_threshold(*former)


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        # It is not made for Windows.
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class _Signals:
    """Holds signals back while a drain ends, and passes the first one on afterwards."""

    def __init__(self) -> None:
        self._former: dict[signal.Signals, Any] = {}
        self._received: signal.Signals | None = None
        self._stop: Callable[[], object] = lambda: None

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere signals are its business anyway.
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._receive) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler or signal.SIG_DFL)
        if self._received is not None:
            signal.raise_signal(self._received)

    def stop_on_receipt(self) -> asyncio.Event:
        """An event of the running loop that the first signal sets."""
        stop = asyncio.Event()
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set)
        if self._received is not None:
            stop.set()
        return stop

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        self._received = self._received or signal.Signals(number)
        # A loop that is closed already has nothing to stop.
        with suppress(RuntimeError):
            self._stop()
