"""Type `rakuten`: Rakuten Advertising (LinkShare), conversions by its transaction call.

    [destinations.rakuten]
    type = "rakuten"
    merchant_id = "38275"

One order a request, as one line with the whole amount in minor units, with the click's `ran_site_id` and the time of
arrival. There is no secret: Rakuten knows a merchant's servers by their addresses, and answers "Access denied" inside
status 200 to others. Cancellations by lines of less than nothing are not documented in a text that we read: reversals
are `unsupported_reversal`. That a repeat is dropped is not documented either: a request of unknown fate waits for a
person.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

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
from postback_pipeline.destinations.form_fields import form_text
from postback_pipeline.destinations.money import minor_units
from postback_pipeline.destinations.person import Person
from postback_pipeline.destinations.request_forms import MAX_URL
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: When the person arrived and when the order was placed. Unverified for the order, and that it is UTC.
TIME = "%Y%m%d_%H%M"
#: Between the lines of an order: none of its values may hold one.
SEPARATOR = "|"
#: How a reply in XML counts what it refused, and what it says instead where it refused to look. As seen by others.
_BAD = re.compile(rb"<bad>\s*([0-9]{1,9})\s*</bad>")
_ERROR = re.compile(rb"<error>\s*([^<\s][^<]{0,200})")
_DENIED = b"access denied"


class RakutenOptions(VendorOptions):
    """The options of this type."""

    merchant_id: str = Field(
        pattern="^[0-9]{1,10}$",
        description="The merchant id (MID), digits: at the top of Rakuten's advertiser console.",
    )


class Rakuten(Vendor):
    """Rakuten Advertising's transaction call."""

    type = "rakuten"
    home = "https://track.linksynergy.com"
    options_type = RakutenOptions
    options: RakutenOptions
    contract = Contract(
        title="Rakuten Advertising",
        version="",
        documentation="https://developers.rakutenadvertising.com",
        proof="Status 200 with XML that counts no bad line and names no error.",
        event="The SKU and name of the order's one line, such as ORDER: what a commission is agreed for.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="It has no flags for consent, and nothing about a person leaves.",
        identifiers={"ran_site_id": r"[A-Za-z0-9_.*/+=\-]{8,200}"},
        acceptance=lambda *_: "<response><good>1</good><bad>0</bad></response>",
        unverified=(
            "TIME: the form and zone of an order's date; Rakuten's own name of the arrival is land.",
            "minor_units: what currencies without minor units want.",
            "_BAD, _ERROR: replies as an open-source sender reads them; no text of Rakuten shows one.",
            "Lines of less than nothing as cancellation, and that a repeat is dropped: not used.",
        ),
    )
    can = Capabilities()

    def element(self, postback: Postback, person: Person) -> str:
        """What follows the address's question mark."""
        if postback.kind is not Kind.CONVERSION:
            raise DestinationError(f"Rakuten cannot be told a {postback.kind.value}.")
        facts = postback.facts
        amount = minor_units(postback.value, postback.currency)
        if SEPARATOR in facts.receiver_event:
            raise DestinationError(f"The SKU of the order's line holds a {SEPARATOR!r}, which separates lines.")
        click = self.identifier(facts, person, "ran_site_id")
        if click is None or facts.clicked_at is None:
            raise DestinationError("Rakuten needs the id and the time of the click: ran_site_id, clicked_at.")
        return form_text(
            (
                ("mid", self.options.merchant_id),
                ("ord", facts.transaction_id),
                ("tr", click),
                ("land", facts.clicked_at.astimezone(UTC).strftime(TIME)),
                ("date", facts.event_time.astimezone(UTC).strftime(TIME)),
                ("cur", postback.currency),
                ("skulist", facts.receiver_event),
                ("qlist", "1"),
                ("amtlist", str(amount)),
                ("namelist", facts.receiver_event),
                ("xml", "1"),
            ),
            MAX_URL,
        )

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The parameters as they were frozen."""
        (element,) = elements
        return Request("GET", f"{self.base}/ep?{element.text}", {"Accept": "application/xml"})

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Status 200 says nothing: the XML does."""
        return [_reading(reply)] * len(elements)


def _reading(reply: Reply) -> Verdict:
    status = f"HTTP {reply.status}"
    if reply.status in (400, 401, 403):
        # 400: the merchant id is none.
        return Verdict(Reading.CONFIGURATION, status)
    if reply.status != 200:
        return Verdict(Reading.RETRY if reply.status == 429 else Reading.UNKNOWN, status)
    error = _ERROR.search(reply.body)
    if error is not None:
        is_denied = error[1].strip().lower() == _DENIED
        return Verdict(Reading.CONFIGURATION, "access denied") if is_denied else Verdict(Reading.REJECTED, "error")
    bad = _BAD.search(reply.body)
    if bad is None:
        return Verdict(Reading.UNKNOWN, "no count of bad lines")
    return Verdict(Reading.REJECTED, "bad line") if int(bad[1]) else Verdict(Reading.ACCEPTED, "no bad line")
