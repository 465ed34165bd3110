"""When a pause of the machine's own ends by itself: when what it was made for has changed.

Belongs here: a mark of a destination's secrets, and letting a destination run again by it. Does not belong here: why a
destination is paused (`standing`).

A mark lies in the ledger beside its key: whoever holds the ledger can test a guess with it. So it is short: it sorts
out but one in 65,536 of the wrong guesses, and misses one change in as many.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from postback_pipeline.destinations.base import Destination
from postback_pipeline.ledger import Ledger

_DIGITS = 4


def mark_of(name: str, destination: Destination, ledger_id: str, environment: Mapping[str, str]) -> str:
    """Four hexadecimal digits that change with the values of the destination's secrets, and with them alone."""
    values = "\n".join(f"{secret}={environment.get(secret, '')}" for secret in destination.secret_names)
    key = f"{ledger_id}\n{name}".encode()
    return hmac.digest(key, values.encode(errors="surrogateescape"), hashlib.sha256).hex()[:_DIGITS]


def resume_if_fixed(name: str, destination: Destination, ledger: Ledger, environment: Mapping[str, str]) -> bool:
    """Lets a destination run again that was paused by a drain, if all its secrets are set and one changed since.

    A person's pause never ends so. Cheap where nothing is to be done: one look at an index.
    """
    due = ledger.due([name])[name]
    mark = mark_of(name, destination, ledger.identity.ledger_id, environment)
    if not due.paused or due.pause_mark in (None, mark):
        return False
    if not all(environment.get(secret) for secret in destination.secret_names):
        return False
    return ledger.resume_if_changed(name, mark)
