"""Type `webhook`: signed JSON to an endpoint of one's own, by the Standard Webhooks specification 1.0.0.

    [destinations.crm]
    type = "webhook"
    url = "https://crm.example/hooks/conversions"
    secret_env = "CRM_WEBHOOK_SECRET"      # whsec_ and base64 of 24 to 64 random bytes

Headers: `webhook-id` (the same on every attempt: deduplicate on it), `webhook-timestamp` (unix seconds of the attempt)
and `webhook-signature`, a space-separated list of `v1,` + base64(HMAC-SHA256(secret, `id.timestamp.body`)): two while a
secret is being changed (`previous_secret_env`). The body is flat:

    type                conversion | restatement | retraction
    timestamp           the event time
    key                 conversion_key + "." + revision
    conversion_key, revision, event_name; event and event_id as the route names them; transaction_id
    action_at, event_time, clicked_at       ISO 8601, UTC
    value, previous_value, delta, currency  decimal strings in major units; value is the new total, 0 when retracted
    click_id, identifiers                   our click; {"gclid": ...}
    email_sha256, phone_sha256              trimmed, lower-cased; digits only
    exchange_rate                           decimal string, if the value was exchanged: value = the conversion's x it
    consent                                 {"ad_user_data": "denied"} and so on, if the route asks for any purpose

Replies, by the specification's section "Delivery success and failure" where it says so: 2xx is accepted; 410 pauses
(the receiver wants no more), as do 401, 403, and 404, 405, 301, 307, 308, since the address is wrong or moved, no
redirect is followed, and no postback is at fault; 429 and 503 mean later, after `Retry-After`; any other 4xx is a final
no. 5xx and other 3xx tell nothing certain about what the receiver kept: unknown. All four lists are options.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import Field

from postback_pipeline.destinations.base import (
    Capabilities,
    Destination,
    DestinationError,
    Element,
    Reading,
    Reply,
    Request,
    SecretError,
    Verdict,
)
from postback_pipeline.destinations.macros import iso
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE, Options, hours, origin_of, parse_options, require_https
from postback_pipeline.destinations.person import email_sha256, phone_sha256
from postback_pipeline.destinations.reply_rules import Status
from postback_pipeline.destinations.request_forms import MAX_BODY, check_fixed_url
from postback_pipeline.model import Postback
from postback_pipeline.settings import DestinationSettings

_PREFIX = "whsec_"


class WebhookOptions(Options):
    """The options of this type, beside those that every adapter shares."""

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


class Webhook(Destination):
    """A signed JSON endpoint that is told everything, reversals included."""

    type = "webhook"

    def __init__(self, name: str, options: WebhookOptions) -> None:
        self.name = name
        self._url = options.url
        self._readings = (
            (Reading.CONFIGURATION, options.pause_status),
            (Reading.RETRY, options.retry_status),
            (Reading.ACCEPTED, options.accepted_status),
            (Reading.REJECTED, options.rejected_status),
        )
        self.origins = (origin_of(options.url),)
        self.secret_names = tuple(secret for secret in (options.secret_env, options.previous_secret_env) if secret)
        self.capabilities = Capabilities(
            deduplicates=options.deduplicates,
            dedup_window=hours(options.dedup_window_hours),
            max_age=hours(options.max_age_hours),
            restatement=True,
            retraction=True,
            reinstatement=True,
            adjusts_pixel=options.adjusts_pixel,
            adjustment_min_age=hours(options.adjustment_min_age_hours),
            adjustment_max_age=hours(options.adjustment_max_age_hours),
        )

    @classmethod
    def from_settings(cls, name: str, settings: DestinationSettings) -> Self:
        """Checks URL and options; DestinationError names the option that is wrong."""
        options = parse_options(WebhookOptions, name, settings)
        try:
            check_fixed_url(options.url)
        except ValueError as error:
            raise DestinationError(f"destinations.{name}: url: {error}.") from error
        require_https(name, "url", origin_of(options.url), settings, options)
        return cls(name, options)

    def render(self, postback: Postback) -> str:
        """The whole body, as the module's docstring shows it."""
        facts, person = postback.facts, postback.person
        previous = postback.previous_value
        body: dict[str, Any] = {
            "type": postback.kind.value,
            "timestamp": iso(facts.event_time),
            "key": postback.key,
            "conversion_key": postback.conversion_key,
            "revision": postback.revision,
            "event_name": postback.event_name,
            "event": facts.receiver_event,
            "event_id": facts.event_id,
            "transaction_id": facts.transaction_id,
            "action_at": iso(facts.action_at),
            "event_time": iso(facts.event_time),
            "value": wire_amount(postback.value, postback.currency),
            "previous_value": None if previous is None else wire_amount(previous, postback.currency),
            "delta": wire_amount(postback.delta, postback.currency),
            "currency": postback.currency,
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
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        try:
            size = len(text.encode("utf-8"))
        except UnicodeEncodeError:
            raise DestinationError("A value of this conversion holds half a character and cannot be sent.") from None
        if size > MAX_BODY:
            raise DestinationError(f"The body is longer than {MAX_BODY} bytes.")
        return text

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The body as it was frozen, signed for the moment of sending."""
        (element,) = elements
        body = element.text.encode("utf-8")
        message_id = self._message_id(element.key)
        timestamp = int(sent_at.timestamp())
        keys = [_signing_key(name, secrets) for name in self.secret_names]
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(signature(key, message_id, timestamp, body) for key in keys),
        }
        return Request("POST", self._url, headers, body)

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """By status alone, as the specification has it."""
        for reading, statuses in self._readings:
            if reply.status in statuses:
                return [Verdict(reading, f"HTTP {reply.status}")] * len(elements)
        return [Verdict(Reading.UNKNOWN, f"HTTP {reply.status}")] * len(elements)

    def _message_id(self, key: str) -> str:
        # A digest, since the specification wants no '.' and nothing of a user's own making in a signed id.
        return "msg_" + hashlib.sha256(f"{self.name}\n{key}".encode(errors="surrogatepass")).hexdigest()[:40]


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One entry of `webhook-signature`, by the specification's symmetric scheme; `timestamp` in unix seconds."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def _signing_key(name: str, secrets: Mapping[str, str]) -> bytes:
    try:
        key = base64.b64decode(secrets[name].strip().removeprefix(_PREFIX), validate=True)
    except (KeyError, ValueError):
        key = b""
    if not key:
        raise SecretError(f"{name} holds no signing secret: {_PREFIX} followed by base64.")
    return key
