"""The first schema. A migration never changes once released: it repeats what the tables were, not what they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# SQLite has no type for instants: there they are texts in the order of time.
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Makes all tables."""
    _identity_and_destinations()
    _postbacks()
    _attempts_and_history()
    _people()


def _identity_and_destinations() -> None:
    op.create_table(
        "ledger_identity",
        sa.Column("ledger_id", sa.Text, primary_key=True),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    op.create_table(
        "destinations",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("paused", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("pause_reason", sa.Text),
        sa.Column("paused_by", sa.Text),
        sa.Column("paused_at", INSTANT),
        sa.Column("not_before", INSTANT),
        sa.Column("postpone_reason", sa.Text),
    )


def _postbacks() -> None:
    op.create_table(
        "postbacks",
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
        sa.UniqueConstraint("destination", "conversion_key", "revision", name="postbacks_identity"),
    )
    queued = sa.text("state IN ('pending', 'retry')")
    columns = ["destination", "expires_at", "due_at", "id"]
    op.create_index("postbacks_queued", "postbacks", columns, sqlite_where=queued, postgresql_where=queued)
    op.create_index("postbacks_state", "postbacks", ["destination", "state", "changed_at", "due_at"])
    op.create_index("postbacks_created", "postbacks", ["destination", "origin", "created_at"])
    op.create_index("postbacks_key", "postbacks", ["conversion_key"])


def _attempts_and_history() -> None:
    op.create_table(
        "attempts",
        sa.Column("postback_id", sa.BigInteger, sa.ForeignKey("postbacks.id"), primary_key=True),
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
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history",
        sa.Column("seq", ROW_ID, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("postback_id", sa.BigInteger, sa.ForeignKey("postbacks.id"), nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer),
        sa.Column("outcome", sa.Text),
        sa.Column("phase", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("reason", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
    )
    op.create_index("history_postback", "history", ["postback_id"])


def _people() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("postbacks", sa.Integer, nullable=False),
        sa.Column("retractions", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("approved_at", INSTANT),
        sa.Column("approved_by", sa.Text),
        sa.Column("used_at", INSTANT),
    )
    op.create_index("approvals_destination", "approvals", ["destination", "status"])
    op.create_table(
        "actions",
        sa.Column("id", ROW_ID, primary_key=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
    )
