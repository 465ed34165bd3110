"""The ledger's tables as they are now, for building statements.

Belongs here: tables, indexes, the version. Does not belong here: how a database gets there (`migrations`, whose newest
revision must give exactly these tables; a test compares them).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from postback_pipeline.ledger.columns import Amount, Deadline, Instant, Names, Rate, RowId

#: The newest revision in `migrations/versions`. Revisions are numbers of four digits: later ones are greater texts.
SCHEMA_VERSION = "0003"
#: Not Alembic's default name: the ledger may share its database with other tools that keep theirs there.
VERSION_TABLE = "ledger_version"

metadata = MetaData()

#: Can be claimed. Both databases use a partial index only where a query repeats its condition word for word.
QUEUED = text("state IN ('pending', 'retry')")

#: Did not arrive, as far as anybody knows.
TROUBLED = text("state IN ('parked', 'rejected', 'expired')")

OPEN = text("ask_at IS NOT NULL")

ledger_identity = Table(
    "ledger_identity",
    metadata,
    Column("ledger_id", Text, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

destinations = Table(
    "destinations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("paused", Boolean, nullable=False, server_default=false()),
    Column("pause_reason", Text),
    Column("paused_by", Text),
    Column("paused_at", Instant),
    # Nothing leaves before this instant: the receiver asked to wait, or it failed too often.
    Column("not_before", Instant),
    Column("postpone_reason", Text),
    # How often in a row the breaker opened; 0: it is closed.
    Column("trips", Integer, nullable=False, server_default=text("0")),
    # When the next turn at the rate limit is free; None or past: at once.
    Column("next_turn_at", Instant),
    # What must change so that the machine's own pause ends by itself; None: only a person ends it.
    Column("pause_mark", Text),
)

# Workers that drain a destination now, by their own account.
drains = Table(
    "drains",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# What a postback is. Nothing in it changes, save that its element is erased one day.
postbacks = Table(
    "postbacks",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("destination", Text, nullable=False),
    # In the order of its bytes on both databases, as in the warehouse.
    Column("conversion_key", Text().with_variant(Text(collation="C"), "postgresql"), nullable=False),
    Column("event_name", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Amount, nullable=False),
    Column("previous_value", Amount),
    Column("currency", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    # `model.Facts`.
    Column("receiver_event", Text, nullable=False),
    Column("event_id", Text),
    Column("transaction_id", Text, nullable=False),
    Column("action_at", Instant, nullable=False),
    Column("event_time", Instant, nullable=False),
    Column("click_id", Text),
    Column("clicked_at", Instant),
    Column("identifiers", Names, nullable=False),
    Column("definition_version", Text, nullable=False),
    # The accepted postback that this one adjusts; None for a first report, or if only the pixel reported.
    Column("parent_id", BigInteger),
    # `enqueue`, `replay` or `import`.
    Column("origin", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    # The frozen element; None once erased. Its hash stays.
    Column("element", Text),
    Column("element_hash", Text, nullable=False),
    # A fact like those above; it came later. None: the value stands in the conversion's own currency.
    Column("exchange_rate", Rate),
    UniqueConstraint("destination", "conversion_key", "revision", name="postbacks_identity"),
    Index("postbacks_created", "destination", "origin", "created_at"),
    Index("postbacks_key", "conversion_key"),
)

# Where each postback stands: what a claim and a record write anew. Apart from what it is, since a database writes the
# whole row, and every page and index that it touches, each time.
standings = Table(
    "standings",
    metadata,
    # The postback's.
    Column("id", RowId, primary_key=True, autoincrement=False),
    Column("destination", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("changed_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("expires_at", Deadline, nullable=False),
    # Cancelled by a person: stays so until the desired value changes.
    Column("by_person", Boolean, nullable=False, server_default=false()),
    # Claims ever made, and how many of them ended unknown.
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("unknown_attempts", Integer, nullable=False, server_default=text("0")),
    # The same since the last enqueue, replay or resend: the budget and the deduplication window count from there.
    Column("round_attempts", Integer, nullable=False, server_default=text("0")),
    Column("round_unknown", Integer, nullable=False, server_default=text("0")),
    Column("round_started_at", Instant),
    # The claim, while it is being sent.
    Column("token", Text),
    Column("owner", Text),
    Column("lease_until", Instant),
    # The order of claims, and where windows close.
    Index(
        "standings_queued",
        "destination",
        "expires_at",
        "due_at",
        "id",
        # So that counting what is due reads nothing else.
        "state",
        sqlite_where=QUEUED,
        postgresql_where=QUEUED,
    ),
    # Counting states reads nothing else; finding the few in a state that does not last.
    Index("standings_state", "destination", "state"),
    # What went wrong lately, asked for every minute, among all that ever did.
    Index("standings_troubled", "state", "changed_at", sqlite_where=TROUBLED, postgresql_where=TROUBLED),
)

# Attempts that ended; one that is under way is told by its postback's standing. Neither this table nor the history
# has a foreign key: every row of theirs is selected from a standing, none of those is ever deleted, and checking that
# once more would lock a row each time.
attempts = Table(
    "attempts",
    metadata,
    Column("postback_id", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("token", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("outcome", Text),
    Column("duplicate", Boolean, nullable=False, server_default=false()),
    Column("phase", Text),
    Column("http_status", Integer),
    Column("reason", Text),
    Column("reply_head", Text),
    Column("retry_after", Instant),
    # Reported after its lease was lost: it changed no state.
    Column("stale", Boolean, nullable=False, server_default=false()),
    sqlite_with_rowid=False,
)

# What receivers that judge later are asked by, and the postbacks that were accepted under it.
receipts = Table(
    "receipts",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("destination", Text, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("taken_at", Instant, nullable=False),
    # When it is to be asked about next; None: the verdict is there.
    Column("ask_at", Instant),
    Column("asked", Integer, nullable=False),
    Index("receipts_open", "destination", "ask_at", sqlite_where=OPEN, postgresql_where=OPEN),
)

receipt_members = Table(
    "receipt_members",
    metadata,
    Column("receipt_id", BigInteger, primary_key=True),
    Column("postback_id", BigInteger, primary_key=True),
    # Whether a verdict on a postback is still to come.
    Index("receipt_members_postback", "postback_id", "receipt_id"),
    sqlite_with_rowid=False,
)

history = Table(
    "history",
    metadata,
    Column("seq", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("postback_id", BigInteger, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text, nullable=False),
    Column("attempt", Integer),
    Column("outcome", Text),
    Column("phase", Text),
    Column("http_status", Integer),
    Column("reason", Text),
    Column("actor", Text, nullable=False),
    Index("history_postback", "postback_id"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("destination", Text, nullable=False),
    # What it names; never changed, so that a person approves what they read.
    Column("postbacks", Integer, nullable=False),
    Column("retractions", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    # `waiting`, `approved`, `used` or `replaced` (by a later one with other counts).
    Column("status", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    # When an enqueue last needed it: one that none has needed for a day waits no longer.
    Column("asked_at", Instant, nullable=False),
    Column("approved_at", Instant),
    Column("approved_by", Text),
    Column("used_at", Instant),
    Index("approvals_destination", "destination", "status"),
)

actions = Table(
    "actions",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("command", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # What it was about and what it did, as text for people: counts, ids, names.
    Column("subject", Text, nullable=False),
)
