"""Postbacks to tell receivers, case by case, and the golden folders' own words about them."""

from __future__ import annotations

import base64
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Destination, Element
from postback_pipeline.destinations.oauth import ACCESS_TOKEN
from postback_pipeline.model import Facts, Kind, Postback
from postback_pipeline.settings import DestinationSettings

#: A folder per configured receiver: its settings, what its postbacks look like, its requests and replies.
GOLDEN = Path(__file__).parent / "golden"

#: Kind -> revision, value, previous value of an order of 129.90 that lost 29.95 first and the rest later.
STORY: dict[Kind, tuple[int, str, str | None]] = {
    Kind.CONVERSION: (1, "129.9", None),
    Kind.RESTATEMENT: (2, "99.95", "129.90"),
    Kind.RETRACTION: (3, "0", "99.95"),
}

#: A golden request's name -> the kinds it tells, and what is unlike `make_postback` in it. Which ones a folder has is
#: checked by `test_golden_requests`; a folder's `postback.toml` says what its receiver wants otherwise, for all of them
#: or, in a table of a case's name, for one.
CASES: dict[str, tuple[tuple[Kind, ...], dict[str, Any]]] = {
    **{kind.value: ((kind,), {}) for kind in Kind},
    # The route flags instead of holding back: it is told with its identifiers, and that consent was denied.
    "consent_denied": (
        (Kind.CONVERSION,),
        {"consent": {"ad_user_data": "denied", "ad_personalization": "denied"}},
    ),
    # 129.90 EUR.
    "exchange_rate": (
        (Kind.CONVERSION,),
        {"value": Decimal("140.29"), "currency": "USD", "exchange_rate": Decimal("1.080000000000")},
    ),
    # No more than a receiver must have.
    "minimal": ((Kind.CONVERSION,), {"event_id": None, "click_id": None, "clicked_at": None, "person": {}}),
    # Names and places in several scripts, a currency without minor units.
    "unicode": (
        (Kind.CONVERSION,),
        {
            "value": Decimal(1200),
            "currency": "JPY",
            "person": {
                "email": "Zoë@BÜCHER.example",
                "phone": "+81 3-1234-5678",
                "first_name": "  Zoë-Ann ",
                "last_name": "O'Brien 山田",
                "city": "São Paulo 2",
                "region": "SP",
                "postal_code": "01310-100",
                "country": "BR",
                "ip": "203.0.113.7",
                "user_agent": "Mozilla/5.0 (X11) ☃",
                "page_url": "https://shop.example/danke?name=%C3%BC",
            },
        },
    ),
    # Two in one request, where a receiver takes several.
    "batch": ((Kind.CONVERSION, Kind.CONVERSION), {}),
}


def folder_changes(folder: Path, case: str = "") -> dict[str, Any]:
    """What `postback.toml` of a golden folder says about its postbacks, or about those of one case."""
    file = folder / "postback.toml"
    if not file.is_file():
        return {}
    told = tomllib.loads(file.read_text(encoding="utf-8"))
    general = {name: value for name, value in told.items() if name not in CASES}
    own: dict[str, Any] = told.get(case, {})
    return general | own


def case_changes(folder: Path, case: str) -> dict[str, Any]:
    """All that is unlike `make_postback` in one case of a golden folder."""
    return {**folder_changes(folder), **CASES[case][1], **folder_changes(folder, case)} if case in CASES else {}


def postback_of(kind: Kind = Kind.CONVERSION, **changes: Any) -> Postback:
    """A postback of a kind; keyword arguments replace its own fields, or those of its facts."""
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


def destination_of(text: str, name: str = "partner") -> Destination:
    """The destination that a table of a settings file configures."""
    settings = DestinationSettings(**tomllib.loads(text))
    return DESTINATIONS[settings.type].from_settings(name, settings)


def golden_destination_of(folder: Path) -> Destination:
    """The one that a golden folder is about."""
    return destination_of((folder / "settings.toml").read_text(encoding="utf-8"))


def secrets_of(destination: Destination) -> dict[str, str]:
    """A value for every secret: base64 that a URL has to encode, so that one serves every place."""
    named = {name: base64.b64encode(f"?>{name}".encode()).decode() for name in destination.secret_names}
    return named | ({ACCESS_TOKEN: "ya29.an-access_token"} if destination.grant else {})


def case_elements(destination: Destination, folder: Path, case: str) -> list[Element]:
    """The elements of a case; where it tells of several conversions, each has a number of its own."""
    kinds, _ = CASES[case]
    elements = []
    for number, kind in enumerate(kinds):
        changes = case_changes(folder, case)
        if number:
            changes |= {"conversion_key": f"purchase:ORD/{7 + number}", "transaction_id": f"ORD/{7 + number}"}
        postback = postback_of(kind, **changes)
        elements.append(Element(postback.key, kind, destination.render(postback)))
    return elements
