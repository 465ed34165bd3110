"""Plain loops without a ledger, one per client: so many coroutines take row after row. What is lost stays lost.

Belongs here: the loops that most people would write first. Clients that not every environment has are imported where
they are used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task

_HEADERS = {"Content-Type": "application/json"}


async def _in_flight(task: Task, send: Callable[[int], Awaitable[bool]]) -> None:
    """Sends every row; ends with an error where one was not taken."""
    rows = iter(range(task.rows))

    async def work() -> None:
        for row in rows:
            if not await send(row):
                raise RuntimeError(f"row {row} was not taken")

    await asyncio.gather(*(work() for _ in range(task.in_flight)))


def on_aiohttp(task: Task, stopwatch: Stopwatch) -> None:
    """aiohttp, as it comes."""
    asyncio.run(_aiohttp(task, stopwatch))


def on_aiohttp_and_uvloop(task: Task, stopwatch: Stopwatch) -> None:
    """Aiohttp on the faster event loop."""
    import uvloop

    uvloop.run(_aiohttp(task, stopwatch))


async def _aiohttp(task: Task, stopwatch: Stopwatch) -> None:
    import aiohttp

    url = f"{task.url}/hook"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send(row: int) -> bool:
            headers = {**_HEADERS, "webhook-id": task.key_of(row)}
            async with session.post(url, data=task.body_of(row), headers=headers) as reply:
                await reply.read()
                return reply.status == 200

        with stopwatch:
            await _in_flight(task, send)


def on_httpx(task: Task, stopwatch: Stopwatch) -> None:
    """httpx, with as many connections as requests in flight."""
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    asyncio.run(_httpx(httpx.AsyncClient(limits=limits, timeout=60), task, stopwatch))


def on_httpx2(task: Task, stopwatch: Stopwatch) -> None:
    """httpx2, likewise."""
    import httpx2

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    asyncio.run(_httpx(httpx2.AsyncClient(limits=limits, timeout=60), task, stopwatch))


async def _httpx(client: Any, task: Task, stopwatch: Stopwatch) -> None:
    url = f"{task.url}/hook"

    async def send(row: int) -> bool:
        headers = {**_HEADERS, "webhook-id": task.key_of(row)}
        reply = await client.post(url, content=task.body_of(row), headers=headers)
        return bool(reply.status_code == 200)

    async with client:
        with stopwatch:
            await _in_flight(task, send)


def on_own_transport(task: Task, stopwatch: Stopwatch) -> None:
    """The engine's own transport, and nothing else of the engine: what the ledger and the rest cost on top."""
    import uvloop

    uvloop.run(_own_transport(task, stopwatch))


async def _own_transport(task: Task, stopwatch: Stopwatch) -> None:
    from postback_pipeline.delivery import clock
    from postback_pipeline.delivery.drain import transport_of
    from postback_pipeline.destinations.base import Request
    from postback_pipeline.settings import DestinationSettings

    url = f"{task.url}/hook"
    async with transport_of(DestinationSettings(type="webhook")) as transport:

        async def send(row: int) -> bool:
            headers = {**_HEADERS, "webhook-id": task.key_of(row)}
            exchange = await transport.send(Request("POST", url, headers, task.body_of(row)), ends_at=clock.now() + 60)
            return exchange.reply is not None and exchange.reply.status == 200

        with stopwatch:
            await _in_flight(task, send)
