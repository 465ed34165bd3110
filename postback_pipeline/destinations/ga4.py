"""Type `ga4`: Google Analytics 4, by its Measurement Protocol.

    [destinations.ga4]
    type = "ga4"
    measurement_id = "G-ABCDE12345"
    api_secret_env = "GA4_API_SECRET"

One event a request, of the browser whose client id the record holds (`ga_client_id`, from the cookie `_ga`). Less
worth, or none, leaves as the event `refund` with the amount that was taken back; more worth cannot be told. Analytics
answers 2xx to whatever it receives: acceptance means received, not processed. A second `refund` is not documented to be
dropped: what has an unknown fate waits for a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from postback_pipeline.destinations.base import (
    Capabilities,
    DestinationError,
    Element,
    Reading,
    Reply,
    Request,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.json_body import code_of, json_of, json_text, without_nothing
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, country_code, e164, gmail_email, sha256_hex
from postback_pipeline.destinations.request_forms import percent
from postback_pipeline.destinations.times import unix_microseconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: How far back an event may lie. developers.google.com/analytics/devguides/collection/protocol/ga4/sending-events.
MAX_AGE = timedelta(hours=72)
#: The longest value of a parameter, in characters; what is longer is cut, and would name another transaction.
#: Unverified number.
LONGEST_VALUE = 100
#: Where only what was bought can be refunded, and the event that says so.
PURCHASE = "purchase"
REFUND = "refund"
CONSENT = {"granted": "GRANTED", "denied": "DENIED"}

_EVENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
#: What the cookie `_ga` has before the client id.
_COOKIE = re.compile(r"GA[0-9]\.[0-9]+(?:-[0-9]+)?\.(?=[0-9]+\.[0-9]+$)")
_ACCEPTED = Verdict(Reading.ACCEPTED, "received")
_VALIDATED = Verdict(Reading.ACCEPTED, "validated")


class Ga4Options(VendorOptions):
    """The options of this type."""

    measurement_id: str = Field(
        pattern="^G-[A-Z0-9]{4,20}$",
        description="The web stream's measurement id, such as G-ABCDE12345: Admin, Data streams, the stream.",
    )
    api_secret_env: str = Field(
        default="GA4_API_SECRET",
        pattern=f"^{VARIABLE}$",
        description="Variable with the API secret: Admin, Data streams, the stream, Measurement Protocol API secrets."
        ' For collection in the EU set base_url = "https://region1.google-analytics.com".',
    )


class Ga4(Vendor):
    """Google Analytics 4 Measurement Protocol, web streams."""

    type = "ga4"
    home = "https://www.google-analytics.com"
    options_type = Ga4Options
    options: Ga4Options
    contract = Contract(
        title="Google Analytics 4 Measurement Protocol",
        version="",
        documentation="https://developers.google.com/analytics/devguides/collection/protocol/ga4/reference",
        proof="Any status 2xx says that the event was received; nothing proves that it was processed.",
        event="The event's name: letters, digits and _, such as purchase or generate_lead.",
        reversals="Of a purchase: the event refund with the transaction id and the amount that was taken back.",
        consent="ad_user_data, ad_personalization: GRANTED or DENIED; analytics denied: no conversion leaves.",
        testing="Mode test sends to the validation server: nothing counts, and what is wrong comes back with a code.",
        identifiers={"ga_client_id": r"[A-Za-z0-9_.\-]{3,100}"},
        takes_person=("email", "phone"),
        acceptance=lambda _, body: "",
        unverified=(
            "LONGEST_VALUE: 100 characters of a transaction id.",
            "_stand_in: that a refund is deducted whichever client reports it.",
            "That the validation server looks at all that the collecting one looks at.",
        ),
    )
    can = Capabilities(max_age=MAX_AGE, restatement=True, retraction=True, increase=False, adjusts_pixel=True)

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Never: the validation server takes the same requests."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """The whole body: a client's one event."""
        facts = postback.facts
        if len(facts.transaction_id) > LONGEST_VALUE:
            raise DestinationError(f"The transaction id is longer than {LONGEST_VALUE} characters, which GA4 cuts.")
        is_conversion = postback.kind is Kind.CONVERSION
        name = facts.receiver_event if is_conversion else self._refund(postback)
        if not _EVENT_NAME.fullmatch(name):
            raise DestinationError(f"{name!r} is no event name of GA4: at most 40 letters, digits and _.")
        if is_conversion and postback.consent.get("analytics") == "denied":
            raise DestinationError("GA4 has no flag for consent to analytics that was denied: nothing is told.")
        value = postback.value if is_conversion else -postback.delta
        client = self.identifier(facts, person, "ga_client_id")
        body: dict[str, Any] = {"client_id": _COOKIE.sub("", client) if client else self._stand_in(postback)}
        # A refund takes place when it is told: its own event would be too old for most of them.
        if is_conversion:
            body["timestamp_micros"] = unix_microseconds(facts.event_time)
        consent = without_nothing(
            (purpose, CONSENT.get(postback.consent.get(purpose, "")))
            for purpose in ("ad_user_data", "ad_personalization")
        )
        if consent:
            body["consent"] = consent
        if is_conversion and postback.consent.get("ad_user_data") != "denied" and (user := self._user(person)):
            body["user_data"] = user
        params = {
            "transaction_id": facts.transaction_id,
            "value": number(value, postback.currency),
            "currency": postback.currency,
        }
        body["events"] = [{"name": name, "params": params}]
        return json_text(body)

    @staticmethod
    def _refund(postback: Postback) -> str:
        if postback.facts.receiver_event != PURCHASE:
            raise DestinationError(f"GA4 cannot be told a {postback.kind.value} of anything but a {PURCHASE}.")
        if postback.delta >= 0:
            raise DestinationError(f"GA4 cannot be told a {postback.kind.value} to more than before.")
        return REFUND

    @staticmethod
    def _stand_in(postback: Postback) -> str:
        """A client id of the same form for a refund whose client is not known any more (consent was withdrawn)."""
        if postback.kind is Kind.CONVERSION:
            raise DestinationError("GA4 needs the browser's client id: ga_client_id, from its cookie _ga.")
        digest = int(sha256_hex(postback.conversion_key), 16)
        return f"{digest % 10**10:010}.{digest // 10**10 % 10**10:010}"

    def _user(self, person: Person) -> dict[str, Any]:
        """User-provided data, in the form of Google's enhanced conversions.

        developers.google.com/analytics/devguides/collection/ga4/uid-data.
        """
        country = person.plain("country", country_code)
        email = person.hashed("email", gmail_email)
        phone = person.hashed("phone", e164(country or self.options.phone_country))
        return without_nothing(
            (("sha256_email_address", email and [email]), ("sha256_phone_number", phone and [phone]))
        )

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The body as it was frozen; the secret is a parameter of the address."""
        (element,) = elements
        path, body = "/mp/collect", element.text
        if self.at_test_facility:
            path, body = "/debug/mp/collect", '{"validation_behavior":"ENFORCE_RECOMMENDATIONS",' + body[1:]
        secret = percent(credential(secrets, self.options.api_secret_env))
        return Request(
            "POST",
            f"{self.base}{path}?measurement_id={self.options.measurement_id}&api_secret={secret}",
            {"Content-Type": "application/json"},
            body.encode(),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Received or not; at the validation server, right or not."""
        if 200 <= reply.status < 300:
            verdict = _validation(reply) if self.at_test_facility else _ACCEPTED
        elif reply.status == 429:
            verdict = Verdict(Reading.RETRY, "HTTP 429")
        elif reply.status in (401, 403, 404):
            # Analytics itself answers 2xx: something before it does not let this through.
            verdict = Verdict(Reading.CONFIGURATION, f"HTTP {reply.status}")
        else:
            verdict = Verdict(Reading.UNKNOWN, f"HTTP {reply.status}")
        return [verdict] * len(elements)


def _validation(reply: Reply) -> Verdict:
    """What `validationMessages` say: nothing, where all is well."""
    body = json_of(reply)
    messages = body.get("validationMessages") if isinstance(body, dict) else None
    if not isinstance(messages, list):
        return Verdict(Reading.UNKNOWN, "no validationMessages")
    if not messages:
        return _VALIDATED
    first = messages[0] if isinstance(messages[0], dict) else {}
    return Verdict(Reading.REJECTED, code_of(first.get("validationCode")) or "validationMessages")
