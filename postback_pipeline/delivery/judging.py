"""What one exchange means for the ledger: the four outcomes, with what the receiver asked for.

Belongs here: exchange and verdict -> result. Does not belong here: a receiver's own rules (its adapter reads replies),
what follows from a result (the ledger decides). Nothing of a reply's body gets past this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from postback_pipeline.delivery.retry_after import parse_retry_after
from postback_pipeline.delivery.transport import Exchange
from postback_pipeline.destinations.base import Destination, Element, Reading, Reply, Verdict
from postback_pipeline.ledger import Claim, Result
from postback_pipeline.model import Outcome

_OUTCOMES: Mapping[Reading, Outcome] = {
    Reading.ACCEPTED: Outcome.ACCEPTED,
    Reading.DUPLICATE: Outcome.ACCEPTED,
    Reading.REJECTED: Outcome.REJECTED,
    Reading.RETRY: Outcome.REJECTED,
    Reading.CONFIGURATION: Outcome.REJECTED,
    Reading.UNKNOWN: Outcome.UNKNOWN,
}
#: What a reply calls itself is kept if it is one of these; any other text could be anything.
_MEDIA_TYPES = ("application/json", "application/xml", "text/html", "text/plain", "text/xml")
_REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to record, or what is wrong with the destination as a whole."""

    #: With `configuration`: only what came back, for the attempt's row. None: nothing did.
    result: Result | None
    #: The destination's set-up is at fault, the postback is not: what a person must put right before anything leaves.
    configuration: str | None = None
    #: The receiver did not answer with a verdict: its health is in doubt.
    failed: bool = False
    #: Seconds that the attempt took; None where none was made.
    elapsed: float | None = None


def judge(claim: Claim, element: Element, exchange: Exchange, destination: Destination, at: datetime) -> Judgement:
    """The judgement of one exchange; `at` is when it ended (aware UTC)."""
    reply = exchange.reply
    if reply is None:
        if exchange.configuration:
            return Judgement(None, exchange.error, elapsed=exchange.elapsed)
        outcome = Outcome.NOT_SENT if exchange.proven_unsent else Outcome.UNKNOWN
        reason = exchange.error or "no reply"
        result = Result(claim.postback_id, claim.token, outcome, at, reason=reason, phase=exchange.phase)
        return Judgement(result, failed=True, elapsed=exchange.elapsed)
    verdict = _verdict(destination, reply, element)
    unsettled = verdict.reading in (Reading.RETRY, Reading.UNKNOWN)
    retry_after = parse_retry_after(reply.headers, at) if unsettled else None
    result = Result(
        claim.postback_id,
        claim.token,
        _OUTCOMES[verdict.reading],
        at,
        final=verdict.reading is not Reading.RETRY,
        duplicate=verdict.reading is Reading.DUPLICATE,
        reason=verdict.reason[:_REASON_LENGTH],
        phase=exchange.phase,
        http_status=reply.status,
        reply_head=_head(reply, retry_after),
        retry_after=retry_after,
    )
    configuration = verdict.reason if verdict.reading is Reading.CONFIGURATION else None
    return Judgement(result, configuration, failed=unsettled, elapsed=exchange.elapsed)


def never_sent(claim: Claim, reason: str, at: datetime) -> Result:
    """A frozen element that cannot be made into a request: a final no, ours."""
    return Result(claim.postback_id, claim.token, Outcome.REJECTED, at, reason=reason[:_REASON_LENGTH])


def _verdict(destination: Destination, reply: Reply, element: Element) -> Verdict:
    try:
        (verdict,) = destination.read(reply, [element])
    except Exception as error:
        # The contract forbids it; a reply that trips an adapter must still not count as anything but unknown.
        return Verdict(Reading.UNKNOWN, f"the reply could not be read ({type(error).__name__})")
    return verdict


def _head(reply: Reply, retry_after: datetime | None) -> str:
    """What of a reply is kept for people: nothing that could quote a person or a secret."""
    kept = [f"HTTP {reply.status}"]
    media_type = reply.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type:
        kept.append(f"Content-Type: {media_type if media_type in _MEDIA_TYPES else 'other'}")
    if retry_after is not None:
        kept.append(f"Retry-After: until {retry_after:%Y-%m-%d %H:%M:%S} UTC")
    return "; ".join(kept)
