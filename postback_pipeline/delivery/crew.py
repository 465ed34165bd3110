"""The senders of a drain: each takes one parcel after the other, as long as there is one that may leave.

Belongs here: a parcel's way from the supply to the recorder, and how many senders there are. Does not belong here:
what an exchange means (`judging`, `standing`), waiting for claims and for a destination to come back (`drain_loop`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.judging import Judgement
from postback_pipeline.delivery.pacing import Turns
from postback_pipeline.delivery.parcels import Parcel, halved, parts, whole
from postback_pipeline.delivery.recorder import Recorder
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.delivery.span import Span
from postback_pipeline.delivery.standing import Standing
from postback_pipeline.delivery.supply import Supply
from postback_pipeline.delivery.tally import Tally


class Crew:
    """As many senders as the window allows; one that finds nothing to send ends.

    Args:
        may_go_on: whether anything may leave at all.
        changed: is set when a sender ended.
        turns: None without a rate.
    """

    def __init__(
        self,
        desk: Desk,
        sender: Sender,
        supply: Supply,
        standing: Standing,
        recorder: Recorder,
        tally: Tally,
        span: Span,
        *,
        may_go_on: Callable[[], bool],
        changed: asyncio.Event,
        turns: Turns | None,
    ) -> None:
        self._desk = desk
        self._sender = sender
        self._supply = supply
        self._standing = standing
        self._recorder = recorder
        self._tally = tally
        self._span = span
        self._may_go_on = may_go_on
        self._changed = changed
        self._turns = turns
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._senders: set[asyncio.Task[None]] = set()
        #: What ended a sender that should not have ended; ends the drain.
        self.failure: BaseException | None = None

    def engage(self) -> None:
        """Adds the senders that the window has room for and that find parcels."""
        wanted = min(self._standing.window.size, len(self._senders) + self._supply.parcels)
        while len(self._senders) < wanted:
            task = self._loop.create_task(self._work())
            self._senders.add(task)
            task.add_done_callback(self._ended)

    async def quiet(self) -> None:
        """Returns when nothing is in flight."""
        while self._senders:
            await asyncio.wait(self._senders)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._senders.discard(task)
        self._changed.set()
        if not task.cancelled() and self.failure is None:
            self.failure = task.exception()

    async def _work(self) -> None:
        while True:
            if self._turns is not None:
                await self._wait_turn(self._turns)
            begun_at = clock.now()
            parcel = self._next()
            if parcel is not None:
                await self._deliver(parcel, begun_at)
            elif not await self._supply.give_back_late():
                return

    def _next(self) -> Parcel | None:
        """The next parcel, if it may leave now."""
        window = self._standing.window.size
        if len(self._senders) > window or not self._may_leave():
            return None
        parcel = self._supply.take()
        if not self._standing.tripped:
            self._supply.fetch_ahead(window)
        return parcel

    def _may_leave(self) -> bool:
        return self._may_go_on() and self._standing.may_send and self._recorder.has_room

    async def _wait_turn(self, turns: Turns) -> None:
        # One after the other, so that none takes a turn for a parcel that another one sends.
        async with self._turn:
            if self._supply.ready and self._may_leave():
                turn = await turns.take(self._supply.parcels)
                await self._span.sleep(turn - self._loop.time())

    async def _deliver(self, parcel: Parcel, begun_at: float) -> None:
        judgement = await self._sender.attempt(parcel.claims, begun_at)
        if judgement.elapsed is not None:
            self._tally.request(judgement.elapsed, bisecting=parcel.bisecting)
        if judgement.unmade:
            halves = [Parcel(half, bisecting=parcel.bisecting) for half in halved(parcel.claims)]
            self._supply.put_first([*halves, *whole(parcel.rest)])
        elif judgement.together:
            begun = await self._desk.reattempt(judgement.results, parcel.claims)
            self._supply.put_first([*parts(begun), *whole(parcel.rest)])
        else:
            await self._settle(parcel, judgement)
        await self._standing.heed(judgement)
        if len(self._senders) < self._standing.window.size and self._may_go_on():
            self.engage()

    async def _settle(self, parcel: Parcel, judgement: Judgement) -> None:
        if parcel.rest:
            # Of two halves of which one is clean, the other one holds what is to blame.
            self._supply.put_first(parts(parcel.rest) if judgement.clean else whole(parcel.rest))
        if judgement.results:
            self._recorder.put(judgement.results)
            self._tally.results(judgement.claims, judgement.results, self._span.seconds)
        if judgement.configuration is not None:
            await self._standing.pause(judgement.configuration)
        if judgement.blocked:
            await self._supply.release(judgement.blocked, judgement.refusals)
