"""The facts that a conversion's postbacks share, as columns, and how later revisions inherit them.

Belongs here: reading, writing and inheriting `model.Facts`. Does not belong here: which revision settled them
(`decision.Known`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any

from sqlalchemy import Connection, select

from postback_pipeline.ledger.chunks import chunks
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.model import Facts

#: Every fact has a column of its name.
NAMES = tuple(field.name for field in fields(Facts))


def read_settled_facts(connection: Connection, ids: Collection[int]) -> dict[int, tuple[Facts, bool]]:
    """The facts of postbacks by id, and whether they were imported."""
    found: dict[int, tuple[Facts, bool]] = {}
    columns = [postbacks.c[name] for name in NAMES]
    for chunk in chunks(ids):
        query = select(postbacks.c.id, postbacks.c.origin, *columns).where(postbacks.c.id.in_(chunk))
        for row in connection.execute(query):
            facts = Facts(**{name: row._mapping[name] for name in NAMES})
            found[row.id] = (facts, row.origin == "import")
    return found


def inherit(newest: Facts, settled: Facts, *, imported: bool) -> Facts:
    """The facts of a new revision after one whose facts are settled.

    A previous sender's report names some facts only; the others are taken from the newest ones.
    """
    if not imported:
        return settled
    named = {name: value for name in NAMES if (value := getattr(settled, name))}
    return replace(newest, **named)


def facts_columns(facts: Facts) -> dict[str, Any]:
    """Facts as values of their columns."""
    return {name: getattr(facts, name) for name in NAMES}
