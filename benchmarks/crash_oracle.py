"""What the receiver noted against what the ledger says: the four checks that end every fault.

(a) nothing is missing: what is wanted has a postback, and what the ledger calls accepted reached the receiver;
(b) nothing was taken twice, unless an attempt's fate was unknown and the receiver deduplicates;
(c) attempts on the wire are requests at the receiver, give or take those of unknown fate;
(d) every amount arrived as it stands in the ledger, to the cent.

Belongs here: comparing, in sentences. Does not belong here: what a fault does, reading a receiver's log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from postback_pipeline.ledger import AttemptStory, Story
from postback_pipeline.model import Outcome, State

#: The receiver has it, says the ledger.
TAKEN = (State.ACCEPTED, State.PROCESSED)


@dataclass(frozen=True, slots=True)
class Hit:
    """One postback in one fully read request."""

    key: str
    kind: str
    revision: int
    value: Decimal
    #: The receiver took it, or would have, had it not known it.
    taken: bool = True


@dataclass
class Findings:
    """What does not fit, one sentence each."""

    #: (a)
    lost: list[str] = field(default_factory=list)
    #: (b): keys that were taken more than once, explained or not.
    duplicated: list[str] = field(default_factory=list)
    #: (b), (c), (d): what no attempt of the ledger explains.
    unexplained: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What must not be."""
        return self.lost + self.unexplained


def key_of(story: Story) -> str:
    """`Postback.key`."""
    return f"{story.conversion_key}.{story.revision}"


def compare(
    stories: Sequence[Story], hits: Iterable[Hit], *, deduplicates: bool, wanted: Collection[str] = ()
) -> Findings:
    """The four checks over everything in a ledger at one destination.

    Args:
        stories: of all its postbacks.
        hits: of all its requests, in order of arrival.
        deduplicates: what the receiver does with a key that it knows.
        wanted: keys of the conversions that it should hear of.
    """
    findings = Findings()
    at_receiver: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        at_receiver[hit.key].append(hit)
    known = {story.conversion_key for story in stories}
    findings.lost += [f"{key} is wanted and has no postback" for key in wanted if key not in known]
    for story in stories:
        _compare_one(story, at_receiver.pop(key_of(story), []), deduplicates, findings)
    findings.unexplained += [f"{key} reached the receiver and is in no ledger" for key in at_receiver]
    return findings


def _compare_one(story: Story, hits: Sequence[Hit], deduplicates: bool, findings: Findings) -> None:
    key = key_of(story)
    taken = sum(hit.taken for hit in hits)
    replied, maybe = replies(story), doubts(story)
    if story.state in TAKEN and not taken and story.attempts:
        findings.lost.append(f"{key} is {story.state} and never reached the receiver")
    if taken > 1:
        findings.duplicated.append(key)
        if not deduplicates or taken - 1 > maybe:
            findings.unexplained.append(f"{key} was taken {taken} times with {maybe} attempts of unknown fate")
    if not replied <= len(hits) <= replied + maybe:
        findings.unexplained.append(
            f"{key} reached the receiver {len(hits)} times with {replied} answered and {maybe} unknown attempts"
        )
    told = {(hit.kind, hit.revision, hit.value) for hit in hits}
    if told - {(story.kind.value, story.revision, story.value)}:
        findings.unexplained.append(f"{key} was told as {sorted(map(str, told))}, the ledger says {story.value}")


def replies(story: Story) -> int:
    """Attempts that brought back an answer: their request was read whole."""
    return sum(attempt.http_status is not None for attempt in story.attempts)


def doubts(story: Story) -> int:
    """Attempts of which the receiver may or may not have read the request whole."""
    under_way = int(story.state is State.SENDING and all(attempt.outcome for attempt in story.attempts))
    return under_way + sum(map(_is_doubtful, story.attempts))


def _is_doubtful(attempt: AttemptStory) -> bool:
    return attempt.http_status is None and attempt.outcome in (None, Outcome.UNKNOWN)
