"""What a receiver's documents say about it, as facts that people and SQL read.

Belongs here: the declaration of a destination type: what it takes, what proves acceptance, what is unverified. Does not
belong here: what it can do to a conversion's value and when (`base.Capabilities`), and any code that makes a request.
The listing, the pages in `docs/destinations/`, `.env.example` and the warehouse's own decisions are made from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: (the address's path and query, the request's body) -> the reply's body. A body is JSON's value, a form's fields or a
#: text; None for none.
Acceptance = Callable[[str, Any], object]


@dataclass(frozen=True, slots=True)
class Contract:
    """One type of destination as its vendor describes it. Every text is a whole sentence or empty."""

    #: As the vendor calls it: "Meta Conversions API".
    title: str
    #: The version of the interface that is spoken; empty where it has none.
    version: str
    #: The address of the vendor's own page.
    documentation: str
    #: What of a reply proves that a postback was taken.
    proof: str
    #: What the column `receiver_event` of a route holds for it, with an example.
    event: str
    #: What it tells about reversals, and how; or that it takes none.
    reversals: str
    #: How consent and limited data use leave.
    consent: str
    #: Its own facility for testing, which mode `test` uses; empty where it has none.
    testing: str = ""
    #: Identifiers that it is told -> what a usable value looks like, matched whole; in the syntax that Python's `re`
    #: and RE2 share, since SQL decides by it too. Empty: whatever a route names.
    identifiers: Mapping[str, str] = field(default_factory=dict)
    #: Attributes of a person by which it can match (`email` ...), and those that it only takes along.
    matches_person: tuple[str, ...] = ()
    takes_person: tuple[str, ...] = ()
    #: What it answers where it takes all of a request, for a stand-in of it: the sandbox. What a reply means is read by
    #: the adapter alone. None: the stand-in's own reply is understood.
    acceptance: Acceptance | None = None
    #: Packages and schemata of others that judged its requests.
    judges: tuple[str, ...] = ()
    #: What no text of the vendor confirmed, each with the name of the constant that holds it.
    unverified: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in self.identifiers.values():
            re.compile(pattern)
