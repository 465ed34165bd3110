"""One destination's side of the ledger, for the drain: the ledger's calls in a thread of their own, and the leases.

Belongs here: calling the ledger without blocking the event loop, and knowing how long each claim may still be used.
Leases count by `clock.now`, from before the ledger was asked, so that they end here no later than there. Does not
belong here: when to claim (`supply`), to send (`crew`), to give up (`drain_loop`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

from postback_pipeline.delivery import clock
from postback_pipeline.ledger import Claim, Due, Inquiry, Ledger, LedgerUnavailable, Recorded, Result, Rules
from postback_pipeline.model import Later, State

P = ParamSpec("P")
T = TypeVar("T")

ACTOR = "drain"
#: How long one sweep counts while claims follow one another. Seconds.
SWEEP_SECONDS = 5.0
#: A drain says so often that it is alive, well within what the ledger waits for (`drains.BEAT_LAPSE`). Seconds.
BEAT_SECONDS = 5.0
#: Pause before a database that does not answer is asked again. Seconds.
PAUSE_SECONDS = 0.5


class Desk:
    """Claims, leases and records of one drain. Its methods raise LedgerUnavailable when the database is away.

    What must not get lost, because it tells how attempts ended, is tried again for as long as a lease lasts; after a
    first time in vain everything is tried just once.
    """

    def __init__(self, name: str, ledger: Ledger, rules: Rules, lease_seconds: float, owner: str) -> None:
        self.name = name
        self._ledger = ledger
        self._rules = rules
        self._lease = lease_seconds
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        # One thread, so that one drain uses one connection and its calls keep their order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"ledger-{name}")
        self._held: dict[int, Claim] = {}
        #: Postback id -> when the lease of its claim ends, by `clock.now`; zero once it was lost.
        self.lease_ends: dict[int, float] = {}
        self._swept_at = float("-inf")
        self._clock_offset = timedelta(0)
        self._gave_up = False
        #: Results whose lease another worker had taken over: recorded as such, they changed no state.
        self.stale = 0

    async def open(self) -> None:
        """Learns the ledger's clock."""
        self._clock_offset = await self._call(self._ledger.now) - datetime.now(UTC)

    async def close(self) -> None:
        """Says that the drain ends, and lets the thread go."""
        with suppress(LedgerUnavailable):
            await self._call(self._ledger.leave, self.name, self._owner)
        self._thread.shutdown(wait=False)

    def now(self) -> datetime:
        """The ledger's time. Aware UTC."""
        return datetime.now(UTC) + self._clock_offset

    def monotonic(self, instant: datetime) -> float:
        """An instant of the ledger's clock on the event loop's."""
        return self._loop.time() + (instant - self.now()).total_seconds()

    async def claim(self, limit: int, *, sweep: bool = False) -> list[Claim]:
        """Up to `limit` claims, durable before this returns; sweeps first, now and then or when asked to."""
        if sweep or self._loop.time() - self._swept_at > SWEEP_SECONDS:
            await self._call(self._ledger.sweep, self.name, self._rules)
            self._swept_at = self._loop.time()
        ends_at = clock.now() + self._lease
        claims = await self._call(
            self._ledger.claim, self.name, limit, lease_seconds=self._lease, owner=self._owner, rules=self._rules
        )
        self._hold(claims, ends_at)
        return claims

    async def keep_leases(self, needed: float, every: float) -> None:
        """Every so many seconds renews what would otherwise have less than `needed` left before the next time."""
        while True:
            await asyncio.sleep(every)
            soon = clock.now() + needed + every
            claims = [claim for claim in self._held.values() if self.lease_ends[claim.postback_id] < soon]
            if not claims:
                continue
            ends_at = clock.now() + self._lease
            try:
                renewed = await self._call(self._ledger.renew, claims, self._lease)
            except LedgerUnavailable:
                # The leases run on; what they no longer cover is not sent.
                continue
            kept = {claim.token for claim in renewed}
            for claim in claims:
                # Those that another worker took over meanwhile count as run out. Recorded ones are gone already, and
                # those in another attempt by now have a lease of their own.
                if self._held.get(claim.postback_id) is claim:
                    self.lease_ends[claim.postback_id] = ends_at if claim.token in kept else 0.0

    async def inquiries(self, limit: int) -> list[Inquiry]:
        """Receipts whose later verdict should be asked for now."""
        return await self._call(self._ledger.inquiries, self.name, limit)

    async def heed(self, receipt_id: int, later: Later | None, reason: str) -> int:
        """What a receiver said about one of them; how many postbacks that moved."""
        return await self._call(self._ledger.heed, receipt_id, later, reason)

    async def defer_inquiries(self) -> None:
        """Nothing is asked for a while."""
        await self._call(self._ledger.defer_inquiries, self.name)

    async def keep_beating(self) -> None:
        """Says that the drain is alive, until cancelled."""
        while True:
            with suppress(LedgerUnavailable):
                await self._call(self._ledger.beat, self.name, self._owner)
            await asyncio.sleep(BEAT_SECONDS)

    async def record(self, results: Sequence[Result]) -> Recorded:
        """Records a group durably; returns where the destination stands since."""
        recorded = await self._patiently(lambda: self._call(self._ledger.record, results, rules=self._rules))
        self._drop(result.postback_id for result in results)
        self.stale += recorded.late
        return recorded

    async def reattempt(self, results: Sequence[Result], claims: Sequence[Claim]) -> list[Claim]:
        """Ends attempts that were rejected together and begins the next ones, where the lease was not lost."""
        ends_at = clock.now() + self._lease
        begun = await self._patiently(
            lambda: self._call(self._ledger.reattempt, results, claims, lease_seconds=self._lease)
        )
        self._drop(claim.postback_id for claim in claims)
        self._hold(begun, ends_at)
        self.stale += len(claims) - len(begun)
        return begun

    async def release(self, claims: Sequence[Claim], refusals: Sequence[Result] = ()) -> None:
        """Gives back claims of which no byte was sent, or that came back with these refusals of the set-up."""
        if claims:
            await self._patiently(lambda: self._call(self._ledger.release, claims, refusals))
            self._drop(claim.postback_id for claim in claims)

    async def due(self) -> Due:
        """What the destination's queue asks for now."""
        found = await self._call(self._ledger.due, [self.name])
        return found[self.name]

    async def count(self, *states: State) -> list[int]:
        """How many of the destination's postbacks are in each of these states."""
        found = await self._call(self._ledger.count, self.name, states)
        return [found[state] for state in states]

    async def pause(self, reason: str, mark: str) -> None:
        """Nothing leaves until a person resumes the destination, or the mark changes."""
        pause = partial(self._ledger.pause, self.name, reason=reason, actor=ACTOR, mark=mark)
        await self._patiently(lambda: self._call(pause))

    async def resume_if_changed(self, mark: str) -> None:
        """Ends a pause of the machine's own that was made with another mark."""
        await self._call(self._ledger.resume_if_changed, self.name, mark)

    async def postpone(self, until: datetime, reason: str) -> None:
        """Nothing leaves before this instant, by any worker."""
        await self._call(self._ledger.postpone, self.name, until, reason)

    async def trip(self, reason: str) -> datetime:
        """Opens the breaker for all workers; returns when its probe may leave. UTC."""
        return await self._call(self._ledger.trip, self.name, reason, rules=self._rules)

    async def recover(self) -> None:
        """Closes the breaker for all workers."""
        await self._call(self._ledger.recover, self.name)

    async def take_turns(self, count: int, rate: float) -> float:
        """Reserves turns among all workers; returns when the first one is, on the event loop's clock."""
        first = await self._call(self._ledger.take_turns, self.name, count, rate)
        # By its clock of now: one that was set meanwhile would make every turn as late as it was set ahead.
        await self.open()
        return self.monotonic(first)

    def _hold(self, claims: Iterable[Claim], ends_at: float) -> None:
        for claim in claims:
            self._held[claim.postback_id] = claim
            self.lease_ends[claim.postback_id] = ends_at

    def _drop(self, postback_ids: Iterable[int]) -> None:
        for postback_id in postback_ids:
            self._held.pop(postback_id, None)
            self.lease_ends.pop(postback_id, None)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        gives_up_at = self._loop.time() + self._lease
        while True:
            try:
                return await call()
            except LedgerUnavailable:
                if self._gave_up or self._loop.time() >= gives_up_at:
                    self._gave_up = True
                    raise
                await asyncio.sleep(PAUSE_SECONDS)

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._loop.run_in_executor(self._thread, partial(function, *args, **kwargs))
