"""Type `meta`: Meta's Conversions API, for what its pixel cannot see.

    [destinations.meta]
    type = "meta"
    pixel_id = "1234567890"
    access_token_env = "META_ACCESS_TOKEN"

Events leave in batches. One event that Meta refuses fails its whole request, and Meta does not say which it was: the
batch is sent again in parts. Repeats of a server's own events are not documented to be dropped, only those of a browser
and a server: a request of unknown fate waits for a person. No refund or deletion is documented: reversals are
`unsupported_reversal`.
"""

from __future__ import annotations

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
from postback_pipeline.destinations.json_body import code_of, enveloped, is_count, json_of, json_text, without_nothing
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import (
    Dropped,
    Person,
    country_code,
    letters,
    lower_email,
    phone_digits,
    unpunctuated,
)
from postback_pipeline.destinations.request_forms import percent
from postback_pipeline.destinations.times import unix_milliseconds, unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: The Graph API's version; facebook_business 26.0.3 speaks the same.
API_VERSION = "v26.0"
#: Events older than this fail the whole request.
#: developers.facebook.com/docs/marketing-api/conversions-api/parameters/server-event, "event_time".
MAX_AGE = timedelta(days=7)
#: Unverified: no text that we read names the most events of a request.
BATCH_ROWS = 1_000
#: Unverified as lists: Graph API codes of too many calls, of trouble of Meta's own, which may come after events were
#: taken, and those that only a person can put right.
PASSING_CODES = frozenset({4, 17, 341, 613, 80004})
SERVER_CODES = frozenset({1, 2})
CREDENTIAL_CODES = frozenset({10, 102, 190, *range(200, 300)})
#: Code and subcode of "Object with ID ... does not exist, cannot be loaded due to missing permissions": the pixel's.
NO_PIXEL = (100, 33)
#: Let Meta find out whether a person's state restricts the use of data: country 0, state 0. Unverified numbers.
LIMITED = {
    "data_processing_options": ["LDU"],
    "data_processing_options_country": 0,
    "data_processing_options_state": 0,
}


ActionSource = Literal[
    "website",
    "app",
    "email",
    "phone_call",
    "chat",
    "physical_store",
    "system_generated",
    "business_messaging",
    "other",
]


class MetaOptions(VendorOptions):
    """The options of this type."""

    pixel_id: str = Field(
        pattern="^[0-9]{5,20}$",
        description="The pixel's (dataset's) id, digits: Events Manager, Data sources, Settings.",
    )
    access_token_env: str = Field(
        default="META_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the access token: Events Manager, Settings, Conversions API, Generate access token.",
    )
    action_source: ActionSource = Field(
        default="website",
        description="Where the event happened. website needs page_url and user_agent on every record.",
    )
    test_event_code: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9]{1,40}$",
        description="Code of the tab Test events in the Events Manager, such as TEST12345; used in mode test only.",
    )


