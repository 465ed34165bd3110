"""Where postbacks stand, apart from what they are; what all workers of a destination must know; receipts.

What a claim and a record write anew lies in a narrow table of its own. Every row is kept, save those of attempts that
are under way: each gets its row when it ends, and until then is told by its postback's standing. A pause that the
program of an earlier schema made carries no mark: only a person ends it, as before.

Conversion keys lie in the order of their bytes on PostgreSQL too, whatever the database's locale. It is SQLite's order
already, and the warehouse's: both are compared in one pass.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# SQLite has no type for instants: there they are texts in the order of time.
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")

STANDING = (
    "state",
    "reason",
    "changed_at",
    "due_at",
    "expires_at",
    "by_person",
    "attempts",
    "unknown_attempts",
    "round_attempts",
    "round_unknown",
    "round_started_at",
    "token",
    "owner",
    "lease_until",
)


def upgrade() -> None:
    """Adds columns and tables, moves columns to one of them, and takes away what only cost time."""
    _workers()
    _receipts()
    op.execute("DELETE FROM attempts WHERE outcome IS NULL")
    _standings()
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("attempts_postback_id_fkey", "attempts")
        op.drop_constraint("history_postback_id_fkey", "history")
        for index in ("postbacks_queued", "postbacks_state"):
            op.drop_index(index, "postbacks")
        for column in STANDING:
            op.drop_column("postbacks", column)
        op.alter_column("postbacks", "conversion_key", type_=sa.Text(collation="C"), existing_nullable=False)
    else:
        _make_anew("attempts", _attempts(), sqlite_with_rowid=False)
        _make_anew("history", _history())
        op.create_index("history_postback", "history", ["postback_id"])
        unique = sa.UniqueConstraint("destination", "conversion_key", "revision", name="postbacks_identity")
        _make_anew("postbacks", _postbacks(), unique)
        op.create_index("postbacks_created", "postbacks", ["destination", "origin", "created_at"])
        op.create_index("postbacks_key", "postbacks", ["conversion_key"])


def _workers() -> None:
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


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text, nullable=False),
        sa.Column("taken_at", INSTANT, nullable=False),
        sa.Column("ask_at", INSTANT),
        sa.Column("asked", sa.Integer, nullable=False),
    )
    still = sa.text("ask_at IS NOT NULL")
    columns = ["destination", "ask_at"]
    op.create_index("receipts_open", "receipts", columns, sqlite_where=still, postgresql_where=still)
    op.create_table(
        "receipt_members",
        sa.Column("receipt_id", sa.BigInteger, primary_key=True),
        sa.Column("postback_id", sa.BigInteger, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("receipt_members_postback", "receipt_members", ["postback_id", "receipt_id"])


def _standings() -> None:
    op.create_table(
        "standings",
        sa.Column("id", ROW_ID, primary_key=True, autoincrement=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("by_person", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("unknown_attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("round_attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("round_unknown", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("round_started_at", INSTANT),
        sa.Column("token", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("lease_until", INSTANT),
    )
    names = ", ".join(["id", "destination", *STANDING])
    op.execute(f"INSERT INTO standings ({names}) SELECT {names} FROM postbacks")  # noqa: S608
    queued = sa.text("state IN ('pending', 'retry')")
    columns = ["destination", "expires_at", "due_at", "id", "state"]
    op.create_index("standings_queued", "standings", columns, sqlite_where=queued, postgresql_where=queued)
    op.create_index("standings_state", "standings", ["destination", "state"])
    troubled = sa.text("state IN ('parked', 'rejected', 'expired')")
    columns = ["state", "changed_at"]
    op.create_index("standings_troubled", "standings", columns, sqlite_where=troubled, postgresql_where=troubled)


def _make_anew(name: str, columns: list[sa.Column[Any]], *constraints: sa.Constraint, **options: Any) -> None:
    """SQLite cannot take a foreign key away, nor many columns at once: the table is written anew, without them."""
    op.rename_table(name, f"{name}_before")
    op.create_table(name, *columns, *constraints, **options)
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
        sa.Column("seq", ROW_ID, primary_key=True),
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


def _postbacks() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("conversion_key", sa.Text, nullable=False),
        sa.Column("event_name", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("previous_value", sa.Text),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("receiver_event", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text),
        sa.Column("transaction_id", sa.Text, nullable=False),
        sa.Column("action_at", INSTANT, nullable=False),
        sa.Column("event_time", INSTANT, nullable=False),
        sa.Column("click_id", sa.Text),
        sa.Column("clicked_at", INSTANT),
        sa.Column("identifiers", sa.Text, nullable=False),
        sa.Column("definition_version", sa.Text, nullable=False),
        sa.Column("parent_id", sa.BigInteger),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("element", sa.Text),
        sa.Column("element_hash", sa.Text, nullable=False),
        sa.Column("exchange_rate", sa.Text),
    ]
