"""Days that are no evidence: public holidays, and what people said about their own business.

Belongs here: which days are excused, and where a new level was announced. Does not belong here: where it is written
down (`settings`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

import holidays

from postback_pipeline.settings.anomalies import Change

#: Holidays no further apart make one rest of the days between them: Christmas and New Year.
_BRIDGE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What is known of the calendar."""

    #: Whose public holidays count: ISO 3166 code of a country (GB) or of a part of one (GB-ENG); empty: nobody's.
    country: str = ""
    changes: Sequence[Change] = ()

    def rests(self, day: date) -> bool:
        """Whether trade may rest: a public holiday, its eve, the day after, or a day between two of them."""
        return bool(self.country) and day in _rests(self.country, day.year)


@lru_cache(maxsize=256)
def _rests(country: str, year: int) -> frozenset[date]:
    day = timedelta(days=1)
    name, _, part = country.partition("-")
    known = sorted(holidays.country_holidays(name, subdiv=part or None, years=(year - 1, year, year + 1)))
    found = {each + shift * day for each in known for shift in (-1, 0, 1)}
    for first, second in pairwise(known):
        if second - first <= _BRIDGE:
            found |= {first + shift * day for shift in range((second - first).days)}
    return frozenset(each for each in found if each.year == year)
