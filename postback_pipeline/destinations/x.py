"""Type `x`: X's Conversion API, for what its pixel cannot see.

    [destinations.x]
    type = "x"
    pixel_id = "o8z6j"

with the four secrets of OAuth 1.0a in X_CONSUMER_KEY, X_CONSUMER_SECRET, X_ACCESS_TOKEN and X_ACCESS_TOKEN_SECRET; the
token's user must be AD_MANAGER or ACCOUNT_ADMIN of the ad account. A route's `receiver_event` is the id of an event in
the Events Manager. One conversion that X refuses fails its whole request, and X does not say which it was: the batch is
sent again in parts. Only a pixel's and a server's event with the same conversion_id are documented to be told apart
from two, not two of the server's: a request of unknown fate waits for a person. No refund is documented: reversals are
`unsupported_reversal`. There is no flag for consent: with `ad_user_data` denied the click's `twclid` is all that
leaves, and nothing where there is none. IP address and user agent stay here, since they match nothing without another
identifier.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from oauthlib.oauth1.rfc5849 import signature
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
from postback_pipeline.destinations.json_body import code_of, enveloped, is_count, json_of, json_text
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, country_code, e164, lower_email, sha256_hex
from postback_pipeline.destinations.request_forms import percent
from postback_pipeline.destinations.times import iso, unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: The Ads API's version.
API_VERSION = "12"
#: docs.x.com/x-ads-api/measurement/web-conversions: "Conversion count limit is 500".
BATCH_ROWS = 500
#: Unverified: as partners tell it.
MAX_AGE = timedelta(days=7)

_EVENT = re.compile(r"(?:tw-[a-z0-9]{2,20}-)?[a-z0-9]{2,20}")
_PORTAL = "X Developer Portal, Projects & Apps, Keys and tokens"


class XOptions(VendorOptions):
    """The options of this type."""

    pixel_id: str = Field(
        pattern="^[a-z0-9]{2,20}$",
        description="The base tag's (pixel's) id, base 36, such as o8z6j: X Ads, Tools, Events Manager.",
    )
    consumer_key_env: str = Field(
        default="X_CONSUMER_KEY",
        pattern=f"^{VARIABLE}$",
        description=f"Variable with the application's API key: {_PORTAL}, Consumer Keys.",
    )
    consumer_secret_env: str = Field(
        default="X_CONSUMER_SECRET",
        pattern=f"^{VARIABLE}$",
        description=f"Variable with the application's API key secret: {_PORTAL}, Consumer Keys.",
    )
    access_token_env: str = Field(
        default="X_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description=f"Variable with the user's access token: {_PORTAL}, Access Token and Secret.",
    )
    access_token_secret_env: str = Field(
        default="X_ACCESS_TOKEN_SECRET",
        pattern=f"^{VARIABLE}$",
        description=f"Variable with the user's access token secret: {_PORTAL}, Access Token and Secret.",
    )


class X(Vendor):
    """X Conversion API: events of a pixel, told by the server."""

    type = "x"
    home = "https://ads-api.x.com"
    options_type = XOptions
    options: XOptions
    contract = Contract(
        title="X Conversion API",
        version=API_VERSION,
        documentation="https://docs.x.com/x-ads-api/measurement/web-conversions",
        proof="Status 200 with conversions_processed equal to the number of conversions sent.",
        event="The id of an event in the Events Manager, such as o87ne or tw-o8z6j-o87ne.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="No flag is documented: with ad_user_data denied nothing but the click's id leaves.",
        identifiers={"twclid": r"[A-Za-z0-9_.\-]{8,200}"},
        matches_person=("email", "phone"),
        takes_person=("country",),
        acceptance=lambda _, body: {"data": {"conversions_processed": len(body["conversions"])}},
        unverified=("MAX_AGE: 7 days.",),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, one_bad_fails_all=True)

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `conversions`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"X cannot be told a {postback.kind.value}.")
        facts = postback.facts
        if not _EVENT.fullmatch(facts.receiver_event):
            raise DestinationError(
                "receiver_event must be the id of an event of X, such as o87ne or tw-o8z6j-o87ne: X Ads, Tools, Events"
                " Manager."
            )
        return json_text(
            {
                "conversion_time": iso(facts.event_time.replace(microsecond=0)),
                "event_id": facts.receiver_event,
                "identifiers": self._identifiers(postback, person),
                "conversion_id": facts.event_id or postback.key,
                "value": number(postback.value, postback.currency),
                "price_currency": postback.currency,
            }
        )

    def _identifiers(self, postback: Postback, person: Person) -> list[dict[str, str]]:
        """One object each. Refused without any."""
        named = [("twclid", self.identifier(postback.facts, person, "twclid"))]
        if postback.consent.get("ad_user_data") != "denied":
            country = person.plain("country", country_code)
            named += [
                ("hashed_email", person.hashed("email", lower_email)),
                ("hashed_phone_number", person.hashed("phone", e164(country or self.options.phone_country))),
            ]
        found = [{name: value} for name, value in named if value]
        if not found:
            raise DestinationError("Nothing that this conversion holds can be matched by X.")
        return found

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The conversions as they were frozen, signed as of `sent_at`.

        The nonce differs wherever conversions or time do: no two requests of one moment tell the same.
        """
        key, secret, token, token_secret = (credential(secrets, name) for name in self.secret_names)
        url = f"{self.base}/{API_VERSION}/measurement/conversions/{self.options.pixel_id}"
        told = "\n".join([iso(sent_at), *[element.key for element in elements]])
        protocol = [
            ("oauth_consumer_key", key),
            ("oauth_nonce", sha256_hex(told)[:32]),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", str(unix_seconds(sent_at))),
            ("oauth_token", token),
            ("oauth_version", "1.0"),
        ]
        signed = [*protocol, ("oauth_signature", _signature(url, protocol, secret, token_secret))]
        listed = ", ".join(f'{name}="{percent(value)}"' for name, value in signed)
        return Request(
            "POST",
            url,
            {"Content-Type": "application/json", "Authorization": f"OAuth {listed}"},
            enveloped('{"conversions":[', elements, "]}"),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """One reading for all: X takes a request whole or not at all."""
        return [_reading(reply, len(elements))] * len(elements)


class _Keys(NamedTuple):
    """As oauthlib wants them: its own client would write what it signs, tokens too, into the log."""

    client_secret: str
    resource_owner_secret: str


def _signature(url: str, protocol: list[tuple[str, str]], secret: str, token_secret: str) -> str:
    """OAuth 1.0a, HMAC-SHA1 (RFC 5849, 3.4); a body that is no form is not part of it."""
    # The library's types say that it takes a mapping; it takes pairs.
    normal = signature.normalize_parameters(cast("Any", protocol))
    text = signature.signature_base_string("POST", signature.base_string_uri(url), normal)
    return str(signature.sign_hmac_sha1_with_client(text, _Keys(secret, token_secret)))


def _reading(reply: Reply, count: int) -> Verdict:
    body = json_of(reply)
    body = body if isinstance(body, dict) else {}
    data = body.get("data")
    if reply.status == 200 and isinstance(data, dict) and is_count(data.get("conversions_processed"), count):
        return Verdict(Reading.ACCEPTED, "conversions_processed")
    code = _first_code(body)
    reason = f"HTTP {reply.status}" if code is None else f"HTTP {reply.status} {code}"[:60]
    if reply.status == 429:
        return Verdict(Reading.RETRY, reason)
    # 404: there is no such pixel.
    if reply.status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, reason)
    if reply.status == 400:
        return Verdict(Reading.REJECTED, reason, on_request=True)
    return Verdict(Reading.UNKNOWN, reason)


def _first_code(body: Mapping[str, object]) -> str | None:
    """The first error's code; its message may quote a person."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    return code_of(first.get("code")) if isinstance(first, dict) else None
