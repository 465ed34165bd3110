"""Vendors' own words: what a receiver that stands in for one answers when it takes a request.

Belongs here: choosing the words and writing them. Does not belong here: the words (`Contract.acceptance` of each
adapter), and whether a request is taken (`judge.py`).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from postback_pipeline.sandbox.entry import Entry
from postback_pipeline.sandbox.judge import Answer

if TYPE_CHECKING:
    from postback_pipeline.destinations.contract import Acceptance

#: What a token's endpoint answers, whosever it is.
TOKEN = {"access_token": "sandbox", "token_type": "Bearer", "expires_in": 3_600}
_STANDS_IN = re.compile(r"as-([a-z0-9_]+)(?=-|$)")


def dialect_of(receiver: str) -> Acceptance | None:
    """How a receiver accepts that is called after a type: `as-meta`, `as-meta-shoes`; None: in the sandbox's words."""
    from postback_pipeline.destinations import DESTINATIONS

    stands_in = _STANDS_IN.match(receiver)
    adapter = DESTINATIONS.get(stands_in[1]) if stands_in else None
    return adapter.contract.acceptance if adapter else None


def spoken(accept: Acceptance, entry: Entry, target: str) -> Answer:
    """The acceptance of a request in a vendor's words; a rejection of what that vendor could not make sense of."""
    body = entry["body"]
    try:
        said = TOKEN if isinstance(body, dict) and "grant_type" in body else accept(target, body)
    except (LookupError, TypeError, ValueError, AttributeError):
        return Answer("rejected", 400, b'{"error": "This is no request of this receiver."}')
    if isinstance(said, str):
        return Answer("accepted", 200, said.encode(), "text/plain")
    return Answer("accepted", 200, json.dumps(said).encode())
