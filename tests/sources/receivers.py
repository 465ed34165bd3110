"""Receivers as definitions are checked against them: what they can do and what they take, and nothing that sends."""

from __future__ import annotations

from dataclasses import dataclass

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.destinations.contract import Contract

#: Of an endpoint of one's own: it takes whatever a route names.
ANYTHING = Contract(
    title="An endpoint",
    version="",
    documentation="https://receiver.example",
    proof="Status 200.",
    event="Any.",
    reversals="None.",
    consent="None.",
)
NOTHING = Capabilities()


@dataclass(frozen=True)
class Declared:
    """A receiver that is only declared."""

    capabilities: Capabilities = NOTHING
    contract: Contract = ANYTHING
