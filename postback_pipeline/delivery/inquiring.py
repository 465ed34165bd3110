"""Asking receivers that judge later what became of what they accepted.

Belongs here: one round of questions. Does not belong here: how a question looks (the adapter), when to ask and what
follows from an answer (the ledger's `receipts`), when a drain asks (`drain_loop`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.pacing import Turns
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.delivery.span import Span
from postback_pipeline.delivery.standing import Standing
from postback_pipeline.ledger import Inquiry

#: Receipts that are read at a time, and asked about at a time.
MOST = 500
AT_ONCE = 4
#: After so many questions in a row that brought no answer, a round ends.
FAILURES_TO_STOP = 3


class Inquirer:
    """Asks, at the destination's rate and never more at a time than it takes.

    Args:
        turns: None without a rate.
        concurrency: the destination's.
    """

    def __init__(
        self, desk: Desk, sender: Sender, standing: Standing, span: Span, turns: Turns | None, concurrency: int
    ) -> None:
        self._desk = desk
        self._sender = sender
        self._standing = standing
        self._span = span
        self._turns = turns
        self._at_once = min(AT_ONCE, concurrency)
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._failures = 0

    async def ask_all(self, may_go_on: Callable[[], bool]) -> int:
        """Asks about every receipt that is due, and returns how many postbacks have their verdict now.

        What gives no answer is asked again later; where several in a row give none, so are all the others.

        Raises:
            LedgerUnavailable: the database went away.
        """
        judged, self._failures = 0, 0
        while may_go_on() and self._failures < FAILURES_TO_STOP:
            inquiries = await self._desk.inquiries(MOST)
            if not inquiries:
                break
            judged += await self._ask_these(inquiries, may_go_on)
        if self._failures >= FAILURES_TO_STOP:
            await self._desk.defer_inquiries()
        return judged

    async def _ask_these(self, inquiries: Sequence[Inquiry], may_go_on: Callable[[], bool]) -> int:
        waiting = iter(inquiries)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._work(waiting, may_go_on)) for _ in range(self._at_once)]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return sum(task.result() for task in tasks)

    async def _work(self, waiting: Iterator[Inquiry], may_go_on: Callable[[], bool]) -> int:
        judged = 0
        for inquiry in waiting:
            await self._wait_turn()
            if not may_go_on() or self._failures >= FAILURES_TO_STOP:
                break
            judged += await self._ask(inquiry)
        return judged

    async def _ask(self, inquiry: Inquiry) -> int:
        heard = await self._sender.ask(inquiry)
        if heard.retry_after is not None:
            await self._standing.put_off(heard.retry_after, "asked for a verdict, it wants to wait")
        if heard.verdict is not None:
            self._failures = 0
            return await self._desk.heed(inquiry.receipt_id, heard.verdict.later, heard.verdict.reason)
        self._failures += 1
        return await self._desk.heed(inquiry.receipt_id, None, "")

    async def _wait_turn(self) -> None:
        if self._turns is not None:
            async with self._turn:
                turn = await self._turns.take(1)
                await self._span.sleep(turn - self._loop.time())