class Meta(Vendor):
    """Meta Conversions API: events of a pixel, told by the server."""

    type = "meta"
    home = "https://graph.facebook.com"
    options_type = MetaOptions
    options: MetaOptions
    contract = Contract(
        title="Meta Conversions API",
        version=API_VERSION,
        documentation="https://developers.facebook.com/docs/marketing-api/conversions-api",
        proof="Status 200 with events_received equal to the number of events sent.",
        event="The name of a standard or custom event, such as Purchase or Lead.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="ad_user_data denied: limited data use; ad_personalization denied: opt_out.",
        testing="Mode test adds test_event_code: events show under Test events in the Events Manager.",
        identifiers={
            "fbc": r"fb\.[0-9]\.[0-9]{10,13}\.[!-~]{4,500}",
            "fbp": r"fb\.[0-9]\.[0-9]{10,13}\.[!-~]{4,100}",
            "fbclid": r"[A-Za-z0-9_.~\-]{4,500}",
        },
        matches_person=("email", "phone"),
        takes_person=(
            *("first_name", "last_name", "city", "region", "postal_code", "country"),
            *("ip", "user_agent", "page_url"),
        ),
        acceptance=lambda _, body: {"events_received": len(body["data"]), "messages": []},
        judges=("facebook_business 26.0.3", "capi-param-builder-python 1.3.2"),
        unverified=(
            "BATCH_ROWS: at most 1,000 events a request.",
            "PASSING_CODES, SERVER_CODES, CREDENTIAL_CODES: what error codes mean.",
            "LIMITED: the numbers of country and state.",
            "That events with test_event_code are kept apart from reports.",
        ),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, one_bad_fails_all=True)

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Without its code an event would count for real."""
        assert isinstance(options, MetaOptions)
        return "" if options.test_event_code else "test_event_code is not set, so events would count for real"

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `data`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"Meta cannot be told a {postback.kind.value}.")
        facts, consent = postback.facts, postback.consent
        user = self._user(postback, person)
        event: dict[str, Any] = {
            "event_name": facts.receiver_event,
            "event_time": unix_seconds(facts.event_time),
            "event_id": facts.event_id or postback.key,
            "action_source": self.options.action_source,
        }
        if self.options.action_source == "website":
            url = person.plain("page_url")
            if not url or "client_user_agent" not in user:
                raise DestinationError(
                    "Meta wants page_url and user_agent of what happened on a website. If this did not, set another"
                    " action_source."
                )
            event["event_source_url"] = url
        event["user_data"] = user
        event["custom_data"] = {
            "value": number(postback.value, postback.currency),
            "currency": postback.currency,
            "order_id": facts.transaction_id,
        }
        if consent.get("ad_personalization") == "denied":
            event["opt_out"] = True
        if consent.get("ad_user_data") == "denied":
            event |= LIMITED
        return json_text(event)

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        """`user_data`. Refused without anything to match by.

        Normal forms as facebook_business 26.0.3 and Meta's parameter builder make them; where they differ (punctuation
        in names) as the parameter builder does.
        """
        facts = postback.facts
        country = person.plain("country", country_code)
        user = without_nothing(
            (
                ("em", person.hashed("email", lower_email)),
                ("ph", person.hashed("phone", phone_digits(country or self.options.phone_country))),
                ("fn", person.hashed("first_name", unpunctuated)),
                ("ln", person.hashed("last_name", unpunctuated)),
                ("ct", person.hashed("city", letters)),
                ("st", person.hashed("region", letters)),
                ("zp", person.hashed("postal_code", _postal_code)),
                ("country", person.hashed("country", country_code)),
                ("client_ip_address", person.plain("ip")),
                ("client_user_agent", person.plain("user_agent")),
                ("fbc", self.identifier(facts, person, "fbc") or self._fbc(postback, person)),
                ("fbp", self.identifier(facts, person, "fbp")),
            )
        )
        if not user.keys() & {"em", "ph", "fbc", "fbp"}:
            raise DestinationError("Nothing that this conversion holds can be matched by Meta.")
        return user

    def _fbc(self, postback: Postback, person: Person) -> str | None:
        """The value that the pixel's cookie would hold: `fb.1.<when the click was seen, ms>.<fbclid>`.

        developers.facebook.com/docs/marketing-api/conversions-api/parameters/fbp-and-fbc.
        """
        fbclid = self.identifier(postback.facts, person, "fbclid")
        if fbclid is None:
            return None
        if postback.facts.clicked_at is None:
            person.dropped.append(Dropped("fbclid", "no_click_time"))
            return None
        return f"fb.1.{unix_milliseconds(postback.facts.clicked_at)}.{fbclid}"

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen; the token is a parameter of the address."""
        token = percent(credential(secrets, self.options.access_token_env))
        code = self.options.test_event_code if self.at_test_facility else None
        return Request(
            "POST",
            f"{self.base}/{API_VERSION}/{self.options.pixel_id}/events?access_token={token}",
            {"Content-Type": "application/json"},
            enveloped('{"data":[', elements, f'],"test_event_code":"{code}"}}' if code else "]}"),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """One reading for all: Meta takes a request whole or not at all."""
        return [_reading(reply, len(elements))] * len(elements)


def _reading(reply: Reply, count: int) -> Verdict:
    body = json_of(reply)
    body = body if isinstance(body, dict) else {}
    if reply.status == 200 and is_count(body.get("events_received"), count):
        return Verdict(Reading.ACCEPTED, "events_received")
    error = body.get("error")
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    if type(code) is not int:
        return _by_status(reply.status)
    reason = f"Graph API error {code_of(code)}"
    # Only a refusal with its status says that nothing was taken.
    if not 400 <= reply.status < 500 or code in SERVER_CODES:
        return Verdict(Reading.UNKNOWN, reason)
    if reply.status == 429 or code in PASSING_CODES:
        return Verdict(Reading.RETRY, reason)
    if code in CREDENTIAL_CODES or (code, error.get("error_subcode")) == NO_PIXEL:
        return Verdict(Reading.CONFIGURATION, reason)
    return Verdict(Reading.REJECTED, reason, on_request=True)


def _by_status(status: int) -> Verdict:
    """Without a code of Meta's. An address holds nothing of an event: that there is none is about the settings."""
    reason = f"HTTP {status}"
    if status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, reason)
    return Verdict(Reading.RETRY if status == 429 else Reading.UNKNOWN, reason)


def _postal_code(text: str) -> str | None:
    """Lower-case, without spaces, and cut at a dash: `94025-1234` is `94025`."""
    return text.lower().partition("-")[0].replace(" ", "") or None
