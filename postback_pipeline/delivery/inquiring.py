"""Asking receivers that judge later what became of what they accepted.

Belongs here: one round of questions. Does not belong here: how a question looks (the adapter), when to ask and what
follows from an answer (the ledger's `receipts`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.ledger import Inquiry
from postback_pipeline.model import Later

#: Receipts that are asked about in one round, and at a time.
MOST = 500
AT_ONCE = 4


async def inquire(desk: Desk, sender: Sender, may_go_on: Callable[[], bool]) -> int:
    """Asks about every receipt that is due, and returns how many postbacks have their verdict now.

    What gives no answer counts as not judged yet: it is asked again later.

    Raises:
        LedgerUnavailable: the database went away.
    """
    inquiries = await desk.inquiries(MOST)
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(inquiry: Inquiry) -> int:
        async with gate:
            if not may_go_on():
                return 0
            verdict = await sender.ask(inquiry)
            later, reason = (Later.PENDING, "") if verdict is None else (verdict.later, verdict.reason)
            return await desk.heed(inquiry.receipt_id, later, reason)

    return sum(await asyncio.gather(*map(ask, inquiries)))
