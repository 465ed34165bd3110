"""The loop of one drain: what happens when its senders have nothing to send, and how it ends.

Belongs here: the order of things. Does not belong here: sending (`crew`), claims (`supply`), the ledger's calls
(`desk`), group commit (`recorder`), where the destination stands (`standing`).
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from postback_pipeline.delivery.crew import Crew
from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.inquiring import Inquirer
from postback_pipeline.delivery.pacing import Turns
from postback_pipeline.delivery.recorder import Recorder
from postback_pipeline.delivery.report import DrainReport, Ended
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.delivery.span import Span
from postback_pipeline.delivery.standing import Standing
from postback_pipeline.delivery.supply import Supply
from postback_pipeline.delivery.tally import Tally
from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.model import State
from postback_pipeline.settings import Delivery, DestinationSettings

#: So often a claim may come back empty although something is due: other workers may just be claiming it.
EMPTY_CLAIMS = 3
#: So much of its budget a drain may ask for later verdicts before it sends; the rest it asks when all is sent.
ASKING_SHARE = 0.1


class DrainLoop:
    """One drain of one destination; `run` once. Setting `stop` ends it early and cleanly.

    Args:
        mark: of the secrets that are used (`pause_mark`).
    """

    def __init__(
        self,
        desk: Desk,
        sender: Sender,
        capabilities: Capabilities,
        settings: DestinationSettings,
        delivery: Delivery,
        *,
        mark: str,
        stop: asyncio.Event,
    ) -> None:
        self.stop = stop
        self._desk = desk
        self._sender = sender
        self._judges_later = capabilities.judges_later
        self._linger = delivery.linger_seconds
        self._budget = delivery.budget_seconds
        self._loop = asyncio.get_running_loop()
        self._span = Span(delivery.budget_seconds, stop)
        self._changed = asyncio.Event()
        self._tally = Tally()
        self._standing = Standing(desk, settings.concurrency, mark)
        self._recorder = Recorder(desk.record, self._standing.hear)
        self._recording = self._loop.create_task(self._recorder.run())
        turns = _turns(desk, settings.rate, self._loop)
        self._inquirer = Inquirer(desk, sender, self._standing, self._span, turns, settings.concurrency)
        self._supply = Supply(desk, capabilities, settings, delivery, self._tally, self._changed.set)
        self._crew = Crew(
            desk,
            sender,
            self._supply,
            self._standing,
            self._recorder,
            self._tally,
            self._span,
            may_go_on=lambda: not self._over(),
            changed=self._changed,
            turns=turns,
        )
        self._empty_claims = 0
        self._ended: Ended | None = None

    async def run(self) -> DrainReport:
        """Drains. Whatever happens, what is in flight finishes and is recorded, and the rest goes back."""
        background = [self._loop.create_task(each) for each in (self._supply.keep_leases(), self._desk.keep_beating())]
        try:
            await self._desk.open()
            try:
                await self._standing.begin(self._sender.missing)
                await self._ask_and_send()
            finally:
                await self._settle()
            return await self._report(self._span.seconds)
        finally:
            for task in (*background, self._recording):
                task.cancel()
            await asyncio.gather(*background, self._recording, return_exceptions=True)
            await self._desk.close()

    async def _ask_and_send(self) -> None:
        """Asks for later verdicts for a little while, sends, and asks the rest; what a verdict freed leaves as well."""
        if not self._standing.tripped:
            await self._ask(ASKING_SHARE * self._budget)
        await self._pump()
        if self._ended == "drained" and await self._ask(self._budget):
            # What was freed is found by a sweep.
            self._ended, self._empty_claims = None, 1
            await self._pump()

    async def _ask(self, seconds: float) -> int:
        """Asks for so long at most, where anything may leave; returns how many postbacks were judged."""
        if not self._judges_later or not self._standing.may_send:
            return 0
        due = await self._desk.due()
        if due.paused or not due.inquiries:
            return 0
        ends_at = self._loop.time() + seconds
        judged = await self._inquirer.ask_all(lambda: self._may_ask and self._loop.time() < ends_at)
        self._tally.judged += judged
        return judged

    @property
    def _may_ask(self) -> bool:
        return self._span.over is None and self._standing.may_send and self._failure is None

    async def _pump(self) -> None:
        while not self._over():
            if self._standing.put_off_until is not None:
                await self._wait_out(self._standing.put_off_until)
            elif not self._supply.ready:
                await self._refill()
            else:
                await self._recorder.room()
                self._changed.clear()
                self._crew.engage()
                await self._changed.wait()

    def _over(self) -> bool:
        if self._ended is None:
            self._ended = "paused" if self._standing.paused else self._span.over
        return self._ended is not None or self._failure is not None or self._recording.done()

    @property
    def _failure(self) -> BaseException | None:
        return self._crew.failure or self._supply.failure

    async def _refill(self) -> None:
        """Claims more; if there is nothing to claim, waits for what comes due soon, or ends the drain."""
        await self._supply.fetch(self._standing.window.size, sweep=self._empty_claims > 0)
        if len(self._supply):
            self._empty_claims = 0
            return
        await self._crew.quiet()
        await self._recorder.flushed()
        if len(self._supply) or self._over():
            return
        due = await self._desk.due()
        wait = None if due.next_due_at is None else self._seconds_until(due.next_due_at)
        if due.paused:
            self._ended = "paused"
        elif due.count and self._empty_claims < EMPTY_CLAIMS:
            await self._span.sleep(0.1 * self._empty_claims)
            self._empty_claims += 1
        elif due.count or wait is None or wait > self._linger:
            self._ended = self._ended or "drained"
        else:
            await self._span.sleep(max(wait, 0.01))

    async def _wait_out(self, until: datetime) -> None:
        """Waits until the destination may be called again; ends the drain if that is long."""
        if self._standing.tripped:
            # A probe is one postback of all workers, so none may keep others in hand.
            await self._crew.quiet()
            await self._supply.release_all()
        wait = self._seconds_until(until)
        if wait > self._linger:
            self._ended = "postponed"
        else:
            await self._span.sleep(wait)
            self._standing.wait_is_over(until)

    async def _settle(self) -> None:
        try:
            await self._crew.quiet()
            self._recorder.close()
            await self._recording
        finally:
            await self._supply.release_all()
        if self._failure is not None:
            raise self._failure

    def _seconds_until(self, instant: datetime) -> float:
        return (instant - self._desk.now()).total_seconds()

    async def _report(self, seconds: float) -> DrainReport:
        due = await self._desk.due()
        parked, expired = await self._desk.count(State.PARKED, State.EXPIRED)
        ended, reason = self._ended or "drained", None
        if ended in ("paused", "postponed"):
            reason = self._standing.reason or due.reason
        return self._tally.report(
            self._desk.name,
            ended,
            reason,
            stale=self._desk.stale,
            seconds=seconds,
            due=due,
            parked=parked,
            expired=expired,
        )


def _turns(desk: Desk, rate: float | None, loop: asyncio.AbstractEventLoop) -> Turns | None:
    return None if rate is None else Turns(rate, lambda count: desk.take_turns(count, rate), loop.time)
