"""What needs a person: the conditions that the alerts know, as of now.

Belongs here: gathering them for whoever shows them. Does not belong here: what is wrong when, and how it is said
(`alerting`), the pages that show more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from postback_pipeline.alerting.condition import AlertError, Condition, Severity
from postback_pipeline.alerting.ledger_conditions import KINDS as LEDGER_KINDS
from postback_pipeline.alerting.ledger_conditions import ledger_place
from postback_pipeline.alerting.memory import read_memory
from postback_pipeline.alerting.warehouse_conditions import KINDS as WAREHOUSE_KINDS
from postback_pipeline.alerting.warehouse_conditions import warehouse_place
from postback_pipeline.model import PostbackError
from postback_pipeline.settings import Settings


def needs(settings: Settings, now: datetime) -> tuple[list[Condition], list[str]]:
    """All that holds now, the urgent first; and what could not be looked at, in sentences.

    The ledger and the copy are looked at; what only Dagster sees (failed runs and checks) is as the sensor
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
    raised = [replace(each, severity=Severity.URGENT) if each.kind in urgent else each for each in found]
    return sorted(raised, key=lambda each: (each.severity is not Severity.URGENT, each.subject, each.key)), blind


def _remembered(settings: Settings, blind: list[str]) -> Sequence[Condition]:
    try:
        memory = read_memory(settings.alert_memory_path)
    except AlertError as error:
        blind.append(str(error))
        return ()
    fresh = LEDGER_KINDS | WAREHOUSE_KINDS
    return [held.condition for held in memory.held if held.over_at is None and held.condition.kind not in fresh]
