"""Type `everflow`: a network on Everflow, conversions by its advertiser postback.

    [destinations.partners]
    type = "everflow"
    tracking_domain = "www.trk-network.com"
    network_id = "123"
    currency = "USD"
    verification_token_env = ""

One conversion a request, with Everflow's transaction id of the click as `subid`: say in `click_id_parameters.csv` which
parameter of the landing page holds it. The postback names no currency: what is in another than the offer's is refused,
a route can convert. What Everflow answers is not documented: acceptance means that the request was received. Reversals
are `unsupported_reversal`: Everflow changes a conversion by its own conversion id only, which no documented reply tells
and which would have to be looked up first. That a repeat is dropped is not documented either: a request of unknown fate
waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

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
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person
from postback_pipeline.destinations.request_forms import MAX_URL, percent
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: The word in place of an event's id for what the offer pays first.
BASE = "base"
#: Statuses that say that the request was received. Unverified: no text of Everflow shows a reply.
RECEIVED = (200, 201, 202, 204)

_RECEIVED = Verdict(Reading.ACCEPTED, "received")


class EverflowOptions(VendorOptions):
    """The options of this type."""

    tracking_domain: str = Field(
        pattern=r"^[a-z0-9\-]+(\.[a-z0-9\-]+)+$",
        description="The host of the network's postback URL, such as www.trk-network.com: ask the network, or Offers,"
        " the offer, Tracking, Postback URL.",
    )
    network_id: str = Field(
        pattern="^[0-9]{1,10}$", description="The network's id, digits: nid in the offer's postback URL."
    )
    currency: str = Field(
        pattern="^[A-Z]{3}$", description="The offer's currency, ISO 4217, such as USD: the postback names none."
    )
    verification_token_env: str = Field(
        default="EVERFLOW_VERIFICATION_TOKEN",
        pattern=f"^({VARIABLE})?$",
        description="Variable with the advertiser's verification token: Advertisers, the advertiser, Security."
        ' Set verification_token_env = "" where the advertiser has none.',
    )


class Everflow(Vendor):
    """Everflow's advertiser postback."""

    type = "everflow"
    options_type = EverflowOptions
    options: EverflowOptions
    contract = Contract(
        title="Everflow advertiser postback",
        version="",
        documentation="https://helpdesk.everflow.io/customer/accessing-editing-s2s-postback-urls",
        proof="Status 200 says that the request was received; nothing proves that it became a conversion.",
        event="base for the base conversion, or the id of one of the offer's events, digits, such as 12.",
        reversals="None without Everflow's own conversion id, which no documented reply tells: unsupported_reversal.",
        consent="It has no flags for consent, and nothing about a person leaves.",
        identifiers={"subid": r"[A-Za-z0-9_\-]{8,64}"},
        unverified=(
            "RECEIVED: what a reply means.",
            "That a repeat with the same transaction id and order is dropped: not relied on.",
        ),
    )
    can = Capabilities()

    @classmethod
    def home_of(cls, options: VendorOptions) -> str:
        """The network's own host."""
        assert isinstance(options, EverflowOptions)
        return f"https://{options.tracking_domain}"

    def element(self, postback: Postback, person: Person) -> str:
        """What follows the address's question mark, without the token."""
        if postback.kind is not Kind.CONVERSION:
            raise DestinationError(f"Everflow cannot be told a {postback.kind.value}.")
        facts, event = postback.facts, postback.facts.receiver_event
        amount = wire_amount(postback.value, postback.currency)
        if postback.currency != self.options.currency:
            raise DestinationError(
                f"The offer's currency is {self.options.currency}, and Everflow is told no other: give its routes that"
                " currency."
            )
        if event != BASE and not (event.isascii() and event.isdecimal()):
            raise DestinationError(f"{event!r} is neither {BASE!r} nor the id of an event of Everflow: digits.")
        click = self.identifier(facts, person, "subid")
        if click is None:
            raise DestinationError("Everflow needs the transaction id of the click: subid.")
        return form_text(
            (
                ("nid", self.options.network_id),
                ("transaction_id", click),
                ("amount", amount),
                ("order_id", facts.transaction_id),
                ("event_id", None if event == BASE else event),
            ),
            MAX_URL,
        )

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The parameters as they were frozen, and the token."""
        (element,) = elements
        url = f"{self.base}/?{element.text}"
        if name := self.options.verification_token_env:
            url += f"&verification_token={percent(credential(secrets, name))}"
        return Request("GET", url, {})

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Received or not."""
        status = f"HTTP {reply.status}"
        if reply.status in RECEIVED:
            return [_RECEIVED] * len(elements)
        if reply.status in (401, 403, 404):
            # Not the network's postback: another host, or something before it.
            return [Verdict(Reading.CONFIGURATION, status)] * len(elements)
        return [Verdict(Reading.RETRY if reply.status == 429 else Reading.UNKNOWN, status)] * len(elements)
