"""What a crash run varies: database, form of request, what the receiver does with a key it knows; and the orders.

Belongs here: the destination of a scenario, the conversions that each worker brings, what they are worth in the end.
Does not belong here: running any of it (`crash_worker`, `crash_round`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Destination
from postback_pipeline.model import Desired, Facts
from postback_pipeline.settings import Delivery, DestinationSettings

NAME = "partner"
ENVIRONMENT = {"CRASH_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}

ENGINES = ("sqlite", "postgresql")
FORMS = ("get", "post", "batch")
POLICIES = ("park", "resend")

#: Conversions that one worker brings.
FRESH = 6
#: Seconds. The lease is far longer than a worker lives, save where renewing is to be seen.
LEASE_SECONDS, DEADLINE_SECONDS = 30.0, 10.0
RENEWED_LEASE_SECONDS, RENEWED_DEADLINE_SECONDS = 1.2, 0.9

_QUERY = "key={key}&kind={kind}&revision={revision}&value={value}"
_GET = """
type = "url_template"
accepted_when = { status = [200], body_regex = "^OK$" }
duplicate_when = { status = [409] }
[conversion]
url = "URL"
[restatement]
url = "URL"
[retraction]
url = "URL"
"""
_HOOK = """
type = "webhook"
url = "URL"
secret_env = "CRASH_SECRET"
"""
_BATCH = """
type = "batch_webhook"
url = "URL"
secret_env = "CRASH_SECRET"
batch_rows = 3
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One combination."""

    engine: str
    form: str
    policy: str

    @property
    def deduplicates(self) -> bool:
        """Whether the receiver drops a key that it knows, so that what is uncertain is sent again."""
        return self.policy == "resend"

    def settings(self, receiver: str, run: str, *, rate: float | None = None) -> DestinationSettings:
        """Of its destination, at a receiver's URL."""
        url = f"{receiver}/{run}/{self._path}"
        shared = f"deduplicates = {str(self.deduplicates).lower()}\nconcurrency = 4\n"
        template = {"get": _GET, "post": _HOOK, "batch": _BATCH}[self.form]
        values: dict[str, Any] = tomllib.loads(shared + template.replace("URL", url))
        values["deadline_seconds"] = RENEWED_DEADLINE_SECONDS if rate else DEADLINE_SECONDS
        # An attempt that a kill made uncertain is due again at once, and as often as it takes.
        values["retry"] = {"first_seconds": 0.001, "max_seconds": 0.001, "max_attempts": 1_000}
        return DestinationSettings(**values, rate=rate)

    @property
    def _path(self) -> str:
        if self.form != "get":
            return "hook" if self.form == "post" else "batch"
        return f"{'get-known' if self.deduplicates else 'get'}?{_QUERY}"


def destination_of(settings: DestinationSettings) -> Destination:
    """The adapter of a scenario's settings."""
    return DESTINATIONS[settings.type].from_settings(NAME, settings)


def delivery_of(settings: DestinationSettings) -> Delivery:
    """How its drain works: few claims at a time, and it ends when nothing is due."""
    lease = RENEWED_LEASE_SECONDS if settings.rate else LEASE_SECONDS
    # Unchecked: such a short lease is no setting for a deployment.
    return Delivery().model_copy(update={"lease_seconds": lease, "linger_seconds": 0, "claim_rows": 4})


def first_value(worker: int, number: int) -> Decimal:
    """What a conversion is worth when it is first heard of: odd cents, so that a float would show."""
    return Decimal(1_000 + number) + Decimal(worker % 100) / 100


def last_value(worker: int, number: int) -> Decimal:
    """What it is worth in the end: one in six is worth less, one in six nothing."""
    return {0: Decimal("7.07"), 1: Decimal("0.00")}.get(number, first_value(worker, number))


def key_of(worker: int, number: int) -> str:
    """A conversion's key."""
    return f"purchase:{worker}-{number}"


def outbox(worker: int, newest: Mapping[str, int]) -> list[Desired]:
    """What a worker's build wants: its own conversions, and the last word on those of the worker before.

    Args:
        worker: its number, from 0.
        newest: a conversion's key -> its newest revision in the ledger.
    """
    fresh = [row(worker, number, first_value(worker, number), newest) for number in range(FRESH)]
    return fresh + (settled(worker - 1, newest) if worker else [])


def settled(worker: int, newest: Mapping[str, int]) -> list[Desired]:
    """The last word on one worker's conversions."""
    return [row(worker, number, last_value(worker, number), newest) for number in range(FRESH)]


def row(worker: int, number: int, value: Decimal, newest: Mapping[str, int]) -> Desired:
    """One row of the outbox."""
    key = key_of(worker, number)
    acted_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=worker)
    facts = Facts(
        receiver_event="Sale",
        event_id=None,
        transaction_id=key.partition(":")[2],
        action_at=acted_at,
        event_time=acted_at,
        click_id=None,
        clicked_at=None,
    )
    return Desired(
        destination=NAME,
        conversion_key=key,
        event_name="purchase",
        desired_value=value,
        currency="EUR",
        fingerprint=f"{value} EUR",
        computed_against=newest.get(key, 0),
        reason_code="eligible" if value else "refunded",
        facts=facts,
    )
