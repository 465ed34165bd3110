"""The access token of a destination: asked for once, however many senders wait for it, and shared until it ends.

Belongs here: keeping a token, asking for the next one, telling a token that ran out from credentials that are wrong.
Does not belong here: how a token is asked for (`destinations.oauth`), what follows where there is none (`sending`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.transport import Transport
from postback_pipeline.destinations.base import SecretError
from postback_pipeline.destinations.oauth import Refusal, Token, TokenGrant


class AccessTokens:
    """One drain's tokens for one destination.

    Args:
        secrets: what the grant needs, by name.
        now: the time, aware UTC.
    """

    def __init__(
        self,
        grant: TokenGrant,
        transport: Transport,
        deadline_seconds: float,
        secrets: Mapping[str, str],
        now: Callable[[], datetime],
    ) -> None:
        self._grant = grant
        self._transport = transport
        self._deadline = deadline_seconds
        self._secrets = secrets
        self._now = now
        self._asking = asyncio.Lock()
        self._value: str | None = None
        self._until = 0.0
        #: The receiver has answered to the token as to one that is good.
        self._worked = False

    async def current(self) -> str | Refusal:
        """A token that is good, or why there is none. Raises nothing but a cancellation."""
        async with self._asking:
            if self._value is None or clock.now() >= self._until:
                asked = clock.now()
                answer = await self._ask()
                if isinstance(answer, Refusal):
                    return answer
                self._value, self._worked = answer.value, False
                self._until = asked + answer.use_seconds
            return self._value

    def worked(self, value: str) -> None:
        """The receiver took this token."""
        if value == self._value:
            self._worked = True

    def refused(self, value: str) -> bool:
        """The receiver refused this token; whether another one is worth a try.

        One that had worked has run out, or was revoked, and so has one that was replaced meanwhile. One that never
        worked is refused for another reason, and the next one would be, too.
        """
        if value != self._value:
            return True
        self._value = None
        return self._worked

    async def _ask(self) -> Token | Refusal:
        try:
            request = self._grant.request(secrets=self._secrets, asked_at=self._now())
        except SecretError as error:
            return Refusal(str(error), final=True)
        exchange = await self._transport.send(request, ends_at=clock.now() + self._deadline)
        if exchange.reply is None:
            return Refusal(f"no access token: {exchange.error or 'no reply'}", final=exchange.configuration)
        return self._grant.read(exchange.reply)
