"""A destination with its ledger, as a drain gets them, and rows of an outbox for it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from postback_pipeline.delivery.drain import drain
from postback_pipeline.delivery.enqueue import rules_of
from postback_pipeline.delivery.report import DrainReport
from postback_pipeline.delivery.transport import Transport, WireTransport
from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Destination
from postback_pipeline.ledger import AttemptStory, EnqueueReport, Ledger, Rules, Selection, Story
from postback_pipeline.model import Desired, Facts, State
from postback_pipeline.settings import Delivery, DestinationSettings, Guard

NAME = "partner"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

#: A tracker that recognises nothing twice; the order's number is the parameter `tid`.
TRACKER = """
type = "url_template"
accepted_when = { status = [200], body_regex = "^OK$" }
rejected_when = { status = [400] }
duplicate_when = { status = [409] }
[conversion]
url = "URL/p?subid={subid}&tid={transaction_id}&payout={value}"
[restatement]
url = "URL/p?subid={subid}&tid={transaction_id}&payout={value}&status=changed"
[retraction]
url = "URL/p?subid={subid}&tid={transaction_id}&payout={value}&status=rejected"
"""

#: An endpoint that deduplicates on `webhook-id`.
WEBHOOK = """
type = "webhook"
url = "URL/hook"
secret_env = "CRM_SECRET"
"""

#: The same for many postbacks at a time.
BATCH = """
type = "batch_webhook"
url = "URL/batch"
secret_env = "CRM_SECRET"
"""


class Clock:
    """A clock that runs, and that a test moves on."""

    def __init__(self) -> None:
        self._offset = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def forward(self, **amount: float) -> None:
        self._offset += timedelta(**amount)


def desired(number: int, value: str = "10.00", against: int = 0, **changes: Any) -> Desired:
    """One row of the outbox, about order `number`."""
    now = datetime.now(UTC)
    facts = Facts(
        receiver_event="Sale",
        event_id=None,
        transaction_id=f"order-{number}",
        action_at=now - timedelta(hours=2),
        event_time=now - timedelta(hours=1),
        click_id=f"click-{number}",
        clicked_at=None,
        identifiers={"subid": f"sub-{number}"},
    )
    values: dict[str, Any] = {
        "destination": NAME,
        "conversion_key": f"purchase:order-{number}",
        "event_name": "purchase",
        "desired_value": Decimal(value),
        "currency": "EUR",
        "fingerprint": f"EUR {value}",
        "computed_against": against,
        "reason_code": "eligible",
        "facts": facts,
        "person": {"email": "ada@example.com"},
    }
    return Desired(**{**values, **changes})


@dataclass
class Line:
    """One destination and its ledger."""

    destination: Destination
    settings: DestinationSettings
    ledger: Ledger
    clock: Clock
    delivery: Delivery
    environment: dict[str, str]
    name: str = NAME

    @property
    def rules(self) -> Rules:
        return rules_of(self.destination, self.settings)

    def enqueue(self, *rows: Desired) -> EnqueueReport:
        guard = Guard(minimum=1_000_000, retraction_minimum=1_000_000)
        mine = [replace(row, destination=self.name) for row in rows]
        return self.ledger.enqueue(self.name, mine, rules=self.rules, render=self.destination.render, guard=guard)

    async def drain(self, transport: Transport | None = None, **options: Any) -> DrainReport:
        """One drain over a transport of its own; by default over the real one of test mode."""
        async with transport or WireTransport("loopback") as over:
            return await drain(
                self.name,
                self.destination,
                self.settings,
                self.ledger,
                over,
                self.delivery,
                environment=self.environment,
                **options,
            )

    def stories(self) -> list[Story]:
        """Everything in the ledger, oldest first."""
        found = self.ledger.select(Selection(destination=self.name), limit=10_000).stories
        return sorted(found, key=lambda story: story.postback_id)

    def states(self) -> list[State]:
        return [story.state for story in self.stories()]

    def attempts(self) -> list[AttemptStory]:
        return [attempt for story in self.stories() for attempt in story.attempts]


def line_at(
    url: str,
    ledger: Ledger,
    clock: Clock,
    kind: str = TRACKER,
    options: str = "",
    *,
    name: str = NAME,
    **delivery: Any,
) -> Line:
    """A line to the receiver at `url`; `options` are TOML lines before the tables."""
    settings = DestinationSettings(**tomllib.loads(options + kind.replace("URL", url)))
    return Line(
        DESTINATIONS[settings.type].from_settings(name, settings),
        settings,
        ledger,
        clock,
        # Unchecked: a test has no time for the shortest lease that settings allow.
        Delivery().model_copy(update={"linger_seconds": 0, **delivery}),
        {"CRM_SECRET": SECRET},
        name,
    )
