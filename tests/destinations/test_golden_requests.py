"""The exact request of every kind: configured in `golden/*/settings.toml`, written down beside it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Destination, Element, Request
from postback_pipeline.model import Kind

SENT_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def secret(name: str) -> str:
    """Base64 that a URL has to encode, so that one value serves every place."""
    return base64.b64encode(f"?>{name}".encode()).decode()


def as_text(request: Request) -> str:
    """A request as a person would read it."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\n".join([*lines, "", request.body.decode()]).rstrip("\n") + "\n"


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_makes_exactly_the_golden_request(
    golden: Path, golden_destination: Destination, make_postback: object, kind: Kind
) -> None:
    postback = make_postback(kind)  # type: ignore[operator]
    element = Element(postback.key, kind, golden_destination.render(postback))
    secrets = {name: secret(name) for name in golden_destination.secret_names}
    request = golden_destination.request([element], secrets=secrets, sent_at=SENT_AT)
    assert as_text(request) == (golden / f"{kind}.http").read_text(encoding="utf-8")


def test_every_registered_type_has_golden_requests() -> None:
    folders = (Path(__file__).parent / "golden").iterdir()
    types = {line for folder in folders for line in (folder / "settings.toml").read_text(encoding="utf-8").splitlines()}
    assert [name for name in DESTINATIONS if f'type = "{name}"' not in types] == []
