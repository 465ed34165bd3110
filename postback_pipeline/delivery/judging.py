"""What one exchange means for the ledger: the four outcomes, with what the receiver asked for.

Belongs here: exchange and verdicts -> results. Does not belong here: a receiver's own rules (its adapter reads
replies), what follows from a result (the ledger decides). Nothing of a reply's body gets past this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import compress

from postback_pipeline.delivery.retry_after import parse_retry_after
from postback_pipeline.delivery.transport import Exchange
from postback_pipeline.destinations.base import Destination, Element, Reading, Reply, Verdict
from postback_pipeline.ledger import Claim, Result
from postback_pipeline.model import Outcome, Phase

_OUTCOMES: Mapping[Reading, Outcome] = {
    Reading.ACCEPTED: Outcome.ACCEPTED,
    Reading.DUPLICATE: Outcome.ACCEPTED,
    Reading.REJECTED: Outcome.REJECTED,
    Reading.RETRY: Outcome.REJECTED,
    Reading.CONFIGURATION: Outcome.REJECTED,
    Reading.UNKNOWN: Outcome.UNKNOWN,
}
#: Readings that say nothing about the postback, or only "not now".
_UNSETTLED = (Reading.RETRY, Reading.UNKNOWN)
#: What a reply calls itself is kept if it is one of these; any other text could be anything.
_MEDIA_TYPES = ("application/json", "application/xml", "text/html", "text/plain", "text/xml")
#: By RFC 9110, 15.5.2, about the credentials and nothing else.
UNAUTHORIZED = 401
_REASON_LENGTH = 200
_RECEIPT_LENGTH = 200


@dataclass(slots=True)
class Judgement:
    """What to record, or what is wrong with the destination as a whole."""

    #: Postbacks with an outcome, and the outcomes in the same order.
    claims: Sequence[Claim] = ()
    results: Sequence[Result] = ()
    #: The destination's set-up is at fault, these postbacks are not: what a person must put right before anything
    #: leaves. `refusals` is what came back about them, for the attempts' rows; none where nothing had left.
    configuration: str | None = None
    blocked: Sequence[Claim] = ()
    refusals: Sequence[Result] = ()
    #: What is at fault is the access token, which may have run out.
    token_refused: bool = False
    #: All were rejected together: the results, which are not final, do not tell which of them is to blame.
    together: bool = False
    #: No request could be made of these postbacks together. Nothing was sent.
    unmade: bool = False
    #: The receiver did not answer with a verdict: its health is in doubt; and until when it wants to be left alone.
    #: What it documents as too early says something about the postback only.
    failed: bool = False
    retry_after: datetime | None = None
    #: Why, in a few words.
    reason: str = ""
    #: Seconds that the request took; None where none was made.
    elapsed: float | None = None

    @property
    def is_verdict(self) -> bool:
        """Whether the receiver judged some postback of it, as it does only for credentials that it takes."""
        return any(
            result.http_status is not None
            and (
                result.outcome is Outcome.ACCEPTED
                or (result.outcome is Outcome.REJECTED and (result.final or self.together))
            )
            for result in self.results
        )

    @property
    def clean(self) -> bool:
        """Whether every postback was accepted."""
        return not self.blocked and all(result.outcome is Outcome.ACCEPTED for result in self.results)


def judge(
    claims: Sequence[Claim],
    elements: Sequence[Element],
    exchange: Exchange,
    destination: Destination,
    at: datetime,
) -> Judgement:
    """The judgement of one exchange; `at` is when it ended (aware UTC)."""
    reply = exchange.reply
    if reply is None:
        return _without_reply(claims, exchange, at)
    verdicts = verdicts_of(destination, reply, elements)
    first = verdicts[0]
    kinds = list({id(verdict): verdict for verdict in verdicts}.values()) if len(verdicts) > 1 else verdicts
    unsettled = [verdict for verdict in kinds if verdict.reading in _UNSETTLED]
    retry_after = parse_retry_after(reply.headers, at) if unsettled else None
    together = len(claims) > 1 and all(_is_about_all(verdict) for verdict in kinds) and _one_fails_all(destination)
    head = _head(reply.status, reply.headers.get("Content-Type", ""), retry_after)
    judgement = Judgement(
        claims,
        _results(claims, verdicts, at, exchange.phase, reply.status, head, retry_after, together),
        together=together,
        failed=len(unsettled) == len(kinds) and any(verdict.wait is None for verdict in unsettled),
        retry_after=retry_after,
        reason=first.reason,
        elapsed=exchange.elapsed,
    )
    for verdict in kinds:
        if verdict.reading is Reading.CONFIGURATION:
            _block(judgement, verdicts, verdict.reason)
            judgement.token_refused = reply.status == UNAUTHORIZED or verdict.credential
            break
    return judgement


def _results(
    claims: Sequence[Claim],
    verdicts: Sequence[Verdict],
    at: datetime,
    phase: Phase,
    status: int,
    head: str,
    retry_after: datetime | None,
    together: bool,
) -> list[Result]:
    results = []
    last: Verdict | None = None
    for claim, verdict in zip(claims, verdicts, strict=True):
        # Most postbacks of a batch fare alike, and most adapters say so with one verdict.
        if verdict is not last:
            last, reading = verdict, verdict.reading
            outcome, reason = _OUTCOMES[reading], verdict.reason[:_REASON_LENGTH]
            final, duplicate = reading is not Reading.RETRY and not together, reading is Reading.DUPLICATE
            until = (retry_after or _end_of_wait(verdict, at)) if reading in _UNSETTLED else None
        results.append(
            Result(
                claim.postback_id,
                claim.token,
                outcome,
                at,
                final,
                duplicate,
                reason,
                phase,
                status,
                head,
                until,
                verdict.receipt[:_RECEIPT_LENGTH],
            )
        )
    return results


def _block(judgement: Judgement, verdicts: Sequence[Verdict], reason: str) -> None:
    """Sets aside the postbacks that were not judged because the set-up is at fault."""
    claims, results = judgement.claims, judgement.results
    at_fault = [verdict.reading is Reading.CONFIGURATION for verdict in verdicts]
    settled = [not each for each in at_fault]
    judgement.configuration = reason
    judgement.blocked, judgement.refusals = list(compress(claims, at_fault)), list(compress(results, at_fault))
    judgement.claims, judgement.results = list(compress(claims, settled)), list(compress(results, settled))


def never_sent(claim: Claim, reason: str, at: datetime) -> Judgement:
    """A frozen element that cannot be made into a request: a final no, ours."""
    result = Result(claim.postback_id, claim.token, Outcome.REJECTED, at, reason=reason[:_REASON_LENGTH])
    return Judgement([claim], [result])


def unsent(claims: Sequence[Claim], reason: str, at: datetime) -> Judgement:
    """No request was made, for a reason that may pass."""
    results = [
        Result(claim.postback_id, claim.token, Outcome.NOT_SENT, at, reason=reason, phase=Phase.RESOLVING)
        for claim in claims
    ]
    return Judgement(claims, results, failed=True, reason=reason)


def _without_reply(claims: Sequence[Claim], exchange: Exchange, at: datetime) -> Judgement:
    if exchange.configuration and exchange.proven_unsent:
        return Judgement(configuration=exchange.error, blocked=claims, elapsed=exchange.elapsed)
    outcome = Outcome.NOT_SENT if exchange.proven_unsent else Outcome.UNKNOWN
    reason = exchange.error or "no reply"
    results = [
        Result(claim.postback_id, claim.token, outcome, at, reason=reason, phase=exchange.phase) for claim in claims
    ]
    # Under TLS 1.3 a receiver may turn a client away that has begun to write.
    fault = exchange.error if exchange.configuration else None
    return Judgement(claims, results, configuration=fault, failed=True, reason=reason, elapsed=exchange.elapsed)


def verdicts_of(destination: Destination, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
    """One per element, whatever the adapter makes of the reply."""
    try:
        verdicts = destination.read(reply, elements)
    except Exception as error:
        # The contract forbids it; a reply that trips an adapter must still not count as anything but unknown.
        return [Verdict(Reading.UNKNOWN, f"the reply could not be read ({type(error).__name__})")] * len(elements)
    if len(verdicts) != len(elements):
        return [Verdict(Reading.UNKNOWN, "the reply has another number of verdicts")] * len(elements)
    return verdicts


def _end_of_wait(verdict: Verdict, at: datetime) -> datetime | None:
    return None if verdict.wait is None else at + verdict.wait


def _is_about_all(verdict: Verdict) -> bool:
    return verdict.reading is Reading.REJECTED and verdict.on_request


def _one_fails_all(destination: Destination) -> bool:
    return destination.capabilities.one_bad_fails_all


@lru_cache(maxsize=512)
def _head(status: int, content_type: str, retry_after: datetime | None) -> str:
    """What of a reply is kept for people: nothing that could quote a person or a secret."""
    kept = [f"HTTP {status}"]
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type:
        kept.append(f"Content-Type: {media_type if media_type in _MEDIA_TYPES else 'other'}")
    if retry_after is not None:
        kept.append(f"Retry-After: until {retry_after:%Y-%m-%d %H:%M:%S} UTC")
    return "; ".join(kept)
