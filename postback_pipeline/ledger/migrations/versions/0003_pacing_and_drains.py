"""What all workers of a destination must know of each other: the breaker, turns at a rate limit, who is at work.

A pause that the program of an earlier schema made carries no mark: only a person ends it, as before.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# SQLite has no type for instants: there they are texts in the order of time.
INSTANT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Adds columns and a table."""
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
