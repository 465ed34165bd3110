"""Who takes part: under which name, where it lives, and how many rows it gets.

Belongs here: the list. Does not belong here: how any of them sends (`contenders/`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Contender:
    """One way of sending rows."""

    name: str
    #: Module of this package, and the function in it.
    module: str
    function: str
    #: One sends a row after the other, whatever is asked of it.
    serial: bool = False
    #: Rows at once that one process of it sends at most.
    most_in_flight: int | None = None
    #: It lives in the peers' environment, not in this project's.
    peer: bool = False
    #: It needs a database on the PostgreSQL server.
    postgresql: bool = False
    #: Its rows arrive at the receiver.
    sends: bool = True
    #: Of the rows asked for, this share: a rate is per row, and slow ones would take for ever. Without latency, with.
    share: float = 1.0
    share_with_latency: float = 1.0

    def rows(self, rows: int, latency_ms: int) -> int:
        """How many it gets of `rows`."""
        return max(1, int(rows * (self.share_with_latency if latency_ms else self.share)))

    def in_flight(self, latency_ms: int) -> int:
        """How many requests it may have under way: enough that latency does not decide, where it can."""
        if self.serial:
            return 1
        asked = 512 if latency_ms else 64
        return min(asked, self.most_in_flight or asked)


CONTENDERS = (
    Contender("postback_sqlite", "contenders.engine", "webhook"),
    Contender("postback_postgresql", "contenders.engine", "webhook", postgresql=True),
    Contender("postback_get", "contenders.engine", "get"),
    Contender("postback_batch", "contenders.engine", "batch", most_in_flight=8, share=5.0, share_with_latency=5.0),
    Contender("own_transport", "contenders.loop", "on_own_transport"),
    Contender("aiohttp", "contenders.loop", "on_aiohttp"),
    Contender("aiohttp_uvloop", "contenders.loop", "on_aiohttp_and_uvloop"),
    Contender("httpx", "contenders.loop", "on_httpx", share=0.1, share_with_latency=0.1),
    Contender("httpx2", "contenders.loop", "on_httpx2", peer=True, share=0.2, share_with_latency=0.1),
    Contender("drt", "contenders.drt_sync", "sync", peer=True, serial=True, share=0.1, share_with_latency=0.01),
    Contender(
        "dlt", "contenders.dlt_destination", "one_file", peer=True, serial=True, share=0.1, share_with_latency=0.01
    ),
    Contender(
        *("dlt_parallel", "contenders.dlt_destination", "many_files"),
        peer=True,
        # As many as it has workers by default.
        most_in_flight=20,
        share=0.1,
        share_with_latency=0.1,
    ),
    Contender(
        *("procrastinate", "contenders.procrastinate_queue", "work"),
        peer=True,
        postgresql=True,
        share=0.05,
        share_with_latency=0.05,
    ),
)
BY_NAME = {contender.name: contender for contender in CONTENDERS}
