"""What a conversion can be made of: the entities it may come from, with what each of them offers a definition.

Belongs here: statuses that qualify, times, defaults. Does not belong here: the entities' columns (`contract.py`), what
a definition says (`definition_types.py`), when it contradicts its entity (`conversion_rules.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class SourceEntity:
    """One entity, as a definition sees it."""

    #: The times that `action_at` and `qualified_at` may name.
    times: tuple[str, ...]
    #: What they are if nothing is said.
    action_at: str
    qualified_at: str
    #: What happens to a value of zero if nothing is said.
    zero_values: Literal["exclude", "allow"]
    #: The statuses or events that can qualify; None: whatever the source calls its events. What takes a conversion back
    #: (cancelled, fraud, disqualified, refund, chargeback ...) is no choice.
    statuses: tuple[str, ...] | None = None
    #: Columns that a net value can leave out.
    parts: tuple[str, ...] = ()
    #: Whether it names the plan by which a value can be looked up.
    has_plans: bool = False


SOURCE_ENTITIES: Mapping[str, SourceEntity] = MappingProxyType(
    {
        "orders": SourceEntity(
            times=("ordered_at", "paid_at", "shipped_at", "updated_at"),
            action_at="ordered_at",
            qualified_at="ordered_at",
            zero_values="exclude",
            statuses=("pending", "paid", "shipped", "completed"),
            parts=("tax", "shipping", "discount"),
        ),
        "leads": SourceEntity(
            times=("created_at", "status_at"),
            action_at="created_at",
            qualified_at="status_at",
            zero_values="allow",
            statuses=("new", "verified", "qualified", "closed_won", "closed_lost"),
        ),
        "subscription_events": SourceEntity(
            times=("occurred_at",),
            action_at="occurred_at",
            qualified_at="occurred_at",
            zero_values="allow",
            statuses=("trial_start", "start", "renewal", "upgrade", "downgrade", "cancel"),
            has_plans=True,
        ),
        "app_events": SourceEntity(
            times=("occurred_at",), action_at="occurred_at", qualified_at="occurred_at", zero_values="allow"
        ),
        "pixel_events": SourceEntity(
            times=("occurred_at",), action_at="occurred_at", qualified_at="occurred_at", zero_values="allow"
        ),
    }
)
