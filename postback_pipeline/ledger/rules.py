"""What the ledger must know about a destination to decide for it.

Belongs here: the facts about a receiver and its retry policy that the ledger's decisions depend on. Does not belong
here: where they come from (delivery builds them from an adapter's capabilities and the settings).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from postback_pipeline.model import Kind


@dataclass(frozen=True, slots=True)
class Rules:
    """One destination's rules."""

    #: It can be told a new total, nothing at all, and a total again after nothing.
    restatement: bool = False
    retraction: bool = False
    reinstatement: bool = False
    #: A new total may be more than the one before.
    increase: bool = True
    #: It can adjust what its own pixel reported.
    adjusts_pixel: bool = False
    #: It drops a second message with our stable key; for this long after the first (None: for ever).
    deduplicates: bool = False
    dedup_window: timedelta | None = None
    #: Acceptance is only a receipt: an adjustment waits until the receiver processed its conversion.
    judges_later: bool = False
    #: Attempts that one round may spend (a round starts at enqueue and at a person's replay).
    max_attempts: int = 12
    #: Backoff with full jitter: the first ceiling, doubled per attempt up to the last. Seconds.
    retry_first_seconds: float = 10.0
    retry_max_seconds: float = 3_600.0

    def adjusts(self, kind: Kind) -> bool:
        """Whether the receiver takes postbacks of this kind at all."""
        return {
            Kind.CONVERSION: True,
            Kind.RESTATEMENT: self.restatement,
            Kind.RETRACTION: self.retraction,
        }[kind]
