"""The sandbox's web application.

Belongs here: HTTP and the log file. Does not belong here: what is answered (`judge.py`), starting and stopping
(`running.py`).

A request is answered only after its line was handed to the operating system with one unbuffered write: whatever a
client saw answered is in the log, also when the sandbox is killed. It does not wait for the disk. A log that is there
already is read first, so a restarted sandbox still knows what it took.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from postback_pipeline.sandbox.batch import batch_answer, messages_of
from postback_pipeline.sandbox.behaviour import Behaviour, SandboxConfig, SandboxError, read_config
from postback_pipeline.sandbox.dialects import dialect_of, spoken
from postback_pipeline.sandbox.entry import Entry, line, read_entry
from postback_pipeline.sandbox.judge import Answer, attempt_of, identify, is_signed, refuse, take
from postback_pipeline.sandbox.page import render_page
from postback_pipeline.sandbox.tally import Receiver, Tally

MAX_BODY = 16 * 1024 * 1024
SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
PAGE = SAFE | {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}


class Sandbox:
    """A stand-in network; made by `serve_sandbox`, `sandbox_thread` or `run_sandbox`.

    From another thread than its own, call its methods only while no request is under way.
    """

    #: `http://host:port`, without a slash at the end.
    url: str = ""

    def __init__(self, log: Path, behaviour: SandboxConfig) -> None:
        """Remembers what `log` holds and appends to it.

        Raises:
            SandboxError: the log cannot be written, holds something else, or a secret is not set.
        """
        self.behave(behaviour)
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            self._tally = _remembered(log)
            self._file = log.open("ab", buffering=0)
        except OSError as error:
            raise SandboxError(f"{log}: the sandbox's log cannot be read and written: {error.strerror}.") from error

    def behave(self, behaviour: SandboxConfig) -> None:
        """Changes the behaviour from the next request on; what was received stays.

        Raises:
            SandboxError: the variable of a secret is not set.
        """
        named = [each.secret_env for each in (behaviour.default, *behaviour.receivers.values()) if each.secret_env]
        missing = [name for name in named if not os.environ.get(name)]
        if missing:
            raise SandboxError(f"secret_env names the environment variable {missing[0]}, which is not set. Set it.")
        self._secrets = {name: os.environ[name] for name in named}
        self._behaviour = behaviour
        self._arrivals: Counter[str] = Counter()

    def summary(self) -> dict[str, Any]:
        """`receivers` (name -> counts and values) and `last` (log entries, newest first)."""
        return self._tally.summary()

    def close(self) -> None:
        """Closes the log."""
        self._file.close()

    def application(self) -> web.Application:
        """Its own pages; every other path is a receiver's."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_get("/", self._page)
        application.router.add_get("/favicon.ico", self._no_icon)
        application.router.add_get("/_received.json", self._received)
        application.router.add_post("/_behaviour", self._set_behaviour)
        application.router.add_route("*", "/{path:.*}", self._receive)
        return application

    async def _page(self, request: web.Request) -> web.Response:
        if request.query_string:
            return await self._receive(request)
        return web.Response(text=render_page(self.summary()), content_type="text/html", headers=PAGE)

    async def _no_icon(self, _: web.Request) -> web.Response:
        return web.Response(status=404)

    async def _received(self, _: web.Request) -> web.Response:
        return web.json_response(self.summary(), headers=SAFE)

    async def _set_behaviour(self, request: web.Request) -> web.Response:
        # A page of another origin cannot send this type without asking first, and it is never told yes.
        if request.content_type != "application/json":
            return web.json_response({"error": "Send JSON as application/json."}, status=415)
        try:
            self.behave(read_config(await request.json(), "_behaviour"))
        except (ValueError, SandboxError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response(self._behaviour.model_dump())

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        now = datetime.now(UTC)
        entry = read_entry(
            time=now, method=request.method, target=request.raw_path, content_type=request.content_type, body=body
        )
        name = entry["receiver"]
        behaviour, receiver = self._behaviour.of(name), self._tally.of(name)
        self._arrivals[name] += 1
        accept = dialect_of(name)
        known = None if accept else identify(entry, request.headers, behaviour)
        entry["id"] = known or f"{name}-{receiver.answers.total() + 1}"
        signed = behaviour.secret_env is None or is_signed(
            self._secrets[behaviour.secret_env], request.headers, body, now
        )
        in_words = spoken(accept, entry, request.raw_path) if accept else None
        answer = self._answer(entry, behaviour, receiver, in_words, signed=signed)
        if behaviour.delay_seconds:
            await asyncio.sleep(behaviour.delay_seconds)
        return web.Response(
            status=answer.status, body=answer.body, content_type=answer.content_type, headers={**SAFE, **answer.headers}
        )

    def _answer(
        self, entry: Entry, behaviour: Behaviour, receiver: Receiver, in_words: Answer | None, *, signed: bool
    ) -> Answer:
        """Logs and remembers what a request brought; a batch that is refused is refused for each of its messages."""
        seed, messages = self._behaviour.seed, None if in_words else messages_of(entry)
        for number, message in enumerate(messages or ()):
            message["id"] = identify(message, {}, behaviour) or f"{entry['id']}-{number}"
        attempt = attempt_of(entry, messages[0] if messages else entry, receiver, seed=seed)
        refusal = refuse(entry, behaviour, arrival=self._arrivals[entry["receiver"]], attempt=attempt, signed=signed)
        brought = [entry] if messages is None else messages
        if refusal is not None:
            self._write(brought, [refusal.word] * len(brought))
            return refusal
        answers = [take(each, behaviour, receiver, attempt=attempt, seed=seed) for each in brought]
        if in_words is not None and answers[0].word == "accepted":
            answers = [in_words]
        if messages is None:
            reply, words = answers[0], [answers[0].word]
        else:
            reply, words = batch_answer(brought, answers, behaviour)
        self._write(brought, words)
        return reply

    def _write(self, entries: Sequence[Entry], words: Sequence[str]) -> None:
        for entry, word in zip(entries, words, strict=True):
            entry["answer"] = word
        self._file.write(b"".join(map(line, entries)))
        for entry in entries:
            self._tally.add(entry)


def _remembered(log: Path) -> Tally:
    tally = Tally()
    lines = log.read_bytes().splitlines() if log.exists() else []
    for number, text in enumerate(lines, start=1):
        try:
            tally.add(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SandboxError(f"{log}: line {number} is not of a sandbox's log. Name another file.") from error
    return tally
