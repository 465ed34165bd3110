"""The rate at which a value was exchanged becomes one of a postback's facts.

What was told before was told in the conversion's own currency, which is what no rate means: nothing is filled in.
A program of schema 0001 that still runs meanwhile never names the column, and may go on.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the column; a decimal as text, like amounts."""
    op.add_column("postbacks", sa.Column("exchange_rate", sa.Text))
