"""Type `reddit`: Reddit's Conversions API v3, for what its pixel cannot see and for what happens in a store.

    [destinations.reddit]
    type = "reddit"
    pixel_id = "a2_abcdefghijkl"
    access_token_env = "REDDIT_ACCESS_TOKEN"

Events leave in batches, of which Reddit takes all or none: those that it names as invalid are rejected, the others sent
again. Only a pixel's and a server's event with the same conversion_id are documented to be told apart from two, and
only within two days, not two of the server's: a request of unknown fate waits for a person. No refund is documented:
reversals are `unsupported_reversal`. A route's `receiver_event` that is no standard event becomes a custom one.
"""

from __future__ import annotations

import re
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
from postback_pipeline.destinations.json_body import enveloped, json_of, json_text, without_nothing
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, bare_email, country_code, e164
from postback_pipeline.destinations.times import unix_milliseconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: The Ads API's version; ads-api.reddit.com/docs/v3 is the source of what is not marked otherwise.
API_VERSION = "v3"
#: "Events must be sent within seven days after they occur."
MAX_AGE = timedelta(days=7)
BATCH_ROWS = 1_000
#: Standard events; every other name is a custom event's, of at most so many characters.
STANDARD = frozenset(
    (
        *("PAGE_VISIT", "VIEW_CONTENT", "SEARCH", "ADD_TO_CART", "ADD_TO_WISHLIST"),
        *("PURCHASE", "LEAD", "SIGN_UP"),
    )
)
LONGEST_CUSTOM_NAME = 64
#: Unverified: the changelog's word for the offline channel; examples show WEBSITE only.
STORE = "PHYSICAL_STORE"

_SUBDIVISION = re.compile(r"[A-Za-z0-9]{1,3}")
_INVALID = re.compile(r"\$\.data\.events\[([0-9]{1,4})\]")


class RedditOptions(VendorOptions):
    """The options of this type."""

    pixel_id: str = Field(
        pattern="^[A-Za-z0-9_]{3,40}$",
        description="The Pixel ID, such as a2_abcdefghijkl: Reddit Ads, Events Manager.",
    )
    access_token_env: str = Field(
        default="REDDIT_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the conversion access token: Reddit Ads, Events Manager, Conversions API, Generate"
        " Access Token.",
    )
    action_source: Literal["WEBSITE", "APP", "PHYSICAL_STORE", "OTHER"] = Field(
        default="WEBSITE", description="Where the events happen: WEBSITE, APP, PHYSICAL_STORE or OTHER."
    )
    test_id: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9_\\-]{1,80}$",
        description="Test ID of Event Testing in the Events Manager, such as t2_abcdef; used in mode test only.",
    )


