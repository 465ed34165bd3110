"""Type `cj`: CJ Affiliate, orders by its Tracking API (GraphQL): created, restated, cancelled.

    [destinations.cj]
    type = "cj"
    enterprise_id = "1234567"
    access_token_env = "CJ_ACCESS_TOKEN"

Orders leave in batches, with the click's `cjevent`. An order is known by its id, the action tracker and the enterprise:
one that is created again is recognised, a restatement replaces all of an order, so a request of unknown fate is sent
again by itself. For actions with open-ended locking set `open_ended = true`: their restatements and cancellations must
carry a status. CJ validates at once, and processes within the hour without a word: an order that is locked, or was told
in another way before, is missing from the commission report only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
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
from postback_pipeline.destinations.json_body import enveloped, json_of, json_text
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person
from postback_pipeline.destinations.times import iso
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: More may time out (CJ: "Advertiser API Tracking, API Overview"); the bytes are those of Tealium's connector.
BATCH_ROWS = 10_000
BATCH_BYTES = 100_000_000
#: Every adjustment needs a time, which nobody tells us and which must be the same on every attempt: so much after the
#: event for each revision. Unverified: that nothing but the order of updates follows from it.
UPDATE_STEP = timedelta(seconds=1)
#: Kind -> mutation, its argument and the type of that. By introspection of tracking.api.cj.com/graphql, 2026-08-13.
MUTATIONS = {
    Kind.CONVERSION: ("createOrders", "newOrders", "OrderCreateRequest"),
    Kind.RESTATEMENT: ("restateOrders", "restatedOrders", "OrderRestateRequest"),
    Kind.RETRACTION: ("cancelOrders", "cancelledOrders", "OrderCancelRequest"),
}
#: Beginnings of messages inside status 200 that say what is wrong with the set-up, and with what was sent. CJ documents
#: no others: what they are about is left open.
OF_SETUP = ("Missing Token", "Invalid Token", "Unauthorized")
OF_ORDERS = {
    "Invalid Syntax": "invalid syntax",
    "Validation error of type WrongType": "wrong type",
    "Order may not have more than 100 items": "too many items",
    "Order may not have a": "time in the future",
}
CorrectionReason = Literal[
    "BadDebt",
    "Bankruptcy",
    "BookingCanceled",
    "CannotShipSoldOut",
    "Compliance",
    "DuplicateOrder",
    "InvalidCreditCard",
    "Other",
    "ReturnedMerchandise",
    "UnqualifiedLead",
]

#: What is asked back: an order is known by its id and its action tracker together.
_ASKED = "{orders{orderId actionTracker{id}}errors{message}}"
_BEFORE = {
    kind: f'{{"query":"mutation($orders:[{of}!]!){{{name}({argument}:$orders){_ASKED}}}","variables":{{"orders":['
    for kind, (name, argument, of) in MUTATIONS.items()
}
_TAKEN = Verdict(Reading.ACCEPTED, "orders")


class CjOptions(VendorOptions):
    """The options of this type."""

    enterprise_id: str = Field(
        pattern="^[0-9]{1,12}$", description="The enterprise id, digits: CJ's client integration team names it."
    )
    access_token_env: str = Field(
        default="CJ_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with a personal access token: developers.cj.com/account/personal-access-tokens.",
    )
    open_ended: bool = Field(default=False, description="The actions lock open-endedly: CJ's account team knows.")
    restated_status: Literal["Pending", "Accepted"] = Field(
        default="Pending", description="The status of a restated order, where actions lock open-endedly."
    )
    correction_reason: CorrectionReason = Field(
        default="Other", description="The reason that publishers see for restated and cancelled orders."
    )


class Cj(Vendor):
    """CJ Affiliate's Tracking API for advertisers."""

    type = "cj"
    home = "https://tracking.api.cj.com"
    options_type = CjOptions
    options: CjOptions
    contract = Contract(
        title="CJ Affiliate Tracking API",
        version="",
        documentation="https://developers.cj.com/docs/advertiser-api-tracking/api-overview",
        proof="The order's id and action tracker among the orders that come back: it is valid; nothing tells more.",
        event="The action tracker's id, digits, such as 987654: CJ's client integration team names it.",
        reversals="A new total by restateOrders, which replaces the whole order; nothing at all by cancelOrders.",
        consent="It has no flags for consent, and nothing about a person leaves.",
        testing="Mode test sends to /graphqltest, with the same token: validated, and nothing counts.",
        identifiers={"cjevent": r"[A-Za-z0-9_\-]{8,128}"},
        acceptance=lambda _, body: {
            "data": {
                name: {
                    "orders": [
                        {"orderId": order["orderId"], "actionTracker": {"id": order["actionTrackerId"]}}
                        for order in body["variables"]["orders"]
                    ]
                }
                for name, *_ in MUTATIONS.values()
            }
        },
        unverified=(
            "UPDATE_STEP: what follows from the time of an update.",
            "BATCH_BYTES: 100 MB a request.",
            "wire_amount: amounts are texts, as in an example; the type is NonNegativeDecimalNumber.",
            "_verdicts: that what is not among the orders that come back, beside errors, was not taken.",
        ),
    )
    can = Capabilities(
        deduplicates=True,
        restatement=True,
        retraction=True,
        batch_rows=BATCH_ROWS,
        batch_bytes=BATCH_BYTES,
        one_bad_fails_all=True,
        mixes_kinds=False,
    )

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Never: the address of tests takes the same requests."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """One object of the mutation's argument."""
        facts, kind = postback.facts, postback.kind
        if not (facts.receiver_event.isascii() and facts.receiver_event.isdecimal()):
            raise DestinationError(f"{facts.receiver_event!r} is no action tracker's id of CJ: digits only.")
        order: dict[str, Any] = {
            "enterpriseId": self.options.enterprise_id,
            "actionTrackerId": int(facts.receiver_event),
            "orderId": facts.transaction_id,
        }
        amount = wire_amount(postback.value, postback.currency)
        cj_event = self.identifier(facts, person, "cjevent")
        if kind is Kind.CONVERSION:
            if cj_event is None:
                raise DestinationError("CJ needs the id of the click: cjevent.")
            order["eventTime"] = iso(facts.event_time)
        else:
            order["updateTime"] = iso(facts.event_time + (postback.revision - 1) * UPDATE_STEP)
            order["correctionReason"] = self.options.correction_reason
            if self.options.open_ended:
                order["status"] = "Declined" if kind is Kind.RETRACTION else self.options.restated_status
        if kind is not Kind.RETRACTION:
            # All of the order: a restatement drops what it does not name.
            order |= {"amount": amount, "currency": postback.currency}
            if cj_event is not None:
                order["cjEvent"] = cj_event
        return json_text(order)

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The orders as they were frozen, as the variable of one mutation."""
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {credential(secrets, self.options.access_token_env)}",
        }
        path = "/graphqltest" if self.at_test_facility else "/graphql"
        body = enveloped(_BEFORE[elements[0].kind], elements, "]}}")
        return Request("POST", self.base + path, headers, body)

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """The orders that came back were taken; errors say why others were not."""
        status = f"HTTP {reply.status}"
        if reply.status == 200:
            return _verdicts(json_of(reply), elements)
        # 404: there is no such address, which holds nothing of an order.
        if reply.status in (401, 403, 404):
            verdict = Verdict(Reading.CONFIGURATION, status)
        else:
            verdict = Verdict(Reading.RETRY if reply.status == 429 else Reading.UNKNOWN, status)
        return [verdict] * len(elements)


def _verdicts(body: Any, elements: Sequence[Element]) -> list[Verdict]:
    body = body if isinstance(body, dict) else {}
    data = body.get("data")
    found = data.get(MUTATIONS[elements[0].kind][0]) if isinstance(data, dict) else None
    found = found if isinstance(found, dict) else {}
    messages = _messages(body.get("errors")) + _messages(found.get("errors"))
    if any(message.startswith(OF_SETUP) for message in messages):
        return [Verdict(Reading.CONFIGURATION, "token or enterprise")] * len(elements)
    listed = _listed(found.get("orders"))
    other = _of_missing(messages, none_is_listed=not listed)
    orders = [orjson.loads(element.text) for element in elements]
    sent = [(order["orderId"], str(order["actionTrackerId"])) for order in orders]
    times = Counter(sent)
    if listed.keys() - times.keys():
        other = Verdict(Reading.UNKNOWN, "an order that was not sent")
    # One that stands twice in a batch and came back once: which of the two was taken?
    unsure = Verdict(Reading.UNKNOWN, "listed fewer times than sent")
    return [_TAKEN if listed[each] >= times[each] else unsure if listed[each] else other for each in sent]


def _listed(orders: object) -> Counter[tuple[str, str]]:
    """Id and action tracker of the orders that came back, and how often."""
    found = [order for order in orders if isinstance(order, dict)] if isinstance(orders, list) else []
    trackers = [order.get("actionTracker") for order in found]
    ids = [tracker.get("id") if isinstance(tracker, dict) else None for tracker in trackers]
    return Counter((str(order.get("orderId")), str(tracker)) for order, tracker in zip(found, ids, strict=True))


def _of_missing(messages: list[str], *, none_is_listed: bool) -> Verdict:
    """Of orders that are not among those that came back: refused only by messages that CJ documents."""
    words = [next((word for start, word in OF_ORDERS.items() if each.startswith(start)), "") for each in messages]
    if not words:
        return Verdict(Reading.UNKNOWN, "not among the orders")
    if not all(words):
        return Verdict(Reading.UNKNOWN, "undocumented error")
    return Verdict(Reading.REJECTED, words[0], on_request=none_is_listed)


def _messages(errors: object) -> list[str]:
    """One for each error; what is an error without a message has an empty one."""
    listed = errors if isinstance(errors, list) else []
    found = [error.get("message") if isinstance(error, dict) else None for error in listed]
    return [message if isinstance(message, str) else "" for message in found]
