"""Postbacks to render, and the destinations of the golden folders, configured as a settings file would."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Destination
from postback_pipeline.model import Facts, Kind, Postback
from postback_pipeline.settings import DestinationSettings

GOLDEN = Path(__file__).parent / "golden"

#: Kind -> revision, value, previous value of an order of 129.90 that lost 29.95 first and the rest later.
STORY: dict[Kind, tuple[int, str, str | None]] = {
    Kind.CONVERSION: (1, "129.9", None),
    Kind.RESTATEMENT: (2, "99.95", "129.90"),
    Kind.RETRACTION: (3, "0", "99.95"),
}

#: A golden request's name -> the kind it tells, and what is unlike `make_postback` in it. Every folder has one of each
#: kind; the others stand where a type has something of its own to say about them.
CASES: dict[str, tuple[Kind, dict[str, Any]]] = {
    **{kind.value: (kind, {}) for kind in Kind},
    # The route flags instead of holding back: it is told with its identifiers, and that consent was denied.
    "consent_denied": (
        Kind.CONVERSION,
        {"consent": {"ad_user_data": "denied", "ad_personalization": "unknown"}, "person": {}},
    ),
    # 129.90 EUR.
    "exchange_rate": (
        Kind.CONVERSION,
        {"value": Decimal("140.29"), "currency": "USD", "exchange_rate": Decimal("1.080000000000")},
    ),
}

MakePostback = Callable[..., Postback]


@pytest.fixture
def make_postback() -> MakePostback:
    """A postback of a kind; keyword arguments replace its own fields, or those of its facts."""

    def make(kind: Kind = Kind.CONVERSION, **changes: Any) -> Postback:
        revision, value, previous = STORY[kind]
        facts: dict[str, Any] = {
            "receiver_event": "Sale & Co",
            "event_id": "tag-7",
            "transaction_id": "ORD/7 ü",
            "action_at": datetime(2026, 3, 1, 22, 59, 30, 250_000, tzinfo=UTC),
            "event_time": datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
            "click_id": "c-1",
            "clicked_at": datetime(2026, 3, 1, 20, 0, tzinfo=UTC),
            "identifiers": {"gclid": "Cj0K_a-b.c", "subid": "s 1+2"},
            "definition_version": "v1",
            "exchange_rate": None,
        }
        own: dict[str, Any] = {
            "destination": "partner",
            "conversion_key": "purchase:ORD/7 ü",
            "event_name": "purchase",
            "revision": revision,
            "kind": kind,
            "value": Decimal(value),
            "previous_value": None if previous is None else Decimal(previous),
            "currency": "EUR",
            "person": {
                "email": " Ada@Example.COM ",
                "phone": "+49 (30) 123-456",
                "ip": "2001:db8::1",
                "user_agent": "Mozilla/5.0 (X11)",
                "page_url": "https://shop.example/thanks?o=7&x=1#top",
            },
            "consent": {},
        }
        for name, change in changes.items():
            (own if name in own else facts)[name] = change
        return Postback(facts=Facts(**facts), **own)

    return make


Configure = Callable[..., Destination]


@pytest.fixture
def configure() -> Configure:
    """A destination from its table of a settings file."""

    def build(text: str, name: str = "partner") -> Destination:
        settings = DestinationSettings(**tomllib.loads(text))
        return DESTINATIONS[settings.type].from_settings(name, settings)

    return build


@pytest.fixture(params=sorted(folder.name for folder in GOLDEN.iterdir()))
def golden(request: pytest.FixtureRequest) -> Path:
    """Each folder of golden requests in turn."""
    return GOLDEN / str(request.param)


@pytest.fixture
def golden_destination(golden: Path, configure: Configure) -> Destination:
    """The destination that the folder's settings configure."""
    return configure((golden / "settings.toml").read_text(encoding="utf-8"))
