"""One made-up conversion through a vendor's own test facility, or to a sandbox: does it take what we would send?

Belongs here: the sample and its one exchange. Nothing is written to the ledger. Does not belong here: what is shown of
it (`cli`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.drain import transport_of
from postback_pipeline.delivery.judging import verdicts_of
from postback_pipeline.delivery.sending import Sender
from postback_pipeline.destinations.base import Element, Reply, Verdict
from postback_pipeline.destinations.oauth import Refusal
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Facts, Kind, Postback
from postback_pipeline.settings import DestinationSettings

#: Made-up identifiers in the forms that vendors issue; the first one that a contract takes for usable is used.
_IDENTIFIERS = (
    "postback-check-0123456789",
    "0123456789abcdef0123456789abcdef",
    "01234567-89ab-4cde-8f01-23456789abcd",
    "fb.1.1700000000000.1234567890",
    "1234567890.1700000000",
    "1234567890123-1234567",
    "1234567890123456789",
)
#: Nobody's: example.com and 555-01xx are kept free for such.
_PERSON = {
    "email": "postback-check@example.com",
    "phone": "+1 202 555 0100",
    "ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
    "page_url": "https://example.com/postback-check",
}


@dataclass(frozen=True, slots=True)
class TriedOut:
    """What became of a sample: the receiver's reply, or why there is none."""

    reply: Reply | None
    verdict: Verdict | None
    #: Why there is no reply; our own words.
    error: str | None


def sample_postback(destination: Vendor, receiver_event: str, now: datetime) -> Postback:
    """A conversion of one unit of money an hour ago, by nobody, with every identifier that the contract names."""
    found = {name: _identifier(pattern) for name, pattern in destination.contract.identifiers.items()}
    facts = Facts(
        receiver_event=receiver_event,
        event_id=None,
        transaction_id=f"postback-check-{now:%Y%m%d%H%M%S}",
        action_at=now - timedelta(hours=1),
        event_time=now - timedelta(hours=1),
        click_id=None,
        clicked_at=now - timedelta(hours=12),
        identifiers={name: value for name, value in found.items() if value is not None},
    )
    key = f"postback-check:{facts.transaction_id}"
    value = Decimal("1.00")
    return Postback(destination.name, key, "check", 1, Kind.CONVERSION, value, None, "USD", facts, _PERSON)


def _identifier(pattern: str) -> str | None:
    return next((each for each in _IDENTIFIERS if re.fullmatch(pattern, each)), None)


async def try_out(
    destination: Vendor, settings: DestinationSettings, element: Element, environment: Mapping[str, str]
) -> TriedOut:
    """Sends one element once, with the secrets in `environment`.

    Raises:
        DestinationError: no request can be made of it.
    """
    async with transport_of(settings, at_test_facility=destination.at_test_facility) as transport:
        sender = Sender(destination, transport, settings.deadline_seconds, environment, _now)
        token = await sender.token()
        if isinstance(token, Refusal):
            return TriedOut(None, None, token.reason)
        request = sender.request([element], token)
        exchange = await transport.send(request, ends_at=clock.now() + settings.deadline_seconds)
    if exchange.reply is None:
        return TriedOut(None, None, exchange.error or "no reply")
    (verdict,) = verdicts_of(destination, exchange.reply, [element])
    return TriedOut(exchange.reply, verdict, None)


def _now() -> datetime:
    return datetime.now(UTC)