class Reddit(Vendor):
    """Reddit Conversions API: events of a pixel, told by the server."""

    type = "reddit"
    home = "https://ads-api.reddit.com"
    options_type = RedditOptions
    options: RedditOptions
    contract = Contract(
        title="Reddit Conversions API",
        version=API_VERSION,
        documentation="https://ads-api.reddit.com/docs/v3/operations/Post%20Conversion%20Events",
        proof="Status 200 with a message that as many conversion events were processed as were sent.",
        event="A standard event such as PURCHASE, LEAD or SIGN_UP, or a custom event's name.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="ad_user_data or ad_personalization denied: data_processing_options with mode LDU.",
        testing="Mode test adds test_id, one event a request: events show under Event Testing in the Events Manager.",
        identifiers={"rdt_cid": r"[A-Za-z0-9_.~=%+/\-]{4,1000}"},
        matches_person=("email", "phone"),
        takes_person=("ip", "user_agent", "page_url", "country", "region"),
        acceptance=lambda _, body: {
            "data": {"message": f"Successfully processed {len(body['data']['events'])} conversion events."}
        },
        unverified=(
            "STORE: the word for what happens offline.",
            "Whether punctuation other than dots leaves the local part of an e-mail address: the page on the pixel says"
            " so, the one on the Conversions API names dots only and is followed.",
        ),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, one_bad_fails_all=True)

    def __init__(self, name: str, options: VendorOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        self._before = '{"data":{"events":['
        if testing:
            # Event Testing shows the first event of a request only.
            self.capabilities = replace(self.can, batch_rows=1)
            self._before = f'{{"data":{{"test_id":"{self.options.test_id}","events":['

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Without its id an event would count for real."""
        assert isinstance(options, RedditOptions)
        return "" if options.test_id else "test_id is not set, so events would count for real"

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `events`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"Reddit cannot be told a {postback.kind.value}.")
        facts, user = postback.facts, self._user(postback, person)
        event: dict[str, Any] = {
            "event_at": unix_milliseconds(facts.event_time),
            "action_source": self.options.action_source,
            "type": _type(facts.receiver_event),
            "metadata": {
                "conversion_id": facts.event_id or postback.key,
                "currency": postback.currency,
                "value": number(postback.value, postback.currency),
            },
        }
        # What happens in a store has no click and no device.
        click = None if self.options.action_source == STORE else self.identifier(facts, person, "rdt_cid")
        if click:
            event["click_id"] = click
        if not (click or "email" in user or "phone_number" in user):
            raise DestinationError("Nothing that this conversion holds can be matched by Reddit.")
        if user:
            event["user"] = user
        if self.options.action_source == "WEBSITE" and (url := person.plain("page_url")):
            event["event_source_url"] = url
        return json_text(event)

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        """`user`."""
        country = person.plain("country", country_code)
        is_store = self.options.action_source == STORE
        return without_nothing(
            (
                ("email", person.hashed("email", bare_email)),
                ("phone_number", person.hashed("phone", e164(country or self.options.phone_country))),
                ("ip_address", None if is_store else person.hashed("ip", str.strip)),
                ("user_agent", None if is_store else person.plain("user_agent")),
                ("data_processing_options", _limited(postback.consent, country, person)),
            )
        )

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen."""
        return Request(
            "POST",
            f"{self.base}/api/{API_VERSION}/pixels/{self.options.pixel_id}/conversion_events",
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {credential(secrets, self.options.access_token_env)}",
            },
            enveloped(self._before, elements, "]}}"),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """All were processed or none; a refusal may name the events to blame."""
        body = json_of(reply)
        body = body if isinstance(body, dict) else {}
        error = body.get("error")
        error = error if isinstance(error, dict) else {}
        if reply.status == 400 and (blamed := _blamed(error.get("fields"), len(elements))):
            other = Verdict(Reading.RETRY, "not processed with another's error")
            return [Verdict(Reading.REJECTED, blamed[row]) if row in blamed else other for row in range(len(elements))]
        return [_reading(reply.status, body, error, len(elements))] * len(elements)


def _type(name: str) -> dict[str, str]:
    if name in STANDARD:
        return {"tracking_type": name}
    if len(name) > LONGEST_CUSTOM_NAME:
        raise DestinationError(f"Reddit's custom events have names of at most {LONGEST_CUSTOM_NAME} characters.")
    return {"tracking_type": "CUSTOM", "custom_event_name": name}


def _limited(consent: Mapping[str, str], country: str | None, person: Person) -> dict[str, Any] | None:
    """Limited data use, with where the person is as far as known: `US`, `US-CA` (ISO 3166-2)."""
    if "denied" not in (consent.get("ad_user_data"), consent.get("ad_personalization")):
        return None
    options: dict[str, Any] = {"modes": ["LDU"]}
    if country:
        options["country"] = country.upper()
        if region := person.plain("region", _subdivision):
            options["region"] = f"{country.upper()}-{region.upper()}"
    return options


def _blamed(fields: object, count: int) -> dict[int, str]:
    """Row -> reason, out of `{"field": "$.data.events[0].user.uuid", ...}`; texts and values are not shown."""
    found: dict[int, str] = {}
    for entry in fields if isinstance(fields, list) else ():
        named = _INVALID.match(str(entry.get("field"))) if isinstance(entry, dict) else None
        if named and int(named[1]) < count:
            found[int(named[1])] = "invalid event"
    return found


def _reading(status: int, body: Mapping[str, Any], error: Mapping[str, Any], count: int) -> Verdict:
    reason = f"HTTP {status}"
    data = body.get("data")
    message = str(data.get("message") if isinstance(data, dict) else error.get("message"))
    if status == 200 and message.startswith(f"Successfully processed {count} conversion event"):
        return Verdict(Reading.ACCEPTED, "processed")
    if status == 429 or (status >= 500 and "No conversion events were processed" in message):
        return Verdict(Reading.RETRY, reason)
    # 404: there is no such pixel.
    if status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, reason)
    if status == 400:
        return Verdict(Reading.REJECTED, reason, on_request=True)
    return Verdict(Reading.UNKNOWN, reason)


def _subdivision(text: str) -> str | None:
    """The code of a state or province, such as CA; None for its name."""
    form = text.strip()
    return form if _SUBDIVISION.fullmatch(form) else None
