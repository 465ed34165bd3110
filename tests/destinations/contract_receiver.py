"""Receivers that hold every request against a vendor's documents, and believe what they are told.

A folder's `receiver.py` has one class, `Receiver`, written from the vendor's texts and not from our adapter: what it
does not understand is a violation, and what it believes afterwards must be what the ledger thinks it does.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.delivery.receivers import Answer, Hit
from tests.delivery.receivers import Receiver as Notes


@dataclass
class Answered:
    """A status, a body that is written as JSON unless it is text, and headers."""

    status: int = 200
    body: Any = ""
    headers: dict[str, str] = field(default_factory=dict)


class ContractReceiver(ABC):
    """What a vendor's endpoint checks and keeps."""

    def __init__(self) -> None:
        #: Sentences about what no document allows.
        self.violations: list[str] = []
        #: Transaction id -> value in major units; what was retracted has none.
        self.beliefs: dict[str, Decimal] = {}

    @abstractmethod
    def take(self, hit: Hit) -> Answered:
        """Checks a request, believes it, answers as documented."""

    def identifiers_of(self, number: int) -> dict[str, str]:
        """What tells order `number` of a story from the others, where the receiver is told no transaction ids."""
        return {}

    def check(self, right: object, sentence: str) -> None:
        """Notes a violation unless something is right."""
        if not right:
            self.violations.append(sentence)

    def check_keys(self, found: dict[str, Any], *, must: set[str], may: set[str]) -> None:
        """Notes keys that are missing and keys that nobody documented."""
        self.check(must <= found.keys(), f"missing: {sorted(must - found.keys())}")
        self.check(found.keys() <= must | may, f"unknown: {sorted(found.keys() - must - may)}")

    def check_hash(self, value: object) -> None:
        """Notes what is no SHA-256 in lower-case hex."""
        is_hash = isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")
        self.check(is_hash, f"no hash: {value!r}")

    def answering(self) -> Answer:
        """As `receiving` wants it."""

        async def answer(request: web.Request, notes: Notes) -> web.StreamResponse:
            answered = self.take(notes.hits[-1])
            is_text = isinstance(answered.body, str)
            text = answered.body if is_text else json.dumps(answered.body)
            kind = {"Content-Type": "text/plain" if is_text else "application/json"}
            return web.Response(status=answered.status, text=text, headers=kind | answered.headers)

        return answer


def receiver_of(folder: Path) -> ContractReceiver:
    """The receiver of a golden folder."""
    receiver: ContractReceiver = import_module(f"tests.destinations.golden.{folder.name}.receiver").Receiver()
    return receiver
