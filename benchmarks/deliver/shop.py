"""A deployment with one receiver, its ledger, and conversions to report to it.

Belongs here: settings, rows of an outbox, the body that every contender sends. Does not belong here: draining,
measuring.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.deliver.task import KEY
from postback_pipeline.delivery.enqueue import enqueue_outbox
from postback_pipeline.destinations import build_destinations
from postback_pipeline.destinations.base import Destination
from postback_pipeline.ledger import Ledger, create_ledger, open_ledger
from postback_pipeline.model import Desired, Facts, Kind, Postback
from postback_pipeline.settings import Settings

NAME = "partner"
_SECRET = "BENCHMARK_SECRET"
_KINDS = {
    "webhook": f"""
type = "webhook"
url = "URL/hook"
secret_env = "{_SECRET}"
""",
    "get": """
type = "url_template"
accepted_when = { status = [200], body_regex = "^OK$" }
conversion.url = "URL/hook?key={key}&subid={subid}&tid={transaction_id}&payout={value}&currency={currency}"
""",
}
_SETTINGS = """
[guard]
minimum = 1_000_000_000
[delivery]
budget_seconds = 36_000
[destinations.NAME]
concurrency = IN_FLIGHT
"""


def settings_for(kind: str, url: str, *, in_flight: int, home: Path) -> Settings:
    """A deployment whose one destination is a receiver of this kind at `url`."""
    os.environ[_SECRET] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
    text = _SETTINGS.replace("NAME", NAME).replace("IN_FLIGHT", str(in_flight)) + _KINDS[kind].replace("URL", url)
    return Settings(**tomllib.loads(text), home=home)


@dataclass
class Shop:
    """The open deployment."""

    name: str
    settings: Settings
    destination: Destination
    ledger: Ledger

    def enqueue(self, label: str, numbers: Iterable[int]) -> None:
        """Writes so many conversions into the ledger, due at once."""
        reports = enqueue_outbox(_rows(label, numbers), self.ledger, {self.name: self.destination}, self.settings)
        if reports[self.name].inserted != reports[self.name].rows:
            raise RuntimeError(f"not all were enqueued: {dict(reports[self.name].actions)}")


@contextmanager
def open_shop(kind: str, url: str, ledger_url: str, *, in_flight: int) -> Iterator[Shop]:
    """A new ledger at `ledger_url` with nothing in it."""
    settings = settings_for(kind, url, in_flight=in_flight, home=Path("unused"))
    create_ledger(ledger_url, settings.environment)
    with open_ledger(ledger_url, settings.environment) as ledger:
        yield Shop(NAME, settings, build_destinations(settings)[NAME], ledger)


def sample_body() -> str:
    """What this project's webhook sends about one conversion, `KEY` in place of its key."""
    (row,) = _rows("sample", [1_234_567])
    destination = build_destinations(settings_for("webhook", "http://127.0.0.1:9", in_flight=1, home=Path("unused")))
    postback = Postback(
        row.destination,
        row.conversion_key,
        row.event_name,
        1,
        Kind.CONVERSION,
        row.desired_value,
        None,
        row.currency,
        row.facts,
        row.person,
    )
    return destination[NAME].render(postback).replace(postback.key, KEY)


def _rows(label: str, numbers: Iterable[int]) -> Iterator[Desired]:
    now = datetime.now(UTC).replace(microsecond=0)
    person = {"email": "ada@example.com"}
    for number in numbers:
        facts = Facts(
            receiver_event="Sale",
            event_id=None,
            transaction_id=f"order-{number}",
            action_at=now - timedelta(hours=2),
            event_time=now - timedelta(hours=1),
            click_id=f"click-{number}",
            clicked_at=now - timedelta(hours=3),
            identifiers={"subid": f"sub-{number}"},
        )
        yield Desired(
            destination=NAME,
            conversion_key=f"{label}:{number}",
            event_name="purchase",
            desired_value=Decimal("129.90"),
            currency="EUR",
            fingerprint="129.9000 EUR",
            computed_against=0,
            reason_code="reported",
            facts=facts,
            person=person,
        )
