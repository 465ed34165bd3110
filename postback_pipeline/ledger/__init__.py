"""The transactional record of postbacks and attempts: the only state that cannot be rebuilt.

Belongs here: identity, revisions, claims, outcomes, states, history, people's commands, on SQLite and PostgreSQL
with the same statements. Does not belong here: receivers' rules (handed in as `Rules`), rendering (handed in as a
function), HTTP, the warehouse, Dagster. This file re-exports the public names and holds nothing else.
"""

from postback_pipeline.ledger.adoption import Adopted
from postback_pipeline.ledger.creation import create_ledger, open_ledger, upgrade_ledger
from postback_pipeline.ledger.errors import LedgerError, LedgerUnavailable
from postback_pipeline.ledger.ledger import Ledger
from postback_pipeline.ledger.outbox import Belief, Outbox
from postback_pipeline.ledger.rules import Rules
from postback_pipeline.ledger.stories import (
    AttemptStory,
    Change,
    CommandReport,
    DestinationStatus,
    DrainStatus,
    ImportReport,
    LedgerStatus,
    Reported,
    Selected,
    Selection,
    Skipped,
    StateCount,
    Story,
)
from postback_pipeline.ledger.troubles import AtRisk, Pause, Trouble, Troubles
from postback_pipeline.ledger.values import (
    Action,
    Approval,
    Claim,
    Due,
    EnqueueReport,
    Inquiry,
    LedgerIdentity,
    Peeked,
    Planned,
    Recorded,
    Refusal,
    Result,
)

__all__ = [
    "Action",
    "Adopted",
    "Approval",
    "AtRisk",
    "AttemptStory",
    "Belief",
    "Change",
    "Claim",
    "CommandReport",
    "DestinationStatus",
    "DrainStatus",
    "Due",
    "EnqueueReport",
    "ImportReport",
    "Inquiry",
    "Ledger",
    "LedgerError",
    "LedgerIdentity",
    "LedgerStatus",
    "LedgerUnavailable",
    "Outbox",
    "Pause",
    "Peeked",
    "Planned",
    "Recorded",
    "Refusal",
    "Reported",
    "Result",
    "Rules",
    "Selected",
    "Selection",
    "Skipped",
    "StateCount",
    "Story",
    "Trouble",
    "Troubles",
    "create_ledger",
    "open_ledger",
    "upgrade_ledger",
]
