"""Type `pinterest`: Pinterest's Conversions API v5, for what its tag cannot see and for what happens offline.

    [destinations.pinterest]
    type = "pinterest"
    ad_account_id = "549755885175"
    access_token_env = "PINTEREST_ACCESS_TOKEN"

Events leave in batches, and Pinterest says of each whether it processed it; a request that does not hold against its
description is refused whole and sent again in parts. Only a tag's and a server's event with the same event_id are
documented to be told apart from two, not two of the server's, and none that happened offline: a request of unknown fate
waits for a person. No refund is documented: reversals are `unsupported_reversal`. A click alone is not enough:
Pinterest wants an e-mail address, or both IP address and user agent with it.
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
from postback_pipeline.destinations.json_body import code_of, enveloped, json_of, json_text, without_nothing
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import (
    Normal,
    Person,
    country_code,
    letters_and_digits,
    lower,
    lower_email,
    phone_digits,
)
from postback_pipeline.destinations.times import unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: The API's version; its description is 5.23.0 (pinterest/api-description), the source of what is not marked here.
API_VERSION = "v5"
#: Unverified: the description names no age.
MAX_AGE = timedelta(days=7)
BATCH_ROWS = 1_000
#: Other names are not accepted.
EVENTS = frozenset(
    (
        *("add_payment_info", "add_to_cart", "add_to_wishlist", "app_install", "checkout", "custom"),
        *("initiate_checkout", "lead", "page_visit", "search", "signup", "subscribe"),
        *("view_category", "view_content", "watch_video"),
    )
)
#: Limited data processing. Unverified: whether it needs the person's state and country with it.
LIMITED = "LDP"


class PinterestOptions(VendorOptions):
    """The options of this type."""

    ad_account_id: str = Field(
        pattern="^[0-9]{1,18}$",
        description="The ad account's id, digits: Ads Manager, the account's name at the top, or the page's address.",
    )
    access_token_env: str = Field(
        default="PINTEREST_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the conversion access token: Ads Manager, Conversions, Conversion access token.",
    )
    action_source: Literal["web", "offline", "app_android", "app_ios"] = Field(
        default="web", description="Where the events happen: web, offline, app_android or app_ios."
    )


class Pinterest(Vendor):
    """Pinterest Conversions API: events of an ad account, told by the server."""

    type = "pinterest"
    home = "https://api.pinterest.com"
    options_type = PinterestOptions
    options: PinterestOptions
    contract = Contract(
        title="Pinterest Conversions API",
        version=API_VERSION,
        documentation="https://developers.pinterest.com/docs/api/v5/events-create/",
        proof="status processed of the event itself.",
        event="One of Pinterest's event names, such as checkout, lead or signup; custom for anything else.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="ad_user_data denied: opt_out_type LDP; ad_personalization denied: opt_out.",
        testing="Mode test adds test=true: events are judged and not recorded.",
        identifiers={"epik": r"[A-Za-z0-9_.~=%+/\-]{4,1000}"},
        matches_person=("email",),
        takes_person=(
            *("phone", "first_name", "last_name", "city", "region", "postal_code", "country"),
            *("ip", "user_agent", "page_url"),
        ),
        acceptance=lambda _, body: {"events": [{"status": "processed"}] * len(body["data"])},
        judges=("Pinterest OpenAPI 5.23.0",),
        unverified=(
            "MAX_AGE: 7 days.",
            "LIMITED: whether it needs the person's state and country.",
            "That a 422 lists the events in its details as a 200 does.",
        ),
    )
    can = Capabilities(max_age=MAX_AGE, batch_rows=BATCH_ROWS, one_bad_fails_all=True)

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Every account can be tested."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `data`."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"Pinterest cannot be told a {postback.kind.value}.")
        facts, consent = postback.facts, postback.consent
        if facts.receiver_event not in EVENTS:
            raise DestinationError(
                f"{facts.receiver_event!r} is no event of Pinterest. Known are {', '.join(sorted(EVENTS))}."
            )
        custom = {
            "value": wire_amount(postback.value, postback.currency),
            "currency": postback.currency,
            "order_id": facts.transaction_id,
        }
        if consent.get("ad_user_data") == "denied":
            custom["opt_out_type"] = LIMITED
        event: dict[str, Any] = {
            "event_name": facts.receiver_event,
            "action_source": self.options.action_source,
            "event_time": unix_seconds(facts.event_time),
            "event_id": facts.event_id or postback.key,
            "user_data": self._user(postback, person),
            "custom_data": custom,
        }
        if url := person.plain("page_url"):
            event["event_source_url"] = url
        if consent.get("ad_personalization") == "denied":
            event["opt_out"] = True
        return json_text(event)

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        """`user_data`. Refused without what Pinterest must have."""
        country = person.plain("country", country_code)
        user = without_nothing(
            (
                ("em", _hashes(person, "email", lower_email)),
                ("ph", _hashes(person, "phone", phone_digits(country or self.options.phone_country))),
                ("fn", _hashes(person, "first_name", lower)),
                ("ln", _hashes(person, "last_name", lower)),
                ("ct", _hashes(person, "city", letters_and_digits)),
                ("st", _hashes(person, "region", _state)),
                ("zp", _hashes(person, "postal_code", _digits)),
                ("country", _hashes(person, "country", country_code)),
                ("client_ip_address", person.plain("ip")),
                ("client_user_agent", person.plain("user_agent")),
                ("click_id", self.identifier(postback.facts, person, "epik")),
            )
        )
        if not ("em" in user or ("client_ip_address" in user and "client_user_agent" in user)):
            raise DestinationError(
                "Pinterest wants an e-mail address, or both IP address and user agent; this conversion holds neither."
            )
        return user

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen."""
        end = "events?test=true" if self.at_test_facility else "events"
        return Request(
            "POST",
            f"{self.base}/{API_VERSION}/ad_accounts/{self.options.ad_account_id}/{end}",
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {credential(secrets, self.options.access_token_env)}",
            },
            enveloped('{"data":[', elements, "]}"),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Each event's own status where the reply lists them, else one reading for all."""
        body = json_of(reply)
        body = body if isinstance(body, dict) else {}
        if reply.status in (200, 422):
            rows = _rows(body)
            if len(rows) == len(elements):
                return [_row_reading(row) for row in rows]
        return [_reading(reply.status, body.get("code"), len(elements))] * len(elements)


