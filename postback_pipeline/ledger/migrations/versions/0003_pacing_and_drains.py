"""What all workers of a destination must know of each other: the breaker, turns at a rate limit, who is at work.

A pause that the program of an earlier schema made carries no mark: only a person ends it, as before.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# SQLite has no type for instants: there they are texts in the order of time.
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Adds columns and a table; takes away what only cost time."""
    op.add_column("destinations", sa.Column("trips", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("destinations", sa.Column("next_turn_at", INSTANT))
    op.add_column("destinations", sa.Column("pause_mark", sa.Text))
    op.create_table(
        "drains",
        sa.Column("destination", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
    )
    # An attempt gets its row when it ends; that one is under way stands in its postback's row.
    op.execute("DELETE FROM attempts WHERE outcome IS NULL")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("attempts_postback_id_fkey", "attempts")
        op.drop_constraint("history_postback_id_fkey", "history")
    else:
        _make_anew("attempts", _attempts(), sqlite_with_rowid=False)
        _make_anew("history", _history())
        op.create_index("history_postback", "history", ["postback_id"])


def _make_anew(name: str, columns: list[sa.Column[Any]], **options: Any) -> None:
    """SQLite cannot take a foreign key away: the table is written once more, without it."""
    op.rename_table(name, f"{name}_before")
    op.create_table(name, *columns, **options)
    names = ", ".join(column.name for column in columns)
    op.execute(f"INSERT INTO {name} ({names}) SELECT {names} FROM {name}_before")  # noqa: S608
    op.drop_table(f"{name}_before")


def _attempts() -> list[sa.Column[Any]]:
    return [
        sa.Column("postback_id", sa.BigInteger, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("outcome", sa.Text),
        sa.Column("duplicate", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("phase", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("reply_head", sa.Text),
        sa.Column("retry_after", INSTANT),
        sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()),
    ]


def _history() -> list[sa.Column[Any]]:
    return [
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("postback_id", sa.BigInteger, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer),
        sa.Column("outcome", sa.Text),
        sa.Column("phase", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
    ]
