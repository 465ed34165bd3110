"""One attempt, from claims to their judgement.

Belongs here: elements -> request -> exchange -> judgement, and what happens to an element that makes no request. Does
not belong here: when an attempt is made and where its judgement goes (`crew`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.access_token import AccessTokens
from postback_pipeline.delivery.judging import UNAUTHORIZED, Judgement, judge, never_sent, unsent
from postback_pipeline.delivery.parcels import byte_length
from postback_pipeline.delivery.retry_after import parse_retry_after
from postback_pipeline.delivery.transport import Transport
from postback_pipeline.delivery.wire_check import check_request
from postback_pipeline.destinations.base import (
    Destination,
    DestinationError,
    Element,
    LaterVerdict,
    Request,
    SecretError,
)
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, Refusal
from postback_pipeline.ledger import Claim, Inquiry
from postback_pipeline.model import Later

#: Answers that there is nothing under that address. Whether that is for good time tells (the ledger's `receipts`).
NOT_FOUND = (404, 410)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of asking for a later verdict; without one, nothing is known: no request, no reply, or none that tells.

    A receiver that has not judged yet says so by a verdict, and so does one that knows nothing of what it is asked by.
    """

    verdict: LaterVerdict | None = None
    #: The receiver wants to be left alone until then.
    retry_after: datetime | None = None


class Sender:
    """Makes attempts at one destination.

    Args:
        environment: where the destination's secrets are looked up.
        now: the time, aware UTC.
    """

    def __init__(
        self,
        destination: Destination,
        transport: Transport,
        deadline_seconds: float,
        environment: Mapping[str, str],
        now: Callable[[], datetime],
    ) -> None:
        self._destination = destination
        self._transport = transport
        self._deadline = deadline_seconds
        self._secrets = {name: environment.get(name, "") for name in destination.secret_names}
        #: Names of secrets that are not set: nothing can be sent.
        self.missing = tuple(name for name, value in self._secrets.items() if not value)
        self._now = now
        grant = destination.grant
        self._tokens = None if grant is None else AccessTokens(grant, transport, deadline_seconds, self._secrets, now)

    async def attempt(self, claims: Sequence[Claim], begun_at: float) -> Judgement:
        """Sends postbacks in one request, if one can be made of them. Raises nothing but a cancellation.

        The deadline counts from `begun_at` (`clock.now`), which is before anybody looked at the leases: a process that
        is stopped after that look, or waits for a token, sends nothing on a lease that ran out meanwhile.
        """
        token = await self.token()
        if isinstance(token, Refusal):
            return self._without_token(claims, token)
        judgement = await self._send(claims, token, begun_at + self._deadline)
        if self._tokens is None:
            return judgement
        if judgement.is_verdict:
            self._tokens.worked(token)
        if judgement.token_refused and self._tokens.refused(token):
            # What it was about goes back and leaves again with the next token.
            judgement.configuration = None
        return judgement

    async def ask(self, inquiry: Inquiry) -> Heard:
        """Asks a receiver that judges later for its verdict. Raises nothing but a cancellation."""
        token = await self.token()
        if isinstance(token, Refusal):
            return Heard()
        try:
            request = self._destination.inquiry(inquiry.receipt, secrets=self._with(token), asked_at=self._now())
            check_request(request, self._destination)
        except DestinationError:
            return Heard()
        reply = (await self._transport.send(request, ends_at=clock.now() + self._deadline)).reply
        if reply is None:
            return Heard()
        try:
            verdict = self._destination.read_inquiry(reply, inquiry.postbacks)
        except Exception:
            # As for other replies: one that trips an adapter is no verdict.
            verdict = None
        if verdict is None:
            if self._tokens is not None and reply.status == UNAUTHORIZED:
                # The next question leaves with another one.
                self._tokens.refused(token)
            found = LaterVerdict(Later.NOT_FOUND, f"HTTP {reply.status}") if reply.status in NOT_FOUND else None
            return Heard(found, parse_retry_after(reply.headers, self._now()))
        if self._tokens is not None:
            self._tokens.worked(token)
        return Heard(verdict)

    async def token(self) -> str | Refusal:
        """The access token, or why there is none; empty where the destination wants none. Raises nothing else."""
        return "" if self._tokens is None else await self._tokens.current()

    def request(self, elements: Sequence[Element], token: str) -> Request:
        """The request that would leave for these elements.

        Raises:
            DestinationError: none can be made of them, or it may not leave. SecretError: a secret is no good.
        """
        request = self._destination.request(elements, secrets=self._with(token), sent_at=self._now())
        check_request(request, self._destination)
        return request

    def _with(self, token: str) -> Mapping[str, str]:
        return {**self._secrets, ACCESS_TOKEN: token} if token else self._secrets

    async def _send(self, claims: Sequence[Claim], token: str, ends_at: float) -> Judgement:
        elements = [Element(claim.key, claim.kind, claim.element) for claim in claims]
        try:
            self._check_size(elements)
            request = self.request(elements, token)
        except SecretError as error:
            return Judgement(configuration=str(error), blocked=claims)
        except Exception as error:
            # Whatever is wrong with one element must not stop the others.
            if len(claims) > 1:
                return Judgement(unmade=True)
            # The text of a foreign error might quote the element.
            known = isinstance(error, DestinationError)
            says = str(error) if known else f"The element makes no request ({type(error).__name__})."
            return never_sent(claims[0], says, self._now())
        exchange = await self._transport.send(request, ends_at=ends_at)
        return judge(claims, elements, exchange, self._destination, self._now())

    def _without_token(self, claims: Sequence[Claim], refusal: Refusal) -> Judgement:
        if refusal.final:
            return Judgement(configuration=refusal.reason, blocked=claims)
        return unsent(claims, refusal.reason, self._now())

    def _check_size(self, elements: Sequence[Element]) -> None:
        most = self._destination.capabilities.batch_bytes
        if most is not None and len(elements) == 1 and byte_length(elements[0].text) > most:
            raise DestinationError(f"The element is longer than a request may be ({most} bytes).")
