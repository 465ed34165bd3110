"""What needs a person, as the overview shows it: each condition with the page that shows more, or acts.

Belongs here: those pages. Does not belong here: gathering conditions (`pictures.needs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postback_pipeline.alerting.condition import Condition
from postback_pipeline.alerting.ledger_conditions import KINDS as LEDGER_KINDS
from postback_pipeline.alerting.wording import HEADLINES
from postback_pipeline.console.page import address
from postback_pipeline.pictures.needs import needs
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import ConditionKind


@dataclass(frozen=True, slots=True)
class Trouble:
    """One condition."""

    condition: Condition
    headline: str
    page: str | None


def troubles(settings: Settings, now: datetime) -> tuple[list[Trouble], list[str]]:
    """As `needs` says."""
    found, blind = needs(settings, now)
    return [Trouble(each, HEADLINES[each.kind], _page(each)) for each in found], blind


def _page(condition: Condition) -> str | None:
    name = condition.subject
    if condition.kind is ConditionKind.FLOOD:
        return address("actions", "approve", approval=str(condition.figures["approval"]))
    if condition.kind is ConditionKind.UNEXPLAINED:
        return address("reconciliation", destination=name)
    if condition.kind in (ConditionKind.PARKED, ConditionKind.CONFLICT):
        return address("parked", destination=name)
    return address("destinations", name) if condition.kind in LEDGER_KINDS else None
