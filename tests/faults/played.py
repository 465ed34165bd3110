"""Drains against a receiver of any temper, in this process: for faults that lie in what a receiver does.

Belongs here: playing them. Does not belong here: what is checked (`oracle`), faults of processes (`processes`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.ledger import Ledger, Story
from postback_pipeline.model import State
from tests.delivery.lines import Clock, Line, desired, line_at
from tests.delivery.receivers import Answer, Receiver, receiving
from tests.faults.oracle import PIXEL, Book, account, orders

T = TypeVar("T")


@dataclass
class Play:
    """A line to a receiver, what that noted, and how every drain ended."""

    line: Line
    receiver: Receiver
    book: Book
    reports: list[DrainReport] = field(default_factory=list)

    async def drain(self, times: int = 1, **forward: float) -> None:
        """Drains, and moves the ledger's clock on after each time."""
        for _ in range(times):
            self.reports.append(await self.line.drain())
            if forward:
                self.line.clock.forward(**forward)

    def fill(self, rows: int) -> None:
        """Enqueues orders 0 to `rows` - 1."""
        self.line.enqueue(*(desired(number) for number in range(rows)))

    @property
    def states(self) -> list[State]:
        """Of all postbacks, oldest first."""
        return self.line.states()

    @property
    def stories(self) -> list[Story]:
        """Of all postbacks, oldest first."""
        return self.line.stories()

    def account(self, rows: int) -> None:
        """The four checks."""
        account(self.stories, self.book.hits, deduplicates=self.line.rules.deduplicates, wanted=orders(rows))


@asynccontextmanager
async def playing(
    answer: Answer, ledger: Ledger, clock: Clock, *, kind: str = PIXEL, options: str = "", **delivery: Any
) -> AsyncIterator[Play]:
    """A running receiver and a line to it."""
    book = Book()
    async with receiving(book.noting(answer)) as receiver:
        yield Play(line_at(receiver.url, ledger, clock, kind, options, **delivery), receiver, book)


def play(
    answer: Answer,
    ledger: Ledger,
    clock: Clock,
    acts: Callable[[Play], Awaitable[T]],
    *,
    kind: str = PIXEL,
    options: str = "",
    **delivery: Any,
) -> T:
    """Plays some acts from beginning to end."""

    async def go() -> T:
        async with playing(answer, ledger, clock, kind=kind, options=options, **delivery) as begun:
            return await acts(begun)

    return asyncio.run(go())


def once(
    answer: Answer, ledger: Ledger, clock: Clock, rows: int, *, kind: str = PIXEL, options: str = "", **delivery: Any
) -> Play:
    """Some orders, one drain, and the four checks."""

    async def acts(begun: Play) -> Play:
        begun.fill(rows)
        await begun.drain()
        begun.account(rows)
        return begun

    return play(answer, ledger, clock, acts, kind=kind, options=options, **delivery)
