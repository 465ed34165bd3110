"""Type `linkedin`: LinkedIn's Conversions API, for what its Insight Tag cannot see.

    [destinations.linkedin]
    type = "linkedin"
    access_token_env = "LINKEDIN_ACCESS_TOKEN"

or, with an application of one's own, tokens that are renewed: `client_id_env`, `client_secret_env` and
`refresh_token_env`. A route's `receiver_event` is the number of a conversion rule. Events leave in batches; one that
LinkedIn refuses fails its whole batch: those that it names are rejected, the others sent again. Only a tag's and a
server's event with the same eventId are documented to be told apart from two, not two of the server's: a request of
unknown fate waits for a person. No refund is documented: reversals are `unsupported_reversal`. There is no flag for
consent: with `ad_user_data` denied the click's `li_fat_id` is all that leaves, and nothing where there is none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field, model_validator

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
from postback_pipeline.destinations.json_body import code_of, enveloped, json_of, json_text
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, RefreshTokenGrant
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, country_code, lower_email
from postback_pipeline.destinations.times import unix_milliseconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: The version that every request names; LinkedIn ends each one a year after its month.
API_VERSION = "202605"
MAX_AGE = timedelta(days=90)
BATCH_ROWS = 5_000

#: Unverified: how the text of a 422 names events; seen by others, in no document.
_INVALID = re.compile(r"Index: ([0-9]{1,4}), ERROR ::")
_HASHED = re.compile(r"[0-9a-fA-F]{64}")
_RULE = re.compile(r"[0-9]{1,19}")


def _variable(default: str | None, description: str) -> Any:
    return Field(default=default, pattern=f"^{VARIABLE}$", description=description)


class LinkedInOptions(VendorOptions):
    """The options of this type: an access token, or what renews one."""

    access_token_env: str | None = _variable(
        "LINKEDIN_ACCESS_TOKEN",
        "Variable with the access token: Campaign Manager, Data, Signals manager, Direct API, Generate token.",
    )
    client_id_env: str | None = _variable(
        None, "Variable with the client id of an application of your own: LinkedIn Developer Portal, My apps, Auth."
    )
    client_secret_env: str | None = _variable(
        None, "Variable with that application's client secret: LinkedIn Developer Portal, My apps, Auth."
    )
    refresh_token_env: str | None = _variable(
        None, "Variable with a refresh token of scope rw_conversions: what the authorization code was exchanged for."
    )
    token_url: str = Field(
        default="https://www.linkedin.com/oauth/v2/accessToken",
        pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])",
        description="Where access tokens are renewed, https.",
    )

    @model_validator(mode="after")
    def _whole(self) -> LinkedInOptions:
        if len({bool(name) for name in self._renewal}) != 1:
            raise ValueError("client_id_env, client_secret_env and refresh_token_env go together: set all or none")
        if not self.refresh_token_env and not self.access_token_env:
            raise ValueError("set access_token_env, or what renews a token")
        return self

    @property
    def _renewal(self) -> tuple[str | None, ...]:
        return self.client_id_env, self.client_secret_env, self.refresh_token_env

    @property
    def secret_names(self) -> tuple[str, ...]:
        """What renews tokens, else the token."""
        return tuple(name for name in self._renewal if name) or (self.access_token_env or "",)


class LinkedIn(Vendor):
    """LinkedIn Conversions API: events of conversion rules, told by the server."""

    type = "linkedin"
    home = "https://api.linkedin.com"
    options_type = LinkedInOptions
    options: LinkedInOptions
    contract = Contract(
        title="LinkedIn Conversions API",
        version=API_VERSION,
        documentation="https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/conversions-api",
        proof="Status 200 with status 201 of the event itself.",
        event="The number of a conversion rule, such as 104012: Campaign Manager, Conversion tracking.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="No flag is documented: with ad_user_data denied nothing but the click's id leaves.",
        identifiers={"li_fat_id": r"[A-Za-z0-9_\-]{8,100}"},
        matches_person=("email",),
        takes_person=("first_name", "last_name", "country"),
        acceptance=lambda _, body: {"elements": [{"status": 201}] * len(body["elements"])},
        unverified=("_INVALID: how the text of a 422 names events.",),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, one_bad_fails_all=True)

    def __init__(self, name: str, options: VendorOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        self._token_name = ACCESS_TOKEN if self.options.refresh_token_env else self.options.access_token_env or ""
        if self.options.refresh_token_env:
            self.grant = RefreshTokenGrant(
                self.options.token_url,
                client_id_env=self.options.client_id_env or "",
                client_secret_env=self.options.client_secret_env or "",
                refresh_token_env=self.options.refresh_token_env,
            )

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `elements`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"LinkedIn cannot be told a {postback.kind.value}.")
        facts = postback.facts
        if not _RULE.fullmatch(facts.receiver_event):
            raise DestinationError(
                "receiver_event must be the number of a LinkedIn conversion rule, such as 104012: Campaign Manager,"
                " Conversion tracking."
            )
        return json_text(
            {
                "conversion": f"urn:lla:llaPartnerConversion:{facts.receiver_event}",
                "conversionHappenedAt": unix_milliseconds(facts.event_time),
                "conversionValue": {
                    "currencyCode": postback.currency,
                    "amount": wire_amount(postback.value, postback.currency),
                },
                "eventId": facts.event_id or postback.key,
                "user": self._user(postback, person),
            }
        )

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        """`user`. Refused without an identifier; names travel in clear, both or none, where nothing was denied."""
        is_denied = postback.consent.get("ad_user_data") == "denied"
        ids = []
        if not is_denied and (email := person.hashed("email", lower_email)):
            ids.append({"idType": "SHA256_EMAIL", "idValue": email})
        if li_fat_id := self.identifier(postback.facts, person, "li_fat_id"):
            ids.append({"idType": "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID", "idValue": li_fat_id})
        if not ids:
            raise DestinationError("Nothing that this conversion holds can be matched by LinkedIn.")
        user: dict[str, Any] = {"userIds": ids}
        if is_denied:
            return user
        first, last = person.plain("first_name", _name), person.plain("last_name", _name)
        if first and last:
            user["userInfo"] = {"firstName": first, "lastName": last}
            if country := person.plain("country", country_code):
                user["userInfo"]["countryCode"] = country.upper()
        return user

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen, always as a batch."""
        return Request(
            "POST",
            f"{self.base}/rest/conversionEvents",
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {credential(secrets, self._token_name)}",
                "LinkedIn-Version": API_VERSION,
                "X-Restli-Protocol-Version": "2.0.0",
                "X-RestLi-Method": "BATCH_CREATE",
            },
            enveloped('{"elements":[', elements, "]}"),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Each event's own status, or the events that a refusal of the batch names."""
        body = json_of(reply)
        body = body if isinstance(body, dict) else {}
        count = len(elements)
        rows = body.get("elements")
        if reply.status in (200, 201) and isinstance(rows, list) and len(rows) == count:
            return [_row_reading(row) for row in rows]
        if reply.status == 422:
            blamed = {int(index) for index in _INVALID.findall(str(body.get("message"))) if int(index) < count}
            if blamed:
                bad, other = Verdict(Reading.REJECTED, "invalid event"), Verdict(Reading.RETRY, "another's error")
                return [bad if row in blamed else other for row in range(count)]
        return [_reading(reply.status, body.get("code"))] * count


def _name(text: str) -> str | None:
    """A name as it is; None for a hash, which nobody is called."""
    form = text.strip()
    return None if _HASHED.fullmatch(form) else form


def _row_reading(row: object) -> Verdict:
    status = row.get("status") if isinstance(row, dict) else None
    if status == 201:
        return Verdict(Reading.ACCEPTED, "status 201")
    reason = f"status {code_of(status)}"
    if status == 429:
        return Verdict(Reading.RETRY, reason)
    return Verdict(Reading.REJECTED if status in (400, 422) else Reading.UNKNOWN, reason)


def _reading(status: int, code: object) -> Verdict:
    shown = code_of(code)
    reason = f"HTTP {status}" if shown is None else f"HTTP {status} {shown}"[:60]
    if status == 429:
        return Verdict(Reading.RETRY, reason)
    # 404: there is no such address; 426: the version has ended.
    if status in (401, 403, 404, 426):
        return Verdict(Reading.CONFIGURATION, reason)
    if status in (400, 422):
        return Verdict(Reading.REJECTED, reason, on_request=True)
    return Verdict(Reading.UNKNOWN, reason)
