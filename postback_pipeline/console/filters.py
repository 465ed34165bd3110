"""What a page is about, as its URL says: destination, event, currency, days.

Belongs here: reading that from the query, and what holds where it says nothing. Does not belong here: asking for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from postback_pipeline.model import PostbackError

#: So many days are shown where the URL names none.
_DAYS = 28


class WrongAddress(PostbackError):
    """The URL asks for something that cannot be; the sentence says how to write it."""


@dataclass(frozen=True, slots=True)
class Filters:
    """None: all of them. Days are inclusive."""

    destination: str | None
    event: str | None
    currency: str | None
    first: date
    last: date

    @property
    def parameters(self) -> dict[str, object]:
        """As the statements of `pictures/questions` name them."""
        named = {"destination": self.destination, "event": self.event, "currency": self.currency}
        return {**named, "from": self.first, "to": self.last}

    def query(self, **other: str | None) -> str:
        """The same as a query, with other values in places; None leaves one out."""
        own = {
            name: value if isinstance(value, str) else str(value) for name, value in self.parameters.items() if value
        }
        return urlencode({name: value for name, value in (own | other).items() if value})


def read_filters(
    query: Mapping[str, str],
    cohorts: Sequence[Mapping[str, Any]],
    as_of: datetime | None,
    *,
    destination: str | None = None,
    one: bool = False,
) -> Filters:
    """What a query asks for.

    Args:
        query: of the URL.
        cohorts: what there is, as `cohorts.sql` answers, the largest first.
        as_of: the moment of the last build: its day is the last one, unless the query names another.
        destination: the page's own; None: the query may name one.
        one: the page is about one destination, event and currency: where the query leaves one open, the largest.

    Raises:
        WrongAddress: a day is none.
    """
    asked = {name: query.get(name) or None for name in ("destination", "event", "currency")}
    asked["destination"] = destination or asked["destination"]
    columns = {"destination": "destination", "event": "event_name", "currency": "currency"}
    fitting = [each for each in cohorts if all(asked[name] in (None, each[column]) for name, column in columns.items())]
    if one and fitting:
        asked |= {name: fitting[0][column] for name, column in columns.items()}
    last = _day(query, "to") or (as_of.date() if as_of else datetime.now(UTC).date())
    try:
        first = _day(query, "from") or last - timedelta(days=_DAYS - 1)
    except OverflowError:
        raise WrongAddress(f"There are no days before {last}: write from=2026-01-01 and to=2026-01-31.") from None
    if first > last:
        raise WrongAddress(f"There are no days from {first} to {last}: the first one is the later one.")
    return Filters(asked["destination"], asked["event"], asked["currency"], first, last)


def _day(query: Mapping[str, str], name: str) -> date | None:
    written = query.get(name)
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise WrongAddress(f"{written!r} is no day: write {name}=2026-01-31.") from None
