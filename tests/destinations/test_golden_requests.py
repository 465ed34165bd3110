"""The exact request of every kind and case: configured in `golden/*/settings.toml`, written down beside it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Element, Request
from postback_pipeline.model import Kind
from tests.destinations.conftest import CASES, GOLDEN, Configure, MakePostback

SENT_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def secret(name: str) -> str:
    """Base64 that a URL has to encode, so that one value serves every place."""
    return base64.b64encode(f"?>{name}".encode()).decode()


def as_text(request: Request) -> str:
    """A request as a person would read it."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\n".join([*lines, "", request.body.decode()]).rstrip("\n") + "\n"


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/*.http")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_each_case_makes_exactly_the_golden_request(
    file: Path, configure: Configure, make_postback: MakePostback
) -> None:
    destination = configure((file.parent / "settings.toml").read_text(encoding="utf-8"))
    kind, changes = CASES[file.stem]
    postback = make_postback(kind, **changes)
    element = Element(postback.key, kind, destination.render(postback))
    secrets = {name: secret(name) for name in destination.secret_names}
    request = destination.request([element], secrets=secrets, sent_at=SENT_AT)
    assert as_text(request) == file.read_text(encoding="utf-8")


def test_every_kind_is_written_down_for_every_folder(golden: Path) -> None:
    assert set(Kind) <= {file.stem for file in golden.glob("*.http")}


def test_every_case_is_written_down_somewhere() -> None:
    assert {file.stem for file in GOLDEN.glob("*/*.http")} == CASES.keys()


def test_every_registered_type_has_golden_requests() -> None:
    folders = GOLDEN.iterdir()
    types = {line for folder in folders for line in (folder / "settings.toml").read_text(encoding="utf-8").splitlines()}
    assert [name for name in DESTINATIONS if f'type = "{name}"' not in types] == []
