"""procrastinate: a job per row in PostgreSQL, one worker with so many jobs at once, httpx within.

Jobs are deferred before the stopwatch, as enqueuing is for the engine.
"""

from __future__ import annotations

import asyncio

from benchmarks.deliver.stopwatch import Stopwatch
from benchmarks.deliver.task import Task

_JOBS_PER_DEFER = 1_000


def work(task: Task, stopwatch: Stopwatch) -> None:
    """One worker until the queue is empty."""
    asyncio.run(_work(task, stopwatch))


async def _work(task: Task, stopwatch: Stopwatch) -> None:
    import httpx
    import procrastinate

    assert task.database is not None
    url = f"{task.url}/hook"
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=task.database))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx.AsyncClient(limits=limits, timeout=60)

    async def post(number: int) -> None:
        headers = {"Content-Type": "application/json", "webhook-id": task.key_of(number)}
        (await client.post(url, content=task.body_of(number), headers=headers)).raise_for_status()

    job = app.task(name="post")(post)
    async with app.open_async(), client:
        await app.schema_manager.apply_schema_async()
        for first in range(0, task.rows, _JOBS_PER_DEFER):
            numbers = range(first, min(first + _JOBS_PER_DEFER, task.rows))
            await job.batch_defer_async(*({"number": number} for number in numbers))
        with stopwatch:
            await app.run_worker_async(
                wait=False, concurrency=task.in_flight, install_signal_handlers=False, listen_notify=False
            )
