"""Type `microsoft_uet`: Microsoft Advertising's UET Conversions API, for what the UET tag cannot see.

    [destinations.microsoft_uet]
    type = "microsoft_uet"
    tag_id = "12345678"
    api_token_env = "MICROSOFT_UET_TOKEN"

A pilot: Microsoft enables it per account, and the token is of one tag. Events leave in batches; those that are not
valid are refused one by one. The event id is shared with the tag, which keeps Microsoft from counting twice; that a
second message of the server's is dropped is not documented: a request of unknown fate waits for a person. It takes no
reversals: for those see `microsoft_offline`.
"""

from __future__ import annotations

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
from postback_pipeline.destinations.json_body import (
    code_of,
    enveloped,
    index_of,
    is_count,
    json_of,
    json_text,
    without_nothing,
)
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, bare_email, country_code, phone_digits
from postback_pipeline.destinations.times import unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

API_VERSION = "v1"
#: Unverified: no text of Microsoft's that we read names the oldest event, the most events or the most bytes of a
#: request. Segment sends 1,000 at a time, Tealium 1,000 and 1 MB; another client was told of seven days.
MAX_AGE = timedelta(days=7)
BATCH_ROWS = 1_000
BATCH_BYTES = 990_000
#: Unverified: Microsoft's rules for enhanced conversions leave out dots and what follows a plus sign, at every domain;
#: Segment only trims and lowers.
EMAIL = bare_email
#: Unverified: digits only, as Segment sends them; Microsoft's snippet for its tag shows a plus sign before hashing.
PHONE = phone_digits
#: Unverified: that it stands beside `data`. Segment has it in each event.
ENVELOPE = '],"continueOnValidationError":true}'
CONSENT = {"granted": "G", "denied": "D"}

_ACCEPTED = Verdict(Reading.ACCEPTED, "eventsReceived")


class MicrosoftUetOptions(VendorOptions):
    """The options of this type."""

    tag_id: str = Field(
        pattern="^[0-9]{4,20}$",
        description="The UET tag's id, digits: Microsoft Advertising, Tools, UET tag.",
    )
    api_token_env: str = Field(
        default="MICROSOFT_UET_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the tag's token: Microsoft Advertising, Tools, UET tag, Use Conversions API.",
    )


class MicrosoftUet(Vendor):
    """Microsoft Advertising UET Conversions API."""

    type = "microsoft_uet"
    home = "https://capi.uet.microsoft.com"
    options_type = MicrosoftUetOptions
    options: MicrosoftUetOptions
    contract = Contract(
        title="Microsoft Advertising UET Conversions API",
        version=API_VERSION,
        documentation="https://learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration",
        proof="Status 200 with eventsReceived, for every event that error.details does not name.",
        event="The event action of a conversion goal, such as purchase.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="ad_user_data leaves as adStorageConsent: G or D.",
        # 32 hexadecimal digits, with dashes or without.
        identifiers={"msclkid": r"[0-9A-Za-z_\-]{20,64}"},
        matches_person=("email", "phone"),
        takes_person=("ip", "user_agent", "page_url"),
        acceptance=lambda _, body: {"eventsReceived": len(body["data"])},
        unverified=(
            "MAX_AGE, BATCH_ROWS, BATCH_BYTES: seven days, 1,000 events and 1 MB a request.",
            "EMAIL, PHONE: the normal forms before hashing.",
            "ENVELOPE: where continueOnValidationError stands.",
            "That a 429 passes by itself.",
        ),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, batch_bytes=BATCH_BYTES, one_bad_fails_all=True)

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `data`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"The UET Conversions API cannot be told a {postback.kind.value}.")
        facts = postback.facts
        event: dict[str, Any] = {
            "eventType": "custom",
            "eventId": facts.event_id or postback.key,
            "eventName": facts.receiver_event,
            "eventTime": unix_seconds(facts.event_time),
        }
        if url := person.plain("page_url"):
            event["eventSourceUrl"] = url
        if consent := CONSENT.get(postback.consent.get("ad_user_data", "")):
            event["adStorageConsent"] = consent
        event["userData"] = self._user(postback, person)
        event["customData"] = {
            "value": number(postback.value, postback.currency),
            "currency": postback.currency,
            "transactionId": facts.transaction_id,
        }
        return json_text(event)

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        """`userData`. Refused without anything to match by."""
        country = person.plain("country", country_code)
        user = without_nothing(
            (
                ("msclkid", self.identifier(postback.facts, person, "msclkid")),
                ("em", person.hashed("email", EMAIL)),
                ("ph", person.hashed("phone", PHONE(country or self.options.phone_country))),
                ("clientIpAddress", person.plain("ip")),
                ("clientUserAgent", person.plain("user_agent")),
            )
        )
        if not user.keys() & {"msclkid", "em", "ph"}:
            raise DestinationError("Nothing that this conversion holds can be matched by Microsoft.")
        return user

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen, with the tag's token."""
        return Request(
            "POST",
            f"{self.base}/{API_VERSION}/{self.options.tag_id}/events",
            {
                "Authorization": f"Bearer {credential(secrets, self.options.api_token_env)}",
                "Content-Type": "application/json",
            },
            enveloped('{"data":[', elements, ENVELOPE),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Each event's own error; warnings are none."""
        count = len(elements)
        body = json_of(reply) if reply.status in (200, 400) else None
        body = body if isinstance(body, dict) else {}
        error = body.get("error")
        details = error.get("details") if isinstance(error, dict) else None
        found = _errors(details, count) if isinstance(details, list) else []
        refused = {index: verdict for index, verdict in reversed(found) if index is not None}
        # An error that names no event may be about any.
        is_told = not error or (isinstance(details, list) and all(index is not None for index, _ in found))
        if reply.status == 200 and is_told and is_count(body.get("eventsReceived"), count, count - len(refused)):
            return [refused.get(index, _ACCEPTED) for index in range(count)] if refused else [_ACCEPTED] * count
        if reply.status == 400 and refused:
            # Nothing was taken: the others can leave again without those that are to blame.
            kept = Verdict(Reading.RETRY, "refused with others")
            return [refused.get(index, kept) for index in range(count)]
        return [_whole(reply, error)] * count


def _errors(details: list[Any], count: int) -> list[tuple[int | None, Verdict]]:
    """The event that each of `error.details` names, and its verdict; warnings are left out."""
    found: list[tuple[int | None, Verdict]] = []
    for detail in details:
        named = detail if isinstance(detail, dict) else {}
        if named.get("isWarning") is not True:
            words = (code_of(named.get("errorCode")), code_of(named.get("propertyName")))
            reason = " ".join(word for word in words if word) or "error.details"
            found.append((index_of(named.get("index"), count), Verdict(Reading.REJECTED, reason[:60])))
    return found


def _whole(reply: Reply, error: object) -> Verdict:
    """A reply that names no event."""
    status = f"HTTP {reply.status}"
    if reply.status == 400:
        code = code_of(error.get("code")) if isinstance(error, dict) else None
        return Verdict(Reading.REJECTED, code or status, on_request=True)
    if reply.status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, status)
    return Verdict(Reading.RETRY if reply.status == 429 else Reading.UNKNOWN, status)
