"""Three ways to run a sandbox: in an event loop, in a thread, in the foreground.

Belongs here: starting and stopping. Does not belong here: HTTP (`server.py`), the command line (`cli/`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from aiohttp import web

from postback_pipeline.sandbox.behaviour import SandboxConfig, SandboxError
from postback_pipeline.sandbox.server import Sandbox

HOST = "127.0.0.1"


@asynccontextmanager
async def serve_sandbox(
    log: Path, behaviour: SandboxConfig | None = None, *, port: int = 0, host: str = HOST
) -> AsyncIterator[Sandbox]:
    """Serves a sandbox in the running event loop; `port` 0 takes a free one, `sandbox.url` tells which.

    Raises:
        SandboxError: the port is taken, the log cannot be written, or a secret is not set.
    """
    sandbox = Sandbox(log, behaviour or SandboxConfig())
    runner = web.AppRunner(sandbox.application(), access_log=None, shutdown_timeout=0.5)
    try:
        await runner.setup()
        await _listen(runner, host, port)
        sandbox.url = f"http://{host}:{runner.addresses[0][1]}"
        yield sandbox
    finally:
        await runner.cleanup()
        sandbox.close()


@contextmanager
def sandbox_thread(
    log: Path, behaviour: SandboxConfig | None = None, *, port: int = 0, host: str = HOST
) -> Iterator[Sandbox]:
    """Serves a sandbox in a thread of its own. Raises like `serve_sandbox`."""
    ready: Future[tuple[Sandbox, Callable[[], object]]] = Future()

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        async with serve_sandbox(log, behaviour, port=port, host=host) as sandbox:
            ready.set_result((sandbox, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    sandbox, stop = ready.result()
    try:
        yield sandbox
    finally:
        stop()
        thread.join()


def run_sandbox(
    port: int,
    log: Path,
    behaviour: SandboxConfig | None = None,
    host: str = HOST,
    *,
    started: Callable[[Sandbox], object] = lambda _: None,
) -> None:
    """Serves a sandbox until SIGINT or SIGTERM; calls `started` once it listens. Raises like `serve_sandbox`."""

    async def serve() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with serve_sandbox(log, behaviour, port=port, host=host) as sandbox:
            started(sandbox)
            await stop.wait()

    asyncio.run(serve())


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error.strerror
        raise SandboxError(f"The sandbox cannot listen on {host}:{port}: {reason}. Try another port.") from error
