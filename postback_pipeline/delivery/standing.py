"""Where a destination stands, as one drain knows it: paused, put off, or in doubt; and what that means for the others.

Belongs here: what an exchange, or a word from the ledger, says about the destination as a whole. Does not belong here:
what it says about a postback (`judging`), what the drain does then (`drain_loop`).

What one worker finds out all others hear from the ledger with their next group of results. The breaker is moved here
only after it was moved there: the desk's calls keep their order, so a group that was recorded before is heard before.
"""

from __future__ import annotations

from datetime import datetime

from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.judging import Judgement
from postback_pipeline.delivery.pacing import Window
from postback_pipeline.ledger import Recorded


class Standing:
    """The pause, the instant before which nothing leaves, the breaker, and how much may be in flight.

    Args:
        mark: of the secrets that are used (`pause_mark`).
    """

    def __init__(self, desk: Desk, concurrency: int, mark: str) -> None:
        self._desk = desk
        self._mark = mark
        self.window = Window(concurrency)
        self.paused = False
        self.put_off_until: datetime | None = None
        #: The breaker is open: nothing but single probes leaves.
        self.tripped = False
        #: Why it is paused or put off.
        self.reason: str | None = None

    @property
    def may_send(self) -> bool:
        """Whether anything may leave now."""
        return not self.paused and self.put_off_until is None

    async def begin(self, missing: tuple[str, ...]) -> None:
        """Learns where it stands; ends a pause whose cause has gone; pauses where a secret is missing."""
        if missing:
            await self.pause(f"The environment variable {missing[0]} is not set.")
            return
        due = await self._desk.due()
        if due.paused:
            await self._desk.resume_if_changed(self._mark)
        if due.trips:
            self._doubt()

    def hear(self, recorded: Recorded) -> None:
        """Where it stands since the last group of results was recorded."""
        self.paused = self.paused or recorded.paused
        if recorded.not_before is not None:
            self._put_off(recorded.not_before)
        if recorded.trips and not self.tripped:
            self._doubt()
        elif not recorded.trips:
            self.tripped = False

    async def heed(self, judgement: Judgement) -> None:
        """What an exchange says about the receiver's health."""
        if judgement.configuration is not None or (judgement.elapsed is None and not judgement.failed):
            return
        if not judgement.failed:
            self.window.succeeded()
            if self.tripped:
                await self._desk.recover()
                self.tripped = False
            return
        trips = self.window.failed(judgement.elapsed or 0.0) or self.tripped
        if judgement.retry_after is not None and await self.put_off(judgement.retry_after, judgement.reason):
            return
        if trips and self.put_off_until is None:
            failures = self.window.failures
            said = "a probe failed" if failures == 1 else f"{failures} attempts in a row failed, the last one"
            await self._trip(f"{said}: {judgement.reason}")

    async def put_off(self, until: datetime, reason: str) -> bool:
        """Leaves it alone until then, as all others do; whether that is later than it was."""
        if not self._put_off(until):
            return False
        self.reason = reason
        await self._desk.postpone(until, reason)
        return True

    async def pause(self, reason: str) -> None:
        """Pauses it, once; of many that are in flight only the first one says why."""
        if not self.paused:
            self.paused, self.reason = True, reason
            await self._desk.pause(reason, self._mark)

    def wait_is_over(self, until: datetime) -> None:
        """It was left alone until this instant; what was in flight may have put it off further."""
        if self.put_off_until == until:
            self.put_off_until = None

    def _put_off(self, until: datetime) -> bool:
        known = self.put_off_until
        if until <= self._desk.now() or (known is not None and until <= known):
            return False
        self.put_off_until = until
        return True

    async def _trip(self, reason: str) -> None:
        self.reason = reason
        self.window.doubt()
        until = await self._desk.trip(reason)
        self._doubt()
        self._put_off(until)

    def _doubt(self) -> None:
        self.tripped = True
        self.window.doubt()
