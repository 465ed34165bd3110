"""What a drain has in hand: claims in the order of the ledger, cut into parcels, each of which is one request.

Belongs here: pure bookkeeping, and how a batch that was rejected as a whole is parted. Does not belong here: when a
parcel leaves (`crew`), what its reply means (`judging`).

A batch that was rejected as a whole holds at least one postback to blame. It is halved, and the first half leaves
while the second one waits for the verdict: if the first one was clean, the second one must hold it, and is halved
without another request. One postback to blame among n costs at most 2 log2(n) further requests.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.ledger import Claim


@dataclass(slots=True)
class Parcel:
    """The postbacks of one request."""

    claims: list[Claim]
    #: The other half of a rejected batch; it waits for this one's verdict.
    rest: list[Claim] = field(default_factory=list)
    #: It is a part of a rejected batch.
    bisecting: bool = False


def parts(claims: Sequence[Claim]) -> list[Parcel]:
    """What is left to do about claims of which at least one is to blame; one alone is asked about once more."""
    if len(claims) < 2:
        return whole(claims)
    return [Parcel(*halved(claims), bisecting=True)]


def halved(claims: Sequence[Claim]) -> tuple[list[Claim], list[Claim]]:
    """Both halves; of an odd number the first one holds more."""
    middle = (len(claims) + 1) // 2
    return list(claims[:middle]), list(claims[middle:])


def whole(claims: Sequence[Claim]) -> list[Parcel]:
    """What is left to do about a part of which nothing is known."""
    return [Parcel(list(claims), bisecting=True)] if claims else []


class Stock:
    """Claims that wait to be sent."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._rows = capabilities.batch_rows
        self._bytes = capabilities.batch_bytes
        self._mixes = capabilities.mixes_kinds
        self._queue: deque[Claim] = deque()
        self._first: deque[Parcel] = deque()

    def __len__(self) -> int:
        """Claims that wait."""
        return len(self._queue) + sum(len(parcel.claims) + len(parcel.rest) for parcel in self._first)

    def add(self, claims: Iterable[Claim]) -> None:
        """More claims, behind those that wait already."""
        self._queue.extend(claims)

    def put_first(self, parcels: Sequence[Parcel]) -> None:
        """Parcels that leave before everything else, in this order."""
        self._first.extendleft(reversed(parcels))

    def parcels(self, *, filled: bool) -> int:
        """About how many requests they make; with `filled`, a last one with room for more is left out."""
        room = 0 if filled else self._rows - 1
        apart = [len(self._queue)] if self._mixes else Counter(claim.kind for claim in self._queue).values()
        return len(self._first) + sum((count + room) // self._rows for count in apart)

    def take(self, is_late: Callable[[Claim], bool], late: list[Claim]) -> Parcel | None:
        """The next parcel; claims that are too late to be sent are moved to `late` instead.

        Where kinds travel apart, its first claim is the next one, those of its kind behind it come along, and the
        others keep their places.
        """
        if self._first:
            return self._take_part(is_late, late)
        claims: list[Claim] = []
        others: list[Claim] = []
        room = self._bytes
        while self._queue and len(claims) < self._rows:
            claim = self._queue[0]
            if claims and not self._mixes and claim.kind is not claims[0].kind:
                others.append(self._queue.popleft())
                continue
            if room is not None:
                room -= byte_length(claim.element)
                if room < 0 and claims:
                    break
            self._queue.popleft()
            if is_late(claim):
                late.append(claim)
            else:
                claims.append(claim)
        self._queue.extendleft(reversed(others))
        return Parcel(claims) if claims else None

    def _take_part(self, is_late: Callable[[Claim], bool], late: list[Claim]) -> Parcel | None:
        parcel = self._first.popleft()
        claims = [*parcel.claims, *parcel.rest]
        in_time = [claim for claim in claims if not is_late(claim)]
        if len(in_time) == len(claims):
            return parcel
        late += [claim for claim in claims if is_late(claim)]
        # What is left of it proves nothing any more.
        self.put_first(whole(in_time))
        return None

    def clear(self) -> list[Claim]:
        """Everything that waits, which then waits no longer."""
        claims = [claim for parcel in self._first for claim in (*parcel.claims, *parcel.rest)]
        claims += self._queue
        self._first.clear()
        self._queue.clear()
        return claims


def byte_length(text: str) -> int:
    """Length in UTF-8; half a character, which no request can hold, counts as well."""
    return len(text) if text.isascii() else len(text.encode("utf-8", errors="surrogatepass"))
