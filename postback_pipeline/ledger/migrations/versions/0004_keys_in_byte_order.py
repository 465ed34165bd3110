"""Conversion keys in the order of their bytes on PostgreSQL too, whatever the database's locale.

It is SQLite's order already, and the warehouse's: what lies together there lies together here, and both are compared
in one pass.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Changes the column's collation; its indexes are built anew."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("postbacks", "conversion_key", type_=sa.Text(collation="C"), existing_nullable=False)
