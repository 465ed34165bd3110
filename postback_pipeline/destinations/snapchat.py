"""Type `snapchat`: Snapchat's Conversions API v3, for what its pixel cannot see and for what happens offline.

    [destinations.snapchat]
    type = "snapchat"
    pixel_id = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"
    access_token_env = "SNAPCHAT_ACCESS_TOKEN"

Events leave in batches. Snapchat judges a request as a whole: one that it calls invalid is sent again in parts. Only a
pixel's and a server's event with the same event_id are documented to be told apart from two, not two of the server's: a
request of unknown fate waits for a person. No refund is documented: reversals are `unsupported_reversal`. A click alone
is not enough: Snapchat wants an e-mail address, a telephone number, or both IP address and user agent with it. Events
of apps, which need facts about the device, are not sent by this type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

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
from postback_pipeline.destinations.json_body import code_of, enveloped, json_of, json_text, without_nothing
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, country_code, letters, lower_email, phone_digits
from postback_pipeline.destinations.request_forms import percent
from postback_pipeline.destinations.times import unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: The Conversions API's version.
API_VERSION = "v3"
#: developers.snap.com/api/marketing-api/Conversions-API/Introduction.
MAX_AGE = timedelta(days=37)
#: developers.snap.com/marketing-api/Conversions-API/GetStarted. It also takes ten requests a second for each token.
BATCH_ROWS = 2_000
#: Unverified: the longest body, as a partner tells it.
BATCH_BYTES = 2_000_000
#: Unverified: the order's field in `custom_data`; an example of others has transaction_id.
ORDER = "order_id"
#: Limited data use; country 0, state 0: Snapchat finds out where a person is. Unverified numbers.
LIMITED = {
    "data_processing_options": ["LDU"],
    "data_processing_options_country": 0,
    "data_processing_options_state": 0,
}


#: What is wrong is the token: words alone, since a reason may quote an event's address with a token of the shop's.
_TOKEN = re.compile(r"[A-Za-z ]{0,60}token[a-z ]{0,60}\.?", re.IGNORECASE)


class SnapchatOptions(VendorOptions):
    """The options of this type."""

    pixel_id: str = Field(
        pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        description="The Snap Pixel's id, such as 0a1b2c3d-4e5f-6789-abcd-ef0123456789: Ads Manager, Events Manager.",
    )
    access_token_env: str = Field(
        default="SNAPCHAT_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the long-lived Conversions API token: Ads Manager, Business Details, Conversions API"
        " Tokens.",
    )
    action_source: Literal["WEB", "OFFLINE"] = Field(
        default="WEB", description="Where the events happen: WEB or OFFLINE (a store, a telephone call, a contract)."
    )


class Snapchat(Vendor):
    """Snapchat Conversions API: events of a pixel, told by the server."""

    type = "snapchat"
    home = "https://tr.snapchat.com"
    options_type = SnapchatOptions
    options: SnapchatOptions
    contract = Contract(
        title="Snapchat Conversions API",
        version=API_VERSION,
        documentation="https://developers.snap.com/api/marketing-api/Conversions-API",
        proof="Status 200 with status VALID in the body.",
        event="The name of a standard or custom event, such as PURCHASE or SIGN_UP.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="ad_user_data denied: limited data use; ad_personalization denied: opt_out.",
        testing="Mode test sends to events/validate, which judges events and keeps none.",
        identifiers={"sc_click_id": r"[A-Za-z0-9_.~\-]{4,500}"},
        matches_person=("email", "phone"),
        takes_person=(
            *("first_name", "last_name", "city", "region", "postal_code", "country"),
            *("ip", "user_agent", "page_url"),
        ),
        acceptance=lambda _, body: {"status": "VALID"},
        unverified=(
            "BATCH_BYTES: a body of at most 2 MB.",
            "ORDER: the order's field in custom_data.",
            "LIMITED: the numbers of country and state; that opt_out says no to personal advertising.",
            "The normal forms of city, region and postal code.",
        ),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, batch_bytes=BATCH_BYTES, one_bad_fails_all=True)

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Every pixel can be tested."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `data`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"Snapchat cannot be told a {postback.kind.value}.")
        facts, consent = postback.facts, postback.consent
        event: dict[str, Any] = {
            "event_name": facts.receiver_event,
            "event_time": unix_seconds(facts.event_time),
            "event_id": facts.event_id or postback.key,
            "action_source": self.options.action_source,
            "user_data": self._user(postback, person),
            "custom_data": {
                "value": number(postback.value, postback.currency),
                "currency": postback.currency,
                ORDER: facts.transaction_id,
            },
        }
        if url := person.plain("page_url"):
            event["event_source_url"] = url
        if consent.get("ad_personalization") == "denied":
            event["opt_out"] = True
        if consent.get("ad_user_data") == "denied":
            event |= LIMITED
        return json_text(event)

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        """`user_data`. Refused without what Snapchat must have."""
        country = person.plain("country", country_code)
        zone = country or self.options.phone_country
        user = without_nothing(
            (
                ("em", _listed(person.hashed("email", lower_email))),
                ("ph", _listed(person.hashed("phone", phone_digits(zone)))),
                ("fn", person.hashed("first_name", letters)),
                ("ln", person.hashed("last_name", letters)),
                ("ct", person.hashed("city", letters)),
                ("st", person.hashed("region", letters)),
                ("zp", person.hashed("postal_code", _american_postal_code if country == "us" else _postal_code)),
                ("country", person.hashed("country", country_code)),
                ("client_ip_address", person.plain("ip")),
                ("client_user_agent", person.plain("user_agent")),
                ("sc_click_id", self.identifier(postback.facts, person, "sc_click_id")),
            )
        )
        if not ("em" in user or "ph" in user or ("client_ip_address" in user and "client_user_agent" in user)):
            raise DestinationError(
                "Snapchat wants an e-mail address, a telephone number, or both IP address and user agent; this"
                " conversion holds none of them."
            )
        return user

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen; the token is a parameter of the address."""
        token = percent(credential(secrets, self.options.access_token_env))
        end = "events/validate" if self.at_test_facility else "events"
        return Request(
            "POST",
            f"{self.base}/{API_VERSION}/{self.options.pixel_id}/{end}?access_token={token}",
            {"Content-Type": "application/json"},
            enveloped('{"data":[', elements, "]}"),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """One reading for all: Snapchat does not say which event is to blame."""
        return [_reading(reply)] * len(elements)


def _listed(value: str | None) -> list[str] | None:
    return [value] if value else None


def _reading(reply: Reply) -> Verdict:
    if reply.status == 429:
        return Verdict(Reading.RETRY, "HTTP 429")
    # 404: there is no such pixel.
    if reply.status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, f"HTTP {reply.status}")
    body = json_of(reply)
    body = body if isinstance(body, dict) else {}
    status = body.get("status")
    if reply.status == 200 and status == "VALID":
        return Verdict(Reading.ACCEPTED, "VALID")
    if status == "INVALID" and reply.status in (200, 400):
        if _TOKEN.fullmatch(str(body.get("reason"))):
            # A token that is no good was seen as a 400, too.
            return Verdict(Reading.CONFIGURATION, "INVALID: access token")
        return Verdict(Reading.REJECTED, f"INVALID {_first_code(body)}", on_request=True)
    return Verdict(Reading.UNKNOWN, f"HTTP {reply.status}")


def _first_code(body: Mapping[str, Any]) -> str:
    """The first of the reply's codes; a dash for none."""
    errors = body.get("errors")
    codes = errors.get("codes") if isinstance(errors, dict) else None
    return (code_of(codes[0]) if isinstance(codes, list) and codes else None) or "-"


def _postal_code(text: str) -> str | None:
    """Lower-case, without spaces and dashes."""
    return "".join(text.lower().replace("-", "").split()) or None


def _american_postal_code(text: str) -> str | None:
    """Its first five digits: `94025-1234` is `94025`."""
    return (_postal_code(text) or "")[:5] or None
