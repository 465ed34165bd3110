"""Type `tiktok`: TikTok's Events API 2.0, for what its pixel cannot see and for what happens offline.

    [destinations.tiktok]
    type = "tiktok"
    event_source_id = "C4A1B2C3D4E5F6G7H8I9"
    access_token_env = "TIKTOK_ACCESS_TOKEN"

Events leave in batches. TikTok refuses a request as a whole and does not say which of its events is to blame: the batch
is sent again in parts. Only a pixel's and a server's event with the same event_id are documented to be told apart from
two, not two of the server's: a request of unknown fate waits for a person, as does one of which TikTok took a part.
There is no refund among its events: reversals are `unsupported_reversal`. Events of apps are not sent by this type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from postback_pipeline.destinations.person import Person, country_code, e164, letters_and_digits, lower_email
from postback_pipeline.destinations.times import unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: The Business API's version, of which Events API 2.0 is a part.
API_VERSION = "v1.3"
#: Unverified: the oldest event by its source, as partners tell it; TikTok's own pages could not be read.
MAX_AGE = timedelta(days=7)
OFFLINE_MAX_AGE = timedelta(days=28)
#: Unverified: as partners tell it.
BATCH_ROWS = 1_000
#: Unverified as lists: return codes of the Business API. Too many calls. TikTok's own trouble is in none:
#: it may come after the events were taken.
PASSING_CODES = frozenset({40100})
#: No permission, no token, a token that is none.
CREDENTIAL_CODES = frozenset({40001, 40101, 40102, 40104, 40105})
#: A payload that does not hold against the documents.
INVALID_CODES = frozenset({40000, 40002})
#: Unverified: segmentio/action-destinations names the flag so; another writer limit_data_use_for_advertising.
LIMITED = "limited_data_use"


class TikTokOptions(VendorOptions):
    """The options of this type."""

    event_source_id: str = Field(
        pattern="^[A-Za-z0-9]{5,40}$",
        description="The pixel's code (web), the offline event set's or the CRM event set's id: letters and digits, in"
        " the Events Manager beside the name of the data source.",
    )
    event_source: Literal["web", "offline", "crm"] = Field(
        default="web", description="Where the events happen: web, offline or crm, as the data source was created."
    )
    access_token_env: str = Field(
        default="TIKTOK_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the access token: Events Manager, the data source, Settings, Generate Access Token.",
    )
    test_event_code: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9_]{1,40}$",
        description="Code of the tab Test Events in the Events Manager, such as TEST12345; used in mode test only.",
    )


class TikTok(Vendor):
    """TikTok Events API: events of a pixel, an offline or a CRM event set, told by the server."""

    type = "tiktok"
    home = "https://business-api.tiktok.com"
    options_type = TikTokOptions
    options: TikTokOptions
    contract = Contract(
        title="TikTok Events API",
        version=f"2.0 (Business API {API_VERSION})",
        documentation="https://business-api.tiktok.com/portal/docs?id=1771100865818625",
        proof="Status 200 with code 0.",
        event="The name of a standard or custom event, such as Purchase or SubmitForm.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="ad_user_data or ad_personalization denied: limited_data_use true; all granted: false.",
        testing="Mode test adds test_event_code: events show under Test Events in the Events Manager.",
        # RE2 counts repeats to 1,000 at most.
        identifiers={"ttclid": r"[A-Za-z0-9_.~\-]{4,1000}"},
        matches_person=("email", "phone"),
        takes_person=(
            *("first_name", "last_name", "city", "region", "postal_code", "country"),
            *("ip", "user_agent", "page_url"),
        ),
        acceptance=lambda _, body: {"code": 0, "message": "OK"},
        unverified=(
            "MAX_AGE, OFFLINE_MAX_AGE: 7 days, offline 28.",
            "BATCH_ROWS: at most 1,000 events a request.",
            "PASSING_CODES, CREDENTIAL_CODES, INVALID_CODES: what return codes mean.",
            "LIMITED: the field's name; partners disagree.",
            "That events with test_event_code are kept apart from reports.",
        ),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, one_bad_fails_all=True)

    def __init__(self, name: str, options: VendorOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        if self.options.event_source == "offline":
            self.capabilities = replace(self.can, max_age=OFFLINE_MAX_AGE)
        code = f',"test_event_code":"{self.options.test_event_code}"' if testing else ""
        source, its_id = self.options.event_source, self.options.event_source_id
        self._before = f'{{"event_source":"{source}","event_source_id":"{its_id}"{code},"data":['

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Without its code an event would count for real."""
        assert isinstance(options, TikTokOptions)
        return "" if options.test_event_code else "test_event_code is not set, so events would count for real"

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `data`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"TikTok cannot be told a {postback.kind.value}.")
        facts = postback.facts
        event: dict[str, Any] = {
            "event": facts.receiver_event,
            "event_time": unix_seconds(facts.event_time),
            "event_id": facts.event_id or postback.key,
            "user": self._user(postback, person),
            "properties": {
                "value": number(postback.value, postback.currency),
                "currency": postback.currency,
                "order_id": facts.transaction_id,
            },
        }
        if url := person.plain("page_url"):
            event["page"] = {"url": url}
        limited = _limited(postback.consent)
        if limited is not None:
            event[LIMITED] = limited
        return json_text(event)

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        """`user`. Refused without anything to match by; offline and in a CRM there are no clicks."""
        country = person.plain("country", country_code)
        ttclid = self.identifier(postback.facts, person, "ttclid") if self.options.event_source == "web" else None
        user = without_nothing(
            (
                ("ttclid", ttclid),
                ("email", person.hashed("email", lower_email)),
                ("phone", person.hashed("phone", e164(country or self.options.phone_country))),
                ("first_name", person.hashed("first_name", _without_spaces)),
                ("last_name", person.hashed("last_name", _without_spaces)),
                ("zip_code", person.hashed("postal_code", _without_spaces)),
                ("city", person.plain("city", letters_and_digits)),
                ("state", person.plain("region", letters_and_digits)),
                ("country", country),
                ("ip", person.plain("ip")),
                ("user_agent", person.plain("user_agent")),
            )
        )
        if not ("email" in user or "phone" in user or "ttclid" in user):
            raise DestinationError("Nothing that this conversion holds can be matched by TikTok.")
        return user

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen, with the token as a header."""
        return Request(
            "POST",
            f"{self.base}/open_api/{API_VERSION}/event/track/",
            {"Content-Type": "application/json", "Access-Token": credential(secrets, self.options.access_token_env)},
            enveloped(self._before, elements, "]}"),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """One reading for all: TikTok does not say which event a code is about."""
        return [_reading(reply)] * len(elements)


def _limited(consent: Mapping[str, str]) -> bool | None:
    """One flag for what the route asks about advertising; None where nothing is known."""
    states = [consent[purpose] for purpose in ("ad_user_data", "ad_personalization") if purpose in consent]
    if "denied" in states:
        return True
    return None if not states or "unknown" in states else False


def _reading(reply: Reply) -> Verdict:
    body = json_of(reply)
    code = body.get("code") if isinstance(body, dict) else None
    if type(code) is not int or reply.status >= 500:
        return _by_status(reply.status)
    reason = f"TikTok code {code_of(code)}"
    if code == 0 and reply.status == 200:
        return Verdict(Reading.ACCEPTED, reason)
    if code in PASSING_CODES:
        return Verdict(Reading.RETRY, reason)
    if code in CREDENTIAL_CODES:
        return Verdict(Reading.CONFIGURATION, reason)
    if code in INVALID_CODES:
        return Verdict(Reading.REJECTED, reason, on_request=True)
    return Verdict(Reading.UNKNOWN, reason)


def _by_status(status: int) -> Verdict:
    """Without a code of TikTok's. Where there is no such address, it is not the events' fault."""
    reason = f"HTTP {status}"
    if status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, reason)
    return Verdict(Reading.RETRY if status == 429 else Reading.UNKNOWN, reason)


def _without_spaces(text: str) -> str | None:
    """Lower-case, no spaces."""
    return "".join(text.lower().split()) or None
