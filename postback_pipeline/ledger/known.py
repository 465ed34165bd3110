"""Reading what the ledger holds of some conversions at one destination.

Belongs here: the queries behind `decision.Known`, and the facts that later revisions inherit. Does not belong here:
what follows from it (`decision`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select

from postback_pipeline.ledger.decision import REPORTED_STATES, Known, Revision
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.model import Facts, Kind, State

T = TypeVar("T")

#: Rows per statement: far below the databases' limits, large enough that the statement's own cost vanishes.
CHUNK = 1_000

_COLUMNS = postbacks.c
_REVISIONS = (
    select(
        _COLUMNS.id,
        _COLUMNS.conversion_key,
        _COLUMNS.revision,
        _COLUMNS.kind,
        _COLUMNS.state,
        _COLUMNS.value,
        _COLUMNS.currency,
        _COLUMNS.fingerprint,
        _COLUMNS.unknown_attempts,
        _COLUMNS.by_person,
        _COLUMNS.attempts,
    )
    # The identity's index gives them in this order.
    .order_by(_COLUMNS.conversion_key, _COLUMNS.revision)
)
_FACTS = (
    "receiver_event",
    "event_id",
    "transaction_id",
    "action_at",
    "event_time",
    "click_id",
    "clicked_at",
    "identifiers",
    "definition_version",
)


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of up to `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def read_known(connection: Connection, destination: str, keys: Collection[str]) -> dict[str, Known]:
    """What the ledger holds of each conversion; those it has never heard of are missing."""
    found: dict[str, Known] = {}
    for chunk in chunks(keys):
        query = _REVISIONS.where(_COLUMNS.destination == destination, _COLUMNS.conversion_key.in_(chunk))
        for row in connection.execute(query):
            revision = _revision(row)
            known = found.get(row.conversion_key, Known())
            reported = revision.state in REPORTED_STATES
            found[row.conversion_key] = Known(
                newest=revision,
                accepted=revision if reported else known.accepted,
                settled=revision if reported or row.attempts else known.settled,
            )
    return found


def read_settled_facts(connection: Connection, ids: Collection[int]) -> dict[int, tuple[Facts, bool]]:
    """The facts of postbacks by id, and whether they were imported."""
    found: dict[int, tuple[Facts, bool]] = {}
    columns = [_COLUMNS[name] for name in _FACTS]
    for chunk in chunks(ids):
        query = select(_COLUMNS.id, _COLUMNS.origin, *columns).where(_COLUMNS.id.in_(chunk))
        for row in connection.execute(query):
            facts = Facts(**{name: row._mapping[name] for name in _FACTS})
            found[row.id] = (facts, row.origin == "import")
    return found


def settle(newest: Facts, settled: Facts, *, imported: bool) -> Facts:
    """The facts of a new revision after one whose facts are settled.

    A previous sender's report names some facts only; the others are taken from the newest ones.
    """
    if not imported:
        return settled
    named = {name: value for name in _FACTS if (value := getattr(settled, name))}
    return replace(newest, **named)


def facts_columns(facts: Facts) -> Mapping[str, Any]:
    """Facts as values of their columns."""
    return {name: getattr(facts, name) for name in _FACTS}


def _revision(row: Row[Any]) -> Revision:
    return Revision(
        id=row.id,
        revision=row.revision,
        kind=Kind(row.kind),
        state=State(row.state),
        value=row.value,
        currency=row.currency,
        fingerprint=row.fingerprint,
        unknown_attempts=row.unknown_attempts,
        by_person=row.by_person,
    )
