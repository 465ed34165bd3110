"""Runs the migrations on the connection that `creation` hands in, inside its transaction.

Alembic finds this file by name. There is no way to run it without the ledger's own commands.
"""

from __future__ import annotations

from alembic import context

from postback_pipeline.ledger.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
