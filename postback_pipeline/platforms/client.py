"""Has a platform's conversation over HTTP: paced, tried again, within deadlines, with tokens.

Belongs here: httpx, and what happens between an ask and a reply that is an answer. Does not belong here: what is asked
and what a reply means (the platform's file).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from postback_pipeline.delivery.retry_after import parse_retry_after
from postback_pipeline.destinations.base import Reply, SecretError
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, Refusal
from postback_pipeline.destinations.options import origin_of
from postback_pipeline.platforms.base import Ask, Conversation, Fault, Platform, Problem, PullError, Report
from postback_pipeline.settings.alerts import is_loopback

#: Bytes of a reply, after decompression.
LONGEST_REPLY = 64 << 20
#: Waits between attempts where nobody names one, in seconds: doubled each time, from the first to the longest.
FIRST_WAIT, LONGEST_WAIT = 2.0, 60.0
#: Whoever wants to be left alone for longer is asked by the next pull.
LONGEST_SILENCE = 300.0
#: One account's whole report, in seconds.
WHOLE = 1_800.0

# It writes each URL to the log, and some platforms take the token in the URL.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

Sleep = Callable[[float], Awaitable[None]]


@dataclass
class Client:
    """Talks with one platform.

    Args:
        secrets: what the platform needs, by name.
        rate: requests per second.
        deadline: seconds for one request.
        attempts: how often one request is tried.
        sleep: waits so many seconds.
    """

    platform: Platform
    secrets: Mapping[str, str]
    rate: float
    deadline: float = 60.0
    attempts: int = 5
    sleep: Sleep = asyncio.sleep
    _token: str | None = None
    _token_until: float = 0.0
    _next_at: float = field(default=0.0)

    async def report(self, conversation: Conversation) -> Report:
        """The whole conversation.

        Raises:
            PullError: it did not come to its end.
        """
        try:
            async with asyncio.timeout(WHOLE), self._connections() as http:
                step = _next(conversation, None)
                while isinstance(step, Ask):
                    step = _next(conversation, await self._answer(http, step))
                return step
        except TimeoutError:
            raise PullError(f"It was not told whole within {WHOLE:g} seconds.") from None
        except SecretError as error:
            raise PullError(str(error)) from None
        finally:
            conversation.close()

    def _connections(self) -> httpx.AsyncClient:
        trust = ssl.create_default_context() if self.platform.base.startswith("https:") else False
        return httpx.AsyncClient(verify=trust, trust_env=False, timeout=self.deadline)

    async def _answer(self, http: httpx.AsyncClient, ask: Ask) -> Reply:
        """The first reply that is an answer."""
        if ask.after_seconds:
            await self.sleep(ask.after_seconds)
        ask = self._placed(ask)
        attempt, renewed = 1, False
        while True:
            reply = await self._exchange(http, await self._credentials(http, ask))
            problem = reply if isinstance(reply, Problem) else self.platform.problem(reply)
            if problem is None and isinstance(reply, Reply):
                return reply
            assert problem is not None
            if problem.fault is Fault.CREDENTIALS and self.platform.grant and not renewed:
                # A token may end, or be revoked, while a report is read: one more, but not one for each attempt.
                renewed, self._token = True, None
                continue
            if problem.fault is not Fault.PASSING or attempt == self.attempts:
                raise PullError(_sentence(problem, attempt))
            await self.sleep(_wait(reply, attempt))
            attempt += 1

    def _placed(self, ask: Ask) -> Ask:
        """The request at its whole URL: credentials go to the platform's own host, and tests to this machine only."""
        url = ask.url if "://" in ask.url else self.platform.base + ask.url
        parts = urlsplit(url)
        if ask.with_credentials and origin_of(url) != origin_of(self.platform.base):
            raise PullError("It names another host to be asked with our credentials.")
        at_home = is_loopback(urlsplit(self.platform.base).hostname or "")
        if at_home != is_loopback(parts.hostname or "") or (parts.scheme != "https" and not at_home):
            raise PullError("It names an address that must not be asked.")
        return replace(ask, url=url)

    async def _credentials(self, http: httpx.AsyncClient, ask: Ask) -> Ask:
        if not ask.with_credentials:
            return ask
        if self.platform.grant is None:
            return self.platform.authorized(ask, self.secrets)
        if self._token is None or time.monotonic() >= self._token_until:
            await self._renew(http)
        assert self._token is not None
        return self.platform.authorized(ask, {**self.secrets, ACCESS_TOKEN: self._token})

    async def _renew(self, http: httpx.AsyncClient) -> None:
        grant = self.platform.grant
        assert grant is not None
        asked_at = time.monotonic()
        for attempt in range(1, self.attempts + 1):
            made = grant.request(secrets=self.secrets, asked_at=datetime.now(UTC))
            reply = await self._exchange(http, Ask(made.method, made.url, made.headers, made.body))
            answer = Refusal(reply.code, final=False) if isinstance(reply, Problem) else grant.read(reply)
            if not isinstance(answer, Refusal):
                self._token, self._token_until = answer.value, asked_at + answer.use_seconds
                return
            if answer.final or attempt == self.attempts:
                raise PullError(f"It gives {answer.reason}." if answer.final else f"{answer.reason}.")
            await self.sleep(_wait(reply, attempt))

    async def _exchange(self, http: httpx.AsyncClient, ask: Ask) -> Reply | Problem:
        await self._pace()
        try:
            async with (
                asyncio.timeout(self.deadline),
                http.stream(ask.method, ask.url, content=ask.body, headers=dict(ask.headers)) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LONGEST_REPLY:
                        return Problem(Fault.FINAL, "longer reply than is read")
                return Reply(response.status_code, response.headers, bytes(body))
        except TimeoutError:
            return Problem(Fault.PASSING, f"no whole reply within {self.deadline:g} seconds")
        # Neither its text, which may hold the URL, nor a chain to it.
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return Problem(Fault.PASSING, type(error).__name__)

    async def _pace(self) -> None:
        now = time.monotonic()
        if now < self._next_at:
            await self.sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + 1 / self.rate


def _next(conversation: Conversation, reply: Reply | None) -> Ask | Report:
    """What comes next: another ask, or the end."""
    try:
        return next(conversation) if reply is None else conversation.send(reply)
    except StopIteration as end:
        report: Report = end.value
        return report


def _wait(reply: Reply | Problem, attempt: int) -> float:
    """Seconds until the next attempt: what the reply asks for, else longer each time."""
    now = datetime.now(UTC)
    asked = parse_retry_after(reply.headers, now) if isinstance(reply, Reply) else None
    if asked is None:
        return min(FIRST_WAIT * float(2 ** (attempt - 1)), LONGEST_WAIT)
    silence = (asked - now).total_seconds()
    if silence > LONGEST_SILENCE:
        raise PullError(f"It asks to be left alone for {silence:.0f} seconds; the next pull asks again.")
    return silence


def _sentence(problem: Problem, attempts: int) -> str:
    if problem.fault is Fault.CREDENTIALS:
        return f"It refuses the credentials ({problem.code})."
    often = f" after {attempts} attempts" if attempts > 1 else ""
    return f"It answered {problem.code}{often}."
