"""Postbacks to render, and the destinations of the golden folders, configured as a settings file would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from postback_pipeline.destinations.base import Destination
from postback_pipeline.model import Kind, Postback
from tests.delivery.ledgers import clock, ledger, sqlite_url
from tests.destinations.samples import GOLDEN, destination_of, folder_changes, golden_destination_of, postback_of

__all__ = ["clock", "ledger", "sqlite_url"]

MakePostback = Callable[..., Postback]
Configure = Callable[..., Destination]


@pytest.fixture
def make_postback() -> MakePostback:
    """A postback of a kind; keyword arguments replace its own fields, or those of its facts."""
    return postback_of


@pytest.fixture
def configure() -> Configure:
    """A destination from its table of a settings file."""
    return destination_of


@pytest.fixture(params=sorted(folder.name for folder in GOLDEN.iterdir()))
def golden(request: pytest.FixtureRequest) -> Path:
    """Each folder of golden requests in turn."""
    return GOLDEN / str(request.param)


@pytest.fixture
def golden_destination(golden: Path) -> Destination:
    """The destination that the folder's settings configure."""
    return golden_destination_of(golden)


@pytest.fixture
def golden_postback(golden: Path) -> MakePostback:
    """A postback of a kind, as the folder's receiver wants it; keyword arguments as for `make_postback`."""

    def make(kind: Kind = Kind.CONVERSION, **changes: Any) -> Postback:
        return postback_of(kind, **{**folder_changes(golden), **changes})

    return make