def _hashes(person: Person, name: str, normal: Normal) -> list[str] | None:
    found = person.hashed(name, normal)
    return [found] if found else None


def _rows(body: Mapping[str, Any]) -> list[Any]:
    """The list of events, of a 422 inside its details."""
    details = body.get("details")
    rows = details.get("events") if isinstance(details, dict) else body.get("events")
    return rows if isinstance(rows, list) else []


def _row_reading(row: object) -> Verdict:
    """`error_message` is free text that may quote a person: it is not shown."""
    status = row.get("status") if isinstance(row, dict) else None
    if status == "processed":
        return Verdict(Reading.ACCEPTED, "processed")
    return Verdict(Reading.REJECTED, "failed") if status == "failed" else Verdict(Reading.UNKNOWN, "no event status")


def _reading(status: int, code: object, count: int) -> Verdict:
    shown = code_of(code)
    reason = f"HTTP {status}" if shown is None else f"HTTP {status} code {shown}"
    # 503 is documented as "ramped down": the endpoint takes nothing then.
    if status in (429, 503):
        return Verdict(Reading.RETRY, reason)
    # 404: there is no such ad account.
    if status in (401, 403, 404):
        return Verdict(Reading.CONFIGURATION, reason)
    # Of several events of a 422 some were processed, and which is not told.
    if status == 400 or (status == 422 and count == 1):
        return Verdict(Reading.REJECTED, reason, on_request=True)
    return Verdict(Reading.UNKNOWN, reason)


def _state(text: str) -> str | None:
    """Two letters in lower case; None for a state's name."""
    return country_code(text)


def _digits(text: str) -> str | None:
    """The digits 0-9 only."""
    return "".join([character for character in text if "0" <= character <= "9"]) or None
