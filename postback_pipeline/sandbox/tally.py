"""What each receiver of the sandbox has received, answered and now believes.

Belongs here: the sandbox's memory, built from log entries alone, so that a log read again gives the same memory. Does
not belong here: how an answer is found (`judge.py`), how it is shown (`page.py`).
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from postback_pipeline.sandbox.entry import KIND, TRANSACTION, VALUE, Entry, find

#: Answers after which the receiver believes what the request said.
TAKEN = frozenset(("accepted", "garbage"))
LAST = 100
#: Amounts with more digits than this before or after the point are nobody's.
LARGEST = 12


@dataclass
class Receiver:
    """One receiver's memory."""

    #: Answer -> requests; kind -> requests taken.
    answers: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    #: Id -> how often it came, and how often it was taken.
    seen: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    #: (event, transaction) -> currency and what it is worth now: the value that was taken last.
    worth: dict[tuple[str, str], tuple[str, Decimal]] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Remembers one answered request."""
        self.answers[entry["answer"]] += 1
        self.seen[entry["id"]] += 1
        if entry["answer"] not in TAKEN:
            return
        self.taken[entry["id"]] += 1
        self.kinds[find(entry, *KIND) or "other"] += 1
        value, transaction = _value(entry), find(entry, *TRANSACTION)
        if value is not None and transaction is not None:
            self.worth[find(entry, "event") or "", transaction] = (find(entry, "currency") or "", value)

    def summary(self) -> dict[str, Any]:
        """Counts and, per currency, the sum of what it believes."""
        values: dict[str, Decimal] = {}
        for currency, value in self.worth.values():
            values[currency] = values.get(currency, Decimal(0)) + value
        return {
            "received": self.answers.total(),
            "answers": dict(sorted(self.answers.items())),
            "taken_twice": sum(times - 1 for times in self.taken.values()),
            "kinds": dict(sorted(self.kinds.items())),
            "values": {currency: str(value) for currency, value in sorted(values.items())},
        }


class Tally:
    """All receivers' memories, and the newest requests."""

    def __init__(self) -> None:
        """Nothing received yet."""
        self.receivers: dict[str, Receiver] = {}
        self.last: deque[Entry] = deque(maxlen=LAST)

    def of(self, receiver: str) -> Receiver:
        """One receiver's memory."""
        return self.receivers.setdefault(receiver, Receiver())

    def add(self, entry: Entry) -> None:
        """Remembers one answered request."""
        self.of(entry["receiver"]).add(entry)
        self.last.appendleft(entry)

    def summary(self) -> dict[str, Any]:
        """`receivers` (name -> counts and values) and `last` (entries, newest first)."""
        receivers = {name: receiver.summary() for name, receiver in sorted(self.receivers.items())}
        return {"receivers": receivers, "last": list(self.last)}


def _value(entry: Entry) -> Decimal | None:
    """An amount that can be added up; anything else is none."""
    try:
        value = Decimal(find(entry, *VALUE) or "")
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) <= LARGEST else None
