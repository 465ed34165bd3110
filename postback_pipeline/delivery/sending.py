"""One attempt, from a claim to its judgement.

Belongs here: element -> request -> exchange -> judgement, and what happens to an element that makes no request. Does
not belong here: when an attempt is made and where its judgement goes (`drain`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from postback_pipeline.delivery.judging import Judgement, judge, never_sent
from postback_pipeline.delivery.transport import Transport
from postback_pipeline.delivery.wire_check import check_request
from postback_pipeline.destinations.base import Destination, DestinationError, Element, SecretError
from postback_pipeline.ledger import Claim


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

    async def attempt(self, claim: Claim) -> Judgement:
        """Sends one postback, if its element can be sent at all. Raises nothing but a cancellation."""
        element = Element(claim.key, claim.kind, claim.element)
        try:
            request = self._destination.request([element], secrets=self._secrets, sent_at=self._now())
            check_request(request, self._destination)
        except SecretError as error:
            return Judgement(None, configuration=str(error))
        except DestinationError as error:
            return Judgement(never_sent(claim, str(error), self._now()))
        except Exception as error:
            # Whatever is wrong with one element must not stop the others; its text might quote the element.
            return Judgement(never_sent(claim, f"The element makes no request ({type(error).__name__}).", self._now()))
        exchange = await self._transport.send(request, deadline_seconds=self._deadline)
        return judge(claim, element, exchange, self._destination, self._now())
