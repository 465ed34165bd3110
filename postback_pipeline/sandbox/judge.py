"""What a receiver answers to one request.

Belongs here: the decision and its reply, free of I/O and of chance: the shares are drawn from the seed and the
request itself, so the same requests fare the same in whatever order they arrive. Does not belong here: the server.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from postback_pipeline.sandbox.behaviour import Behaviour
from postback_pipeline.sandbox.entry import Entry, find
from postback_pipeline.sandbox.tally import Receiver

#: Replies that say nothing, with their types.
GARBAGE = (
    (b"<!doctype html><title>Welcome</title><h1>It works!</h1>", "text/html"),
    (b"", "application/json"),
    (b'{"status": "acc', "application/json"),
)
#: How far the time of a signature may lie from now.
TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply to be sent."""

    #: accepted, duplicate, rejected, throttled, failed, unauthorized or garbage.
    word: str
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def identify(entry: Entry, headers: Mapping[str, str], behaviour: Behaviour) -> str | None:
    """What makes this request the same as another one; None where it carries nothing of the kind."""
    if behaviour.dedup_on:
        names = behaviour.dedup_on
    elif "webhook-id" in headers:
        return headers["webhook-id"]
    elif key := find(entry, "key"):
        return key
    else:
        names = ("transaction_id", "kind")
    parts = [find(entry, name) or headers.get(name) for name in names]
    return "|".join(part or "" for part in parts) if any(parts) else None


def attempt_of(entry: Entry, first: Entry, receiver: Receiver, *, seed: int) -> str:
    """What a request's chances are drawn from: itself, and how often its message, of many the first, came before."""
    return f"{_draw(entry, seed)}|{receiver.seen[first['id']]}"


def refuse(entry: Entry, behaviour: Behaviour, *, arrival: int, attempt: str, signed: bool) -> Answer | None:
    """The answer to a receiver's `arrival`-th request since its behaviour was set, if that is not even looked at."""
    if not signed:
        return _answer(entry, "unauthorized", 401, "The signature is missing, wrong or too old.")
    if arrival <= behaviour.throttle_first or (behaviour.throttle_every and arrival % behaviour.throttle_every == 0):
        headers = {"Retry-After": str(behaviour.retry_after_seconds)}
        return _answer(entry, "throttled", 429, "Too many requests; not taken.", headers)
    if _hits(behaviour.error_share, f"error|{attempt}"):
        return _answer(entry, "failed", 500, "Something went wrong; not taken.")
    return None


def take(entry: Entry, behaviour: Behaviour, receiver: Receiver, *, attempt: str, seed: int) -> Answer:
    """The answer to one message that was looked at; `attempt` is of the request that brought it."""
    if behaviour.deduplicates and entry["id"] in receiver.taken:
        return _answer(entry, "duplicate", 200, "This was taken before.")
    if behaviour.reject_when and all(find(entry, name) == value for name, value in behaviour.reject_when.items()):
        return _answer(entry, "rejected", behaviour.reject_status, "It matches this receiver's rule.")
    if _hits(behaviour.reject_share, f"reject|{_draw(entry, seed)}"):
        return _answer(entry, "rejected", behaviour.reject_status, "The click is not known.")
    if _hits(behaviour.garbage_share, f"garbage|{attempt}"):
        return Answer("garbage", 200, *GARBAGE[int(_share(f"kind|{attempt}") * len(GARBAGE))])
    return _answer(entry, "accepted", 200, None)


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether the Standard Webhooks signature is right and no older or newer than the tolerance."""
    try:
        stamp = int(headers["webhook-timestamp"])
        if abs(now.timestamp() - stamp) > TOLERANCE.total_seconds():
            return False
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
        signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
    except (KeyError, ValueError, binascii.Error):
        return False
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(expected.encode(), each.encode()) for each in given)


def _answer(
    entry: Entry, word: str, status: int, reason: str | None, headers: Mapping[str, str] | None = None
) -> Answer:
    body = json.dumps({"status": word, "id": entry["id"], "reason": reason}).encode()
    return Answer(word, status, body, headers=headers or {})


def _draw(entry: Entry, seed: int) -> str:
    return f"{seed}|{entry['receiver']}|{entry['id']}"


def _hits(share: float, draw: str) -> bool:
    return share > 0 and _share(draw) < share


def _share(draw: str) -> float:
    """Evenly spread over [0, 1), always the same for the same text."""
    digest = hashlib.blake2b(draw.encode(errors="backslashreplace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
