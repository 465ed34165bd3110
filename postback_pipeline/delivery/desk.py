"""One destination's side of the ledger, for the drain: the ledger's calls in a thread of their own, and the leases.

Belongs here: calling the ledger without blocking the event loop, and knowing how long each claim may still be used.
Leases count by this machine's monotonic clock, from before the ledger was asked, so that they end here no later than
there. Does not belong here: when to claim, send or give up (`drain`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ParamSpec, TypeVar

from postback_pipeline.ledger import Claim, Due, Ledger, LedgerUnavailable, Result, Rules
from postback_pipeline.model import State

P = ParamSpec("P")
T = TypeVar("T")

ACTOR = "drain"
#: How long one sweep counts while claims follow one another. Seconds.
SWEEP_SECONDS = 5.0


class Desk:
    """Claims, leases and records of one drain. Its methods raise LedgerUnavailable when the database is away."""

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
        self._ends: dict[int, float] = {}
        self._swept_at = float("-inf")
        self._clock_offset = timedelta(0)

    async def open(self) -> None:
        """Learns the ledger's clock."""
        self._clock_offset = await self._call(self._ledger.now) - datetime.now(UTC)

    def close(self) -> None:
        """Lets the thread go."""
        self._thread.shutdown(wait=False)

    def now(self) -> datetime:
        """The ledger's time. Aware UTC."""
        return datetime.now(UTC) + self._clock_offset

    def seconds_left(self, claim: Claim) -> float:
        """How long its lease still lasts; negative for one that is not held."""
        return self._ends.get(claim.postback_id, float("-inf")) - self._loop.time()

    async def claim(self, limit: int, *, sweep: bool = False) -> list[Claim]:
        """Up to `limit` claims, durable before this returns; sweeps first, now and then or when asked to."""
        if sweep or self._loop.time() - self._swept_at > SWEEP_SECONDS:
            await self._call(self._ledger.sweep, self.name, self._rules)
            self._swept_at = self._loop.time()
        ends_at = self._loop.time() + self._lease
        claims = await self._call(
            self._ledger.claim, self.name, limit, lease_seconds=self._lease, owner=self._owner, rules=self._rules
        )
        for claim in claims:
            self._held[claim.postback_id] = claim
            self._ends[claim.postback_id] = ends_at
        return claims

    async def keep_leases(self, every: float) -> None:
        """Renews what is held every so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(every)
            if not (claims := list(self._held.values())):
                continue
            ends_at = self._loop.time() + self._lease
            try:
                renewed = await self._call(self._ledger.renew, claims, self._lease)
            except LedgerUnavailable:
                # The leases run on; what they no longer cover is not sent.
                continue
            kept = {claim.postback_id for claim in renewed}
            for claim in claims:
                # Those that another worker took over meanwhile count as run out; recorded ones are gone already.
                if claim.postback_id in self._ends:
                    self._ends[claim.postback_id] = ends_at if claim.postback_id in kept else float("-inf")

    async def record(self, results: Sequence[Result]) -> int:
        """Records a group durably; returns how many came after their lease was lost."""
        recorded = await self._call(self._ledger.record, results, rules=self._rules)
        self._drop(result.postback_id for result in results)
        return recorded.late

    async def release(self, claims: Sequence[Claim]) -> None:
        """Gives back claims of which no byte was sent."""
        if claims:
            await self._call(self._ledger.release, claims)
            self._drop(claim.postback_id for claim in claims)

    async def due(self) -> Due:
        """What the destination's queue asks for now."""
        found = await self._call(self._ledger.due, [self.name])
        return found[self.name]

    async def count(self, *states: State) -> list[int]:
        """How many of the destination's postbacks are in each of these states."""
        found = await self._call(self._ledger.count, self.name, states)
        return [found[state] for state in states]

    async def pause(self, reason: str) -> None:
        """Nothing leaves until a person resumes the destination."""
        await self._call(self._ledger.pause, self.name, reason=reason, actor=ACTOR)

    async def pause_reason(self) -> str | None:
        """Why it is paused, in the words of whoever paused it."""
        status = await self._call(self._ledger.status)
        return next((each.pause_reason for each in status.destinations if each.destination == self.name), None)

    async def postpone(self, until: datetime, reason: str) -> None:
        """Nothing leaves before this instant, by any worker."""
        await self._call(self._ledger.postpone, self.name, until, reason)

    def _drop(self, postback_ids: Iterable[int]) -> None:
        for postback_id in postback_ids:
            self._held.pop(postback_id, None)
            self._ends.pop(postback_id, None)

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._loop.run_in_executor(self._thread, partial(function, *args, **kwargs))
