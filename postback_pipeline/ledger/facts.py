"""The facts that a conversion's postbacks share, as columns, and how later revisions inherit them.

Belongs here: reading, writing and inheriting `model.Facts`. Does not belong here: which revision settled them
(`decision.Known`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import Connection, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.model import Desired, Facts

#: Every fact has a column of its name.
NAMES = tuple(field.name for field in fields(Facts))


@dataclass(frozen=True, slots=True)
class Settled:
    """The facts that hold for all later revisions of a conversion."""

    facts: Facts
    #: In which it was told: what `facts.exchange_rate` leads to.
    currency: str
    #: A previous sender's report, which names some facts only.
    imported: bool


def read_settled(connection: Connection, ids: Collection[int]) -> dict[int, Settled]:
    """The facts of postbacks by id."""
    found: dict[int, Settled] = {}
    columns = [postbacks.c[name] for name in NAMES]
    for chunk in chunks(ids):
        query = select(postbacks.c.id, postbacks.c.origin, postbacks.c.currency, *columns)
        for row in connection.execute(query.where(postbacks.c.id.in_(chunk))):
            facts = Facts(**{name: row._mapping[name] for name in NAMES})
            found[row.id] = Settled(facts, row.currency, imported=row.origin == "import")
    return found


def inherit(desired: Desired, settled: Settled) -> Facts:
    """The facts of a new revision after one whose facts are settled.

    What a previous sender did not name is taken from the row. A rate stays as long as the currency it leads to. Where
    only keys may be told, settled identifiers are kept if the row still names them, with the values that were settled.
    """
    facts = settled.facts
    if settled.imported:
        named = {name: value for name in NAMES if (value := getattr(facts, name))}
        facts = replace(desired.facts, **named)
    if desired.currency != settled.currency:
        facts = replace(facts, exchange_rate=desired.facts.exchange_rate)
    if desired.keys_only:
        kept = desired.facts.identifiers.keys()
        facts = replace(facts, identifiers={name: value for name, value in facts.identifiers.items() if name in kept})
    return facts


def at_another_rate(desired: Desired, settled: Settled) -> bool:
    """Whether the desired value was exchanged at another rate than the one that holds.

    So it is where the rate was settled only after the warehouse had looked: telling the value would report a change of
    rates as one of the conversion. Nothing is worth nothing at any rate.
    """
    return (
        desired.desired_value != 0
        and not settled.imported
        and desired.currency == settled.currency
        and desired.facts.exchange_rate != settled.facts.exchange_rate
    )


def facts_columns(facts: Facts) -> dict[str, Any]:
    """Facts as values of their columns."""
    return {name: getattr(facts, name) for name in NAMES}
