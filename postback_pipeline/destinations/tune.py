"""Type `tune`: a network on TUNE (HasOffers), conversions by its server postback, their rejection by its network API.

    [destinations.partners]
    type = "tune"
    network_id = "demo"
    currency = "USD"
    security_token_env = ""

One conversion a request, with TUNE's transaction id of the click as `subid`: `click_id_parameters.csv` says which
parameter of the landing page holds it. The postback names no currency: what is in another than the offer's is refused,
a route can convert. TUNE answers `success=true;` or why not, inside status 200. Only who has the network's own API
token can take a conversion back: with `network_token_env` a retraction sets the status of the click's conversion to
rejected. The API knows it by the click alone: leave the token out where an offer lets a click convert several times.
Without it, and for new totals, reversals are `unsupported_reversal`. What an offer does about repeats is its own
setting: a request of unknown fate waits for a person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
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
from postback_pipeline.destinations.form_fields import form_text
from postback_pipeline.destinations.json_body import is_count, json_of
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE, origin_of
from postback_pipeline.destinations.person import Person
from postback_pipeline.destinations.request_forms import MAX_URL, percent
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: The generation of the network API.
API_VERSION = "Apiv3"
#: The word in place of a goal's id for what the offer pays first.
BASE = "base"
#: Unverified: the zone of a conversion's time; its form as others send it.
TIME = "%Y-%m-%d %H:%M:%S"
#: What takes a conversion back. Unverified as a value of `data[status]`; TUNE calls such conversions rejected.
REJECTED = "rejected"
#: What is in error messages -> what they mean, the first of them; support.tune.com, "Receiving Conversions via Postback
#: URL", and the statuses of rejected conversions, developers.tune.com/network-docs/conversion-status-codes: "Duplicate
#: Conversion", "Invalid Advertiser security token", "IP address not whitelisted", "Wrong tracking protocol". Unverified
#: as words of messages: whatever names a token, an address or the protocol is taken for the set-up.
MESSAGES = (
    (re.compile(r"invalid trans\. id", re.IGNORECASE), Verdict(Reading.REJECTED, "invalid transaction id")),
    (re.compile(r"duplicate conversion", re.IGNORECASE), Verdict(Reading.DUPLICATE, "duplicate conversion")),
    (re.compile(r"token", re.IGNORECASE), Verdict(Reading.CONFIGURATION, "token")),
    (re.compile(r"\bip\b", re.IGNORECASE), Verdict(Reading.CONFIGURATION, "address not allowed")),
    (re.compile(r"protocol", re.IGNORECASE), Verdict(Reading.CONFIGURATION, "tracking protocol of the offer")),
)

_SAID = re.compile(rb"\s*success=(true|false);(?:\s*err_msg=(.{0,300}))?", re.DOTALL)
_TAKEN = Verdict(Reading.ACCEPTED, "success")


class TuneOptions(VendorOptions):
    """The options of this type."""

    network_id: str = Field(
        pattern="^[a-z0-9][a-z0-9\\-]{0,40}$",
        description="The network's id, the part before .go2cloud.org in its postback URL, such as demo.",
    )
    tracking_domain: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9\-]+(\.[a-z0-9\-]+)+$",
        description="The host of the postback URL where it is a domain of the network's own.",
    )
    currency: str = Field(
        pattern="^[A-Z]{3}$", description="The offer's currency, ISO 4217, such as USD: the postback names none."
    )
    security_token_env: str = Field(
        default="TUNE_SECURITY_TOKEN",
        pattern=f"^({VARIABLE})?$",
        description="Variable with the advertiser's security token, from the network."
        ' Set security_token_env = "" where the offer asks for none.',
    )
    network_token_env: str = Field(
        default="",
        pattern=f"^({VARIABLE})?$",
        description="Variable with the network's API token (Company, API), such as TUNE_NETWORK_TOKEN: by it"
        " conversions are taken back. Only where a click of the offer converts once.",
    )


class Tune(Vendor):
    """TUNE's server postback, and the update of conversions by its network API."""

    type = "tune"
    options_type = TuneOptions
    options: TuneOptions
    contract = Contract(
        title="TUNE (HasOffers)",
        version=API_VERSION,
        documentation="https://support.tune.com/hc/en-us/articles/4413247665431-Receiving-Conversions-via-Postback-URL",
        proof="The words success=true; of a postback; of a retraction, status 1 in the network API's response.",
        event="base for the offer itself, or the id of one of its goals, digits, such as 7.",
        reversals="Nothing at all by Conversion::update, with the network's API token; a new total cannot be told.",
        consent="It has no flags for consent, and nothing about a person leaves.",
        identifiers={"subid": r"[A-Za-z0-9_\-]{8,64}"},
        acceptance=lambda target, _: (
            {"response": {"status": 1, "data": True}} if f"/{API_VERSION}/" in target else "success=true;"
        ),
        unverified=(
            "TIME: that a conversion's time is UTC.",
            "MESSAGES: the words for why a conversion is refused.",
            "REJECTED: the status of what was taken back, and which conversion is meant where a click had several.",
        ),
    )
    can = Capabilities(retraction=True, mixes_kinds=False)

    def __init__(self, name: str, options: VendorOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        own = f"https://{self.options.network_id}.api.hasoffers.com"
        self._api = options.base_url.rstrip("/") if options.base_url else own
        if self.options.network_token_env:
            self.origins = tuple(dict.fromkeys((*self.origins, origin_of(self._api))))
        else:
            self.capabilities = replace(self.can, retraction=False)

    @classmethod
    def home_of(cls, options: VendorOptions) -> str:
        """The network's own host."""
        assert isinstance(options, TuneOptions)
        return f"https://{options.tracking_domain or options.network_id + '.go2cloud.org'}"

    def element(self, postback: Postback, person: Person) -> str:
        """What follows the address's question mark, without tokens."""
        if not self.capabilities.adjusts(postback.kind):
            raise DestinationError(f"TUNE cannot be told a {postback.kind.value}.")
        facts, event = postback.facts, postback.facts.receiver_event
        amount = wire_amount(postback.value, postback.currency)
        click = self.identifier(facts, person, "subid")
        if click is None:
            raise DestinationError("TUNE needs the transaction id of the click: subid.")
        if postback.kind is Kind.RETRACTION:
            # Brackets must not stand in an address as they are.
            fields = (("transaction_id", click), ("data%5Bstatus%5D", REJECTED), ("return_object", "false"))
            return form_text(fields, MAX_URL)
        if postback.currency != self.options.currency:
            raise DestinationError(
                f"The offer's currency is {self.options.currency}, and TUNE is told no other: give its routes that"
                " currency."
            )
        if event != BASE and not (event.isascii() and event.isdecimal()):
            raise DestinationError(f"{event!r} is neither {BASE!r} nor the id of a goal of TUNE: digits.")
        return form_text(
            (
                ("transaction_id", click),
                ("amount", amount),
                ("adv_sub", facts.transaction_id),
                ("goal_id", None if event == BASE else event),
                ("datetime", facts.event_time.astimezone(UTC).strftime(TIME)),
            ),
            MAX_URL,
        )

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The parameters as they were frozen, and the token of where they go."""
        (element,) = elements
        of_offer, of_network = self.options.security_token_env, self.options.network_token_env
        security = percent(credential(secrets, of_offer)) if of_offer else ""
        network = percent(credential(secrets, of_network)) if of_network else ""
        if element.kind is not Kind.RETRACTION:
            end = f"&security_token={security}" if security else ""
            return Request("GET", f"{self.base}/aff_lsr?{element.text}{end}", {})
        call = f"NetworkToken={network}&Target=Conversion&Method=update&{element.text}"
        return Request("GET", f"{self._api}/{API_VERSION}/json?{call}", {"Accept": "application/json"})

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Status 200 says nothing: the words inside do."""
        status = f"HTTP {reply.status}"
        if reply.status in (401, 403, 404):
            verdict = Verdict(Reading.CONFIGURATION, status)
        elif reply.status != 200:
            verdict = Verdict(Reading.RETRY if reply.status == 429 else Reading.UNKNOWN, status)
        elif elements[0].kind is Kind.RETRACTION:
            verdict = _of_api(json_of(reply))
        else:
            verdict = _of_postback(reply.body)
        return [verdict] * len(elements)


def _of_postback(body: bytes) -> Verdict:
    said = _SAID.match(body)
    if said is None:
        return Verdict(Reading.UNKNOWN, "neither success nor why not")
    if said[1] == b"true":
        return _TAKEN
    return _meaning((said[2] or b"").decode("utf-8", "replace"), Verdict(Reading.REJECTED, "err_msg"))


def _meaning(message: str, other: Verdict) -> Verdict:
    return next((verdict for words, verdict in MESSAGES if words.search(message)), other)


def _of_api(body: Any) -> Verdict:
    """`response.status` is 1 for what was done and -1 for what was not."""
    response = body.get("response") if isinstance(body, dict) else None
    response = response if isinstance(response, dict) else {}
    if is_count(response.get("status"), 1) and response.get("data"):
        return _TAKEN
    if response.get("status") != -1:
        return Verdict(Reading.UNKNOWN, "no status of the API")
    refused = Verdict(Reading.REJECTED, "not updated")
    meaning = _meaning(str(response.get("errorMessage")), refused)
    # A postback's other reasons are about its conversion, not about taking it back.
    return meaning if meaning.reading is Reading.CONFIGURATION else refused
