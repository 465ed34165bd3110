"""What needs a person: the conditions that the alerts know, each with the page that shows it.

Belongs here: gathering them. Does not belong here: what is wrong when, and how it is said (`alerting`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from postback_pipeline.alerting.condition import AlertError, Condition
from postback_pipeline.alerting.ledger_conditions import KINDS as LEDGER_KINDS
from postback_pipeline.alerting.ledger_conditions import ledger_place
from postback_pipeline.alerting.memory import read_memory
from postback_pipeline.alerting.warehouse_conditions import KINDS as WAREHOUSE_KINDS
from postback_pipeline.alerting.warehouse_conditions import warehouse_place
from postback_pipeline.alerting.wording import HEADLINES
from postback_pipeline.console.page import address
from postback_pipeline.model import PostbackError
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import ConditionKind

_AS_URGENT = ("urgent", "warning")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One condition as the overview shows it."""

    subject: str
    headline: str
    sentence: str
    #: `urgent` or `warning`.
    severity: str
    since: datetime | None
    #: The command that acts, and the page that does.
    act: str
    page: str | None


def troubles(settings: Settings, now: datetime) -> tuple[list[Trouble], list[str]]:
    """All that holds now, the urgent first; and what could not be looked at, in sentences.

    The ledger and the copy are looked at; what only Dagster sees (failed runs and checks, anomalies) is as the sensor
    `alerts` saw it last.
    """
    found: list[Condition] = []
    blind: list[str] = []
    for place in (ledger_place(settings, now), warehouse_place(settings, now)):
        try:
            seen = place.look("")
        except PostbackError as error:
            blind.append(str(error))
        except Exception as error:
            # As in a round of alerts: of an error that is not ours the text may hold anything.
            blind.append(f"The {place.name} could not be looked at: {type(error).__name__}. Run: {place.act}")
        else:
            found += seen.conditions if seen else ()
    found += _remembered(settings, blind)
    urgent = set(settings.alerts.urgent)
    shown = [_shown(each, urgent) for each in found]
    return sorted(shown, key=lambda each: (_AS_URGENT.index(each.severity), each.subject, each.headline)), blind


def _remembered(settings: Settings, blind: list[str]) -> Sequence[Condition]:
    try:
        memory = read_memory(settings.alert_memory_path)
    except AlertError as error:
        blind.append(str(error))
        return ()
    fresh = LEDGER_KINDS | WAREHOUSE_KINDS
    return [held.condition for held in memory.held if held.over_at is None and held.condition.kind not in fresh]


def _shown(condition: Condition, urgent: set[ConditionKind]) -> Trouble:
    severity = "urgent" if condition.kind in urgent else condition.severity.value
    return Trouble(
        condition.subject,
        HEADLINES[condition.kind],
        condition.sentence,
        severity,
        condition.since,
        condition.act,
        _page(condition),
    )


def _page(condition: Condition) -> str | None:
    name = condition.subject
    if condition.kind is ConditionKind.FLOOD:
        return address("actions", "approve", approval=str(condition.figures["approval"]))
    if condition.kind is ConditionKind.UNEXPLAINED:
        return address("reconciliation", destination=name)
    if condition.kind in (ConditionKind.PARKED, ConditionKind.CONFLICT):
        return address("parked", destination=name)
    return address("destinations", name) if condition.kind in LEDGER_KINDS else None
