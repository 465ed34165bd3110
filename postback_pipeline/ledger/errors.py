"""What can go wrong with a ledger, as sentences for a person.

Belongs here: the error types. Does not belong here: anything about one postback (that is a state, never an error).
No text ever holds a password, a payload or personal data.
"""

from __future__ import annotations

from postback_pipeline.model import PostbackError


class LedgerError(PostbackError):
    """The ledger cannot be used as asked: missing, foreign, another version, or a command that makes no sense."""


class LedgerUnavailable(LedgerError):
    """The database did not answer or refused the write (locked, full, restarting); nothing was changed.

    The one exception is a connection that broke while committing: then the change may or may not stand. Every
    operation of the ledger may be repeated: a claim lost this way is lapsed by its lease, a recorded result is known.
    """
