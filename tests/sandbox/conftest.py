"""A running sandbox and a client that speaks to it over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from postback_pipeline.sandbox import SandboxConfig, sandbox_thread


class Network:
    """What a test does with a sandbox: set its behaviour, send to it, read its log."""

    def __init__(self, url: str, log: Path, client: httpx.Client) -> None:
        self.url, self.log, self.client = url, log, client

    def behave(self, **values: Any) -> None:
        self.client.post("/_behaviour", json=values).raise_for_status()

    def get(self, path: str = "/google/conversion", **query: str) -> httpx.Response:
        return self.client.get(path, params=query)

    def answers(self, *, of: int, **query: str) -> list[str]:
        """The answers to that many different requests."""
        return [self.get(key=f"k{number}", **query).json()["status"] for number in range(of)]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def received(self, receiver: str = "google") -> dict[str, Any]:
        counts: dict[str, Any] = self.client.get("/_received.json").json()["receivers"][receiver]
        return counts


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    log = tmp_path / "sandbox.jsonl"
    with sandbox_thread(log, SandboxConfig(seed=7)) as sandbox, httpx.Client(base_url=sandbox.url) as client:
        yield Network(sandbox.url, log, client)
