"""Signed JSON to an endpoint of one's own: what the types `webhook` and `batch_webhook` share.

Belongs here: a postback as flat JSON, the signature of the Standard Webhooks specification 1.0.0, and what the options
say about statuses. Does not belong here: how many postbacks a request holds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from pydantic import Field

from postback_pipeline.destinations.base import Capabilities, DestinationError, Reading, Request, SecretError
from postback_pipeline.destinations.json_body import json_text
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE, Options, hours, origin_of, require_https
from postback_pipeline.destinations.person import email_sha256, phone_sha256
from postback_pipeline.destinations.reply_rules import Status
from postback_pipeline.destinations.request_forms import MAX_BODY, check_fixed_url
from postback_pipeline.destinations.times import iso
from postback_pipeline.model import Postback
from postback_pipeline.settings import DestinationSettings

_PREFIX = "whsec_"


class SignedOptions(Options):
    """The options of a signed endpoint, beside those that every adapter shares."""

    url: str
    secret_env: str = Field(pattern=f"^{VARIABLE}$")
    #: The secret before a change; sign with both until every receiver knows the new one.
    previous_secret_env: str | None = Field(default=None, pattern=f"^{VARIABLE}$")
    deduplicates: bool = True
    #: In this order; a status in none of them is unknown.
    pause_status: tuple[Status, ...] = (301, 307, 308, 401, 403, 404, 405, 410)
    retry_status: tuple[Status, ...] = (429, 503)
    accepted_status: tuple[Status, ...] = tuple(range(200, 300))
    rejected_status: tuple[Status, ...] = tuple(range(400, 500))

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Names of the environment variables that hold signing secrets, the newest first."""
        return tuple(secret for secret in (self.secret_env, self.previous_secret_env) if secret)

    def check_url(self, name: str, settings: DestinationSettings) -> None:
        """Raises DestinationError where the URL of destination `name` cannot be called, or only in clear."""
        try:
            check_fixed_url(self.url)
        except ValueError as error:
            raise DestinationError(f"destinations.{name}: url: {error}.") from error
        require_https(name, "url", origin_of(self.url), settings, self)

    def readings(self) -> dict[int, Reading]:
        """What each status means that is configured; where one stands in several lists, the first one counts."""
        lists = (
            (Reading.CONFIGURATION, self.pause_status),
            (Reading.RETRY, self.retry_status),
            (Reading.ACCEPTED, self.accepted_status),
            (Reading.REJECTED, self.rejected_status),
        )
        return {status: reading for reading, statuses in reversed(lists) for status in statuses}

    def capabilities(self, **batch: Any) -> Capabilities:
        """An endpoint that is told everything, reversals included; `batch` says what it takes at a time."""
        return Capabilities(
            deduplicates=self.deduplicates,
            dedup_window=hours(self.dedup_window_hours),
            max_age=hours(self.max_age_hours),
            restatement=True,
            retraction=True,
            reinstatement=True,
            adjusts_pixel=self.adjusts_pixel,
            adjustment_min_age=hours(self.adjustment_min_age_hours),
            adjustment_max_age=hours(self.adjustment_max_age_hours),
            **batch,
        )


def postback_json(postback: Postback, longest: int = MAX_BODY) -> str:
    """A postback as the docstring of `webhook` shows it.

    Raises:
        DestinationError: it cannot be written, or is longer than `longest` bytes.
    """
    facts, person = postback.facts, postback.person
    previous, currency = postback.previous_value, postback.currency
    event_time, value = iso(facts.event_time), wire_amount(postback.value, currency)
    body: dict[str, Any] = {
        "type": postback.kind.value,
        "timestamp": event_time,
        "key": postback.key,
        "conversion_key": postback.conversion_key,
        "revision": postback.revision,
        "event_name": postback.event_name,
        "event": facts.receiver_event,
        "event_id": facts.event_id,
        "transaction_id": facts.transaction_id,
        "action_at": iso(facts.action_at),
        "event_time": event_time,
        "value": value,
        "previous_value": None if previous is None else wire_amount(previous, currency),
        "delta": value if previous is None else wire_amount(postback.delta, currency),
        "currency": currency,
        "click_id": facts.click_id,
        "clicked_at": None if facts.clicked_at is None else iso(facts.clicked_at),
        "identifiers": dict(facts.identifiers),
        "email_sha256": email_sha256(person.get("email")),
        "phone_sha256": phone_sha256(person.get("phone")),
    }
    if facts.exchange_rate is not None:
        body["exchange_rate"] = f"{facts.exchange_rate.normalize():f}"
    if postback.consent:
        body["consent"] = dict(postback.consent)
    return json_text(body, longest)


def signed_request(
    url: str,
    body: bytes,
    *,
    identity: str,
    secret_names: Sequence[str],
    secrets: Mapping[str, str],
    sent_at: datetime,
    longest_reply: int = 0,
) -> Request:
    """A POST of JSON, signed for the moment of sending with every secret.

    Args:
        url: where to.
        body: what is sent.
        identity: what makes the message the same on every attempt; a digest of it is its id, since the specification
            wants no '.' and nothing of a user's own making in a signed id.
        secret_names: which of the secrets sign.
        secrets: values by name.
        sent_at: aware UTC.
        longest_reply: as `Request.longest_reply`; 0 for the usual.

    Raises:
        SecretError: a secret is no key.
    """
    message_id = "msg_" + hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:40]
    timestamp = int(sent_at.timestamp())
    keys = [_signing_key(name, secrets) for name in secret_names]
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join([signature(key, message_id, timestamp, body) for key in keys]),
    }
    return Request("POST", url, headers, body, longest_reply)


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One entry of `webhook-signature`, by the specification's symmetric scheme; `timestamp` in unix seconds."""
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    return "v1," + b2a_base64(digest, newline=False).decode()


def _signing_key(name: str, secrets: Mapping[str, str]) -> bytes:
    try:
        return _decoded(secrets[name])
    except (KeyError, ValueError):
        raise SecretError(f"{name} holds no signing secret: {_PREFIX} followed by base64.") from None


@lru_cache(maxsize=64)
def _decoded(secret: str) -> bytes:
    key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    if not key:
        raise ValueError("empty")
    return key
