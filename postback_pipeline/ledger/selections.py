"""Which postbacks a person's command is about, and what was done in whose name.

Belongs here: turning a `Selection` into rows, the log of actions. Does not belong here: the commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.errors import LedgerError
from postback_pipeline.ledger.schema import actions, postbacks, standings
from postback_pipeline.ledger.stories import Selection
from postback_pipeline.model import Kind, State

_P, _S = postbacks.c, standings.c


@dataclass(frozen=True, slots=True)
class Selected:
    """A selected postback as commands look at it."""

    id: int
    destination: str
    conversion_key: str
    revision: int
    kind: Kind
    state: State
    expires_at: datetime | None
    unknown_attempts: int
    element_erased: bool


def find(connection: Connection, selection: Selection) -> list[Selected]:
    """The selected postbacks by id, locked, so that no worker claims one meanwhile.

    Raises:
        LedgerError: the selection gives no condition, or names ids that do not exist.
    """
    conditions = conditions_of(selection)
    if not conditions and not selection.ids and not selection.conversion_keys:
        raise LedgerError("Nothing was selected: name postbacks, conversions, a destination or states.")
    found: dict[int, Selected] = {}
    for listed in lists_of(selection):
        found.update(_read(connection, [*conditions, *listed]))
    missing = sorted(set(selection.ids) - set(found))
    if missing and not conditions and not selection.conversion_keys:
        named = ", ".join(str(postback_id) for postback_id in missing[:5])
        raise LedgerError(f"There is no postback {named} in this ledger. Nothing was changed.")
    return [found[postback_id] for postback_id in sorted(found)]


def log_action(connection: Connection, command: str, *, actor: str, reason: str, subject: str, now: datetime) -> None:
    """Who did what, and why.

    Raises:
        LedgerError: no actor or no reason is given.
    """
    require_reason(command, actor=actor, reason=reason)
    connection.execute(insert(actions).values(at=now, actor=actor, command=command, reason=reason, subject=subject))


def require_reason(command: str, *, actor: str, reason: str) -> None:
    """Stops a step of nobody, or for no reason.

    Raises:
        LedgerError: no actor or no reason is given.
    """
    if not actor.strip() or not reason.strip():
        raise LedgerError(f"The command {command} needs a name and a reason: both are kept. Nothing was changed.")


def conditions_of(selection: Selection) -> list[ColumnElement[bool]]:
    """Everything that a selection asks of postbacks and standings, save its long lists."""
    conditions: list[ColumnElement[bool]] = []
    if selection.destination is not None:
        conditions.append(_S.destination == selection.destination)
    if selection.states:
        conditions.append(_S.state.in_([state.value for state in selection.states]))
    if selection.event_name is not None:
        conditions.append(_P.event_name == selection.event_name)
    if selection.reason is not None:
        conditions.append(_S.reason == selection.reason)
    if selection.created_from is not None:
        conditions.append(_P.created_at >= selection.created_from)
    if selection.created_before is not None:
        conditions.append(_P.created_at < selection.created_before)
    return conditions


def lists_of(selection: Selection) -> list[list[ColumnElement[bool]]]:
    """The long lists of a selection in pieces that fit a statement."""
    keys = [[_P.conversion_key.in_(chunk)] for chunk in chunks(selection.conversion_keys)] or [[]]
    ids = [[_P.id.in_(chunk)] for chunk in chunks(selection.ids)] or [[]]
    return [[*by_key, *by_id] for by_key in keys for by_id in ids]


def _read(connection: Connection, conditions: list[ColumnElement[bool]]) -> dict[int, Selected]:
    query = (
        select(
            _P.id,
            _P.destination,
            _P.conversion_key,
            _P.revision,
            _P.kind,
            _S.state,
            _S.expires_at,
            _S.unknown_attempts,
            _P.element.is_(None).label("element_erased"),
        )
        .join(standings, _S.id == _P.id)
        .where(*conditions)
        .order_by(_P.id)
        .with_for_update(key_share=True, of=standings)
    )
    return {
        row.id: Selected(
            id=row.id,
            destination=row.destination,
            conversion_key=row.conversion_key,
            revision=row.revision,
            kind=Kind(row.kind),
            state=State(row.state),
            expires_at=row.expires_at,
            unknown_attempts=row.unknown_attempts,
            element_erased=bool(row.element_erased),
        )
        for row in connection.execute(query)
    }
