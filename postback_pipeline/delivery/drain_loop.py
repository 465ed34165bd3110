"""The loop of one drain: what it holds, when it sends, waits, pauses and ends.

Belongs here: the order of things. Does not belong here: the ledger's calls (`desk`), an attempt (`sending`), what it
means (`judging`), group commit (`recorder`), rates (`pacing`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from datetime import datetime, timedelta

from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.judging import Judgement
from postback_pipeline.delivery.pacing import FAILURES_TO_TRIP, Pace, Window
from postback_pipeline.delivery.recorder import Recorder
from postback_pipeline.delivery.report import DrainReport, Ended
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.delivery.tally import Tally
from postback_pipeline.ledger import Claim
from postback_pipeline.model import State
from postback_pipeline.settings import Delivery, DestinationSettings

#: A rate-limited drain claims about this many seconds' worth at a time, so that a pause is heeded soon.
CLAIM_SECONDS = 5.0
#: Claims per request that may be in flight: few while the receiver's health is in doubt, so that few go back.
CLAIMS_PER_SLOT = 32
#: So often a claim may come back empty although something is due: other workers may just be claiming it.
EMPTY_CLAIMS = 3


class DrainLoop:
    """One drain of one destination; `run` once. Setting `stop` ends it early and cleanly."""

    def __init__(
        self, desk: Desk, sender: Sender, settings: DestinationSettings, delivery: Delivery, stop: asyncio.Event
    ) -> None:
        self.stop = stop
        self._desk = desk
        self._sender = sender
        self._retry = settings.retry
        self._delivery = delivery
        self._loop = asyncio.get_running_loop()
        self._pace = Pace(settings.rate)
        self._window = Window(settings.concurrency)
        self._tally = Tally()
        self._recorder = Recorder(desk.record, delivery.lease_seconds)
        self._recording = self._loop.create_task(self._recorder.run())
        rated = settings.rate * CLAIM_SECONDS if settings.rate else delivery.claim_rows
        self._limit = min(delivery.claim_rows, max(1, int(rated)))
        # An attempt needs its deadline of a lease, and a little; leases are renewed before less is left.
        slack = delivery.lease_seconds - settings.deadline_seconds
        self._lease_needed = settings.deadline_seconds + slack / 4
        self._renew_every = min(delivery.lease_seconds / 3, slack / 2)
        self._queue: deque[Claim] = deque()
        self._fetch: asyncio.Task[list[Claim]] | None = None
        self._in_flight: set[asyncio.Task[None]] = set()
        self._landed = asyncio.Event()
        self._failure: BaseException | None = None
        self._empty_claims = 0
        self._more = True
        self._postponed_until: datetime | None = None
        self._ended: Ended | None = None
        self._reason: str | None = None

    async def run(self) -> DrainReport:
        """Drains. Whatever happens, what is in flight finishes and is recorded, and the rest goes back."""
        self._started = self._loop.time()
        self._ends_at = self._started + self._delivery.budget_seconds
        leases = self._loop.create_task(self._desk.keep_leases(self._renew_every))
        try:
            await self._desk.open()
            try:
                if self._sender.missing:
                    await self._pause(f"The environment variable {self._sender.missing[0]} is not set.")
                await self._pump()
            finally:
                await self._settle()
            return await self._report(self._loop.time() - self._started)
        finally:
            leases.cancel()
            self._recording.cancel()
            await asyncio.gather(leases, self._recording, return_exceptions=True)
            self._desk.close()

    async def _pump(self) -> None:
        while not self._over():
            if self._postponed_until is not None:
                await self._wait_out(self._postponed_until)
                continue
            if not self._queue:
                await self._refill()
                continue
            while len(self._in_flight) >= self._window.size:
                self._landed.clear()
                await self._landed.wait()
            await self._recorder.room()
            await self._sleep(self._pace.turn(self._loop.time()))
            # What landed meanwhile may have changed everything.
            if self._over() or self._postponed_until is not None:
                continue
            if self._is_too_late(self._queue[0]):
                await self._release_queue()
            else:
                self._launch(self._queue.popleft())
                self._prefetch()

    def _over(self) -> bool:
        if self._ended is None and self.stop.is_set():
            self._ended = "stopped"
        if self._ended is None and self._loop.time() >= self._ends_at:
            self._ended = "budget"
        return self._ended is not None or self._failure is not None or self._recording.done()

    async def _refill(self) -> None:
        """Claims more; if there is nothing to claim, waits for what comes due soon, or ends the drain."""
        claims = await self._claim()
        if claims:
            self._queue.extend(claims)
            self._empty_claims = 0
            return
        await self._quiet()
        due = await self._desk.due()
        wait = None if due.next_due_at is None else self._seconds_until(due.next_due_at)
        if due.paused:
            self._ended, self._reason = "paused", self._reason or await self._desk.pause_reason()
        elif due.count and self._empty_claims < EMPTY_CLAIMS:
            await self._sleep(0.1 * self._empty_claims)
            self._empty_claims += 1
        elif due.count or wait is None or wait > self._delivery.linger_seconds:
            self._ended = self._ended or "drained"
        else:
            await self._sleep(max(wait, 0.01))

    async def _wait_out(self, until: datetime) -> None:
        """Waits until the destination may be called again, with the claims in hand; ends the drain if that is long."""
        wait = self._seconds_until(until)
        if wait > self._delivery.linger_seconds:
            self._ended = "postponed"
        else:
            await self._sleep(wait)
            # What was in flight may have put it off further.
            if self._postponed_until == until:
                self._postponed_until = None

    async def _claim(self) -> list[Claim]:
        fetch, self._fetch = self._fetch, None
        claims = await (fetch or self._fetched(sweep=self._empty_claims > 0))
        self._tally.claimed += len(claims)
        return claims

    async def _fetched(self, *, sweep: bool = False) -> list[Claim]:
        limit = min(self._limit, CLAIMS_PER_SLOT * self._window.size)
        claims = await self._desk.claim(limit, sweep=sweep)
        self._more = len(claims) == limit
        return claims

    def _prefetch(self) -> None:
        """Claims the next rows while the last ones are being sent."""
        if self._more and self._fetch is None and len(self._queue) <= CLAIMS_PER_SLOT // 2 * self._window.size:
            self._fetch = self._loop.create_task(self._fetched())

    def _launch(self, claim: Claim) -> None:
        task = self._loop.create_task(self._attempt(claim))
        self._in_flight.add(task)
        task.add_done_callback(self._land)

    def _land(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._landed.set()
        if not task.cancelled() and self._failure is None:
            self._failure = task.exception()

    def _is_too_late(self, claim: Claim) -> bool:
        """Whether its lease could end before an attempt does, or the receiver's window has closed."""
        expired = claim.expires_at is not None and claim.expires_at <= self._desk.now()
        return expired or self._desk.seconds_left(claim) < self._lease_needed

    async def _attempt(self, claim: Claim) -> None:
        if self._is_too_late(claim):
            await self._release([claim])
            return
        judgement = await self._sender.attempt(claim)
        if judgement.configuration is not None:
            await self._pause(judgement.configuration)
            await self._release([claim])
            if judgement.result is not None:
                # Something came back, so something had left: the attempt's row says so, although it counts nowhere.
                await self._desk.record([judgement.result])
        elif judgement.result is not None:
            self._recorder.put(judgement.result)
            self._tally.results([claim], [judgement.result], self._loop.time() - self._started)
        if judgement.elapsed is not None:
            self._tally.request(judgement.elapsed, bisecting=False)
            await self._heed(judgement)

    async def _heed(self, judgement: Judgement) -> None:
        """What the exchange says about the receiver's health."""
        result = judgement.result
        if result is None or judgement.configuration is not None:
            return
        if not judgement.failed:
            self._window.succeeded()
            return
        tripped = self._window.failed()
        if result.retry_after is not None:
            await self._postpone(result.retry_after, result.reason)
        elif tripped and self._postponed_until is None:
            seconds = self._window.trip(self._retry.first_seconds, self._retry.max_seconds)
            reason = f"{FAILURES_TO_TRIP} attempts in a row failed, the last one: {result.reason}"
            await self._postpone(self._desk.now() + timedelta(seconds=seconds), reason)

    async def _postpone(self, until: datetime, reason: str) -> None:
        if until > max(self._desk.now(), self._postponed_until or until - timedelta(seconds=1)):
            self._postponed_until, self._reason = until, reason
            await self._desk.postpone(until, reason)

    async def _pause(self, reason: str) -> None:
        if self._ended != "paused":
            self._ended, self._reason = "paused", reason
            await self._desk.pause(reason)

    async def _release(self, claims: list[Claim]) -> None:
        await self._desk.release(claims)
        self._tally.released += len(claims)

    async def _release_queue(self) -> None:
        if self._fetch is not None:
            self._queue.extend(await self._claim())
        claims = list(self._queue)
        self._queue.clear()
        await self._release(claims)

    async def _quiet(self) -> None:
        """Waits until nothing is in flight and everything is recorded."""
        if self._in_flight:
            await asyncio.wait(self._in_flight)
        await self._recorder.flushed()

    async def _settle(self) -> None:
        try:
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            self._recorder.close()
            await self._recording
        finally:
            await self._release_queue()
        if self._failure is not None:
            raise self._failure

    def _seconds_until(self, instant: datetime) -> float:
        return (instant - self._desk.now()).total_seconds()

    async def _sleep(self, seconds: float) -> None:
        """Waits, but not beyond the budget, and wakes when told to stop."""
        seconds = min(seconds, self._ends_at - self._loop.time())
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), seconds)

    async def _report(self, seconds: float) -> DrainReport:
        due = await self._desk.due()
        parked, expired = await self._desk.count(State.PARKED, State.EXPIRED)
        return self._tally.report(
            self._desk.name,
            self._ended or "drained",
            self._reason if self._ended in ("paused", "postponed") else None,
            stale=self._recorder.stale,
            seconds=seconds,
            due=due,
            parked=parked,
            expired=expired,
        )
