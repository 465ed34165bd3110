"""Fixtures of the console's tests: a measured shop, its ledger, and the console on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from postback_pipeline.console.app import build_app
from postback_pipeline.console.guard import Access
from postback_pipeline.ledger import Ledger
from postback_pipeline.settings import Settings
from tests.console.watched_shop import measure_shop, publish_shop, shop_ledger

HERE = "http://127.0.0.1:3001"


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop's warehouse, built and measured once."""
    return measure_shop(tmp_path_factory.mktemp("watched"))


@pytest.fixture
def shop(tmp_path: Path, measured: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A deployment that has published it; nothing of the surrounding one."""
    for name in ("POSTBACK_CONFIG", "POSTBACK_HOME", "POSTBACK_CONSOLE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return publish_shop(tmp_path, measured)


@pytest.fixture
def ledger(shop: Settings) -> Iterator[Ledger]:
    """Its ledger, open beside the console."""
    with shop_ledger(shop) as opened:
        yield opened


@pytest.fixture
def console(shop: Settings) -> Iterator[TestClient]:
    """The console on loopback, without a login."""
    with TestClient(build_app(shop, Access(None)), base_url=HERE) as client:
        yield client
