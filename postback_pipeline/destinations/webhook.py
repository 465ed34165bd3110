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

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Self

from postback_pipeline.destinations.base import Destination, Element, Reading, Reply, Request, Verdict
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.options import origin_of, parse_options
from postback_pipeline.destinations.standard_webhooks import SignedOptions, postback_json, signed_request
from postback_pipeline.model import Postback
from postback_pipeline.settings import DestinationSettings


class Webhook(Destination):
    """A signed JSON endpoint that is told everything, reversals included."""

    type = "webhook"
    contract = Contract(
        title="Signed webhook",
        version="1.0.0",
        documentation="https://www.standardwebhooks.com",
        proof="2xx, by the Standard Webhooks specification.",
        event="Whatever the field `event` should be, such as purchase.",
        reversals="The new total, the one before and the difference.",
        consent="As the object `consent`.",
    )

    def __init__(self, name: str, options: SignedOptions) -> None:
        self.name = name
        self._url = options.url
        self._verdicts = {status: Verdict(reading, f"HTTP {status}") for status, reading in options.readings().items()}
        self.origins = (origin_of(options.url),)
        self.secret_names = options.secret_names
        self.capabilities = options.capabilities()

    @classmethod
    def from_settings(cls, name: str, settings: DestinationSettings) -> Self:
        """Checks URL and options; DestinationError names the option that is wrong."""
        options = parse_options(SignedOptions, name, settings)
        options.check_url(name, settings)
        return cls(name, options)

    def render(self, postback: Postback) -> str:
        """The whole body, as the module's docstring shows it."""
        return postback_json(postback)

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The body as it was frozen, signed for the moment of sending."""
        (element,) = elements
        return signed_request(
            self._url,
            element.text.encode("utf-8"),
            identity=f"{self.name}\n{element.key}",
            secret_names=self.secret_names,
            secrets=secrets,
            sent_at=sent_at,
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """By status alone, as the specification has it."""
        return [self._verdicts.get(reply.status) or Verdict(Reading.UNKNOWN, f"HTTP {reply.status}")] * len(elements)
