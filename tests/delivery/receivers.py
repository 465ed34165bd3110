"""Receivers on loopback that note every request they read and answer as told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Hit:
    """One fully read request."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A running receiver and what reached it."""

    url: str = ""
    hits: list[Hit] = field(default_factory=list)

    @property
    def orders(self) -> list[str]:
        """The transaction id of every hit, in order of arrival."""
        return [dict(hit.query)["tid"] for hit in self.hits]


Answer = Callable[[web.Request, Receiver], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def receiving(answer: Answer) -> AsyncIterator[Receiver]:
    """A receiver that reads each request, notes it, and then answers."""
    receiver = Receiver()

    async def handle(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query = list(request.query.items())
        receiver.hits.append(Hit(request.method, request.raw_path, query, dict(request.headers), body))
        return await answer(request, receiver)

    app = web.Application()
    app.router.add_route("*", r"/{path:[\s\S]*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@contextmanager
def receiving_elsewhere(answer: Answer) -> Iterator[Receiver]:
    """A receiver in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    running = receiving(answer)
    try:
        yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def replying(status: int, text: str = "", **headers: str) -> Answer:
    """Always the same reply; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def reply(request: web.Request, receiver: Receiver) -> web.Response:
        return web.Response(status=status, text=text, headers=named)

    return reply


ok = replying(200, "OK")


async def reset(request: web.Request, receiver: Receiver) -> web.Response:
    """Cuts the connection after the request was read."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def hang(request: web.Request, receiver: Receiver) -> web.Response:
    """Says nothing for longer than any test waits."""
    await asyncio.sleep(30)
    return web.Response()


@dataclass
class Changing:
    """Answers in one way until it is told another."""

    answer: Answer

    async def __call__(self, request: web.Request, receiver: Receiver) -> web.StreamResponse:
        return await self.answer(request, receiver)


def slow(seconds: float) -> Answer:
    """Takes everything, after a while."""

    async def reply(request: web.Request, receiver: Receiver) -> web.Response:
        await asyncio.sleep(seconds)
        return web.Response(text="OK")

    return reply
