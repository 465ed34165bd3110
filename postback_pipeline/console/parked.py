"""What waits for a person's answer: parked and conflicting postbacks, and those that did not arrive.

Belongs here: that page. Does not belong here: the steps (`actions`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.requests import Request

from postback_pipeline.console.page import Page, address
from postback_pipeline.console.tables import Table
from postback_pipeline.ledger import Ledger, Selection, open_ledger
from postback_pipeline.model import State
from postback_pipeline.pictures.question import Answer
from postback_pipeline.settings import Settings

#: So many of the newest are listed.
LISTED = 200
#: Rejected and expired ones of so many days are counted.
_LATELY = timedelta(days=28)


def parked(request: Request) -> Page:
    """`/parked`."""
    settings: Settings = request.app.state.settings
    name = request.query_params.get("destination") or None
    reason = request.query_params.get("reason") or None
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        groups = _groups(ledger, name)
        chosen = Selection(destination=name, states=(State.PARKED,), reason=reason)
        stories = ledger.newest(chosen, limit=LISTED)
        approvals = ledger.approvals()
    columns = ("id", "destination", "conversion", "kind", "value", "currency", "reason", "transaction_id", "attempt")
    rows = [
        (
            str(story.postback_id),
            story.destination,
            story.conversion_key,
            story.kind.value,
            story.value,
            story.currency,
            story.reason or "",
            story.transaction_id,
            _last(story.attempts),
            story.changed_at,
            "resolve",
        )
        for story in reversed(stories)
    ]
    listed = Table(
        "parked",
        "Parked",
        Answer((*columns, "since", "step"), tuple(rows)),
        links={
            "conversion": lambda row: address("conversions", row["conversion"]),
            "destination": lambda row: address("destinations", row["destination"]),
            "step": lambda row: address("actions", "resolve", postback=row["id"]),
        },
        empty="Nothing is parked.",
    )
    values: dict[str, Any] = {"destination": name, "reason": reason, "approvals": approvals, "listed": LISTED}
    values["destinations"] = sorted({row["destination"] for row in groups.answer.records()} | {*settings.destinations})
    return Page("parked.html", "Parked", {"groups": groups, "parked": listed}, values=values)


def _groups(ledger: Ledger, name: str | None) -> Table:
    now = ledger.now()
    found = ledger.troubles(refused_since=now - _LATELY, expiring_before=now, queued_before=now).postbacks
    rows = [
        (each.destination, each.state.value, each.reason, each.count, each.first_at, each.last_at, _STEP[each.state])
        for each in found
        if name in (None, each.destination)
    ]
    columns = ("destination", "state", "reason", "postbacks", "first_at", "last_at", "step")
    return Table(
        "groups",
        "By destination, state and reason; rejected and expired ones of the last 28 days",
        Answer(columns, tuple(rows)),
        links={"step": _step_of_all, "destination": lambda row: address("destinations", row["destination"])},
        empty="Everything arrived.",
    )


_STEP = {State.PARKED: "resolve all", State.REJECTED: "replay all", State.EXPIRED: "replay all"}


def _step_of_all(row: Any) -> str:
    chosen = {"destination": row["destination"], "last_reason": row["reason"]}
    if row["state"] == State.PARKED:
        return address("actions", "resolve", **chosen)
    return address("actions", "replay", **chosen, state=row["state"])


def _last(attempts: Any) -> str:
    if not attempts:
        return ""
    last = attempts[-1]
    return f"{last.number}, {last.phase or 'no phase'}" + (f", HTTP {last.http_status}" if last.http_status else "")
