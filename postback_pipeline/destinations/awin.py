"""Type `awin`: Awin, orders by its Conversion API and what becomes of them by its transaction validation.

    [destinations.awin]
    type = "awin"
    advertiser_id = "12345"
    api_key_env = "AWIN_API_KEY"
    access_token_env = "AWIN_ACCESS_TOKEN"
    rate = 0.3

Orders leave in batches, with the click's `awc`; each gets its own verdict. A new total leaves as `amend`, nothing at
all as `decline`; both name the transaction by its order and the time that the order was told with. They are jobs:
acceptance means that Awin took the job, not what became of it (Commission, Validate shows that), and a job can amend or
decline only what is still pending. Awin takes 20 calls a minute and user: hence the rate. For leads tell the value 1,
since `amount` is their number. A repeat is not documented to be dropped: a request of unknown fate waits for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

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
from postback_pipeline.destinations.form_fields import not_longer
from postback_pipeline.destinations.json_body import code_of, enveloped, json_of, json_text
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person
from postback_pipeline.destinations.times import iso, unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: help.awin.com/apidocs/conversion-api: "Each batch of requests can have a maximum of 1000 orders", and a reference
#: "truncates at 50 characters". A job may have 40,000 transactions.
BATCH_ROWS = 1_000
LONGEST_REFERENCE = 50
#: The channel of clicks that Awin delivered.
CHANNEL = "aw"
#: When the order was placed; Unix seconds. Unverified: a public template of Awin's Conversion API sends it as a number.
ORDER_TIME = "transactionTime"
#: The same time in the validation's form, and its zone.
ZONE = "UTC"
#: What a reply lists orders under. Unverified: no text of Awin shows one; a public client reads them so.
TAKEN = ("successfulOrders", "pendingOrders")
REFUSED = "failedOrders"
#: What a reply to a job names it by. Unverified spelling of the answer; the status of a job is asked for by it.
JOB = "jobId"
STATUS_TAKEN = (200, 201, 202, 206)

_TAKEN = {name: Verdict(Reading.ACCEPTED, name) for name in TAKEN}
_JOB_TAKEN = Verdict(Reading.ACCEPTED, "job")


class AwinOptions(VendorOptions):
    """The options of this type."""

    advertiser_id: str = Field(
        pattern="^[0-9]{1,12}$", description="The advertiser's id, digits: beside its name at the top of the interface."
    )
    api_key_env: str = Field(
        default="AWIN_API_KEY",
        pattern=f"^{VARIABLE}$",
        description="Variable with the key of the Conversion API: Account, API credentials (ui.awin.com/awin-api).",
    )
    access_token_env: str = Field(
        default="AWIN_ACCESS_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the OAuth 2 token of a user who may validate transactions: ui.awin.com/awin-api.",
    )
    amend_reason: str = Field(
        default="order changed", min_length=1, max_length=100, description="What publishers read about a new total."
    )
    decline_reason: str = Field(
        default="order cancelled",
        min_length=1,
        max_length=100,
        description="What publishers read about a transaction that is worth nothing any more.",
    )


class Awin(Vendor):
    """Awin: orders, and their amendment and decline."""

    type = "awin"
    home = "https://api.awin.com"
    options_type = AwinOptions
    options: AwinOptions
    contract = Contract(
        title="Awin",
        version="",
        documentation="https://help.awin.com/apidocs/conversion-api",
        proof="The order's reference under successfulOrders or pendingOrders; of an adjustment, the id of its job.",
        event="The commission group's code, such as DEFAULT: Commission, Commission groups.",
        reversals="A new total by the action amend, nothing at all by decline, by order and time, while it is pending.",
        consent="It has no flags for consent, and nothing about a person leaves.",
        testing="Mode test marks orders with isTest; adjustments have no such mark and do not leave.",
        identifiers={"awc": r"[A-Za-z0-9_.~,\-]{5,500}"},
        acceptance=lambda _, body: {JOB: "1"} if isinstance(body, list) else {"successfulOrders": body["orders"]},
        unverified=(
            "ORDER_TIME: the time of an order, and that transactions are found by it.",
            "TAKEN, REFUSED, JOB: the words of replies.",
            "commissionGroupCode: the word in the parts of an amended transaction.",
            "That orders with isTest do not count.",
        ),
    )
    can = Capabilities(
        restatement=True, retraction=True, batch_rows=BATCH_ROWS, one_bad_fails_all=True, mixes_kinds=False
    )

    def __init__(self, name: str, options: VendorOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        if testing:
            self.capabilities = replace(self.can, restatement=False, retraction=False)

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Never: an order says itself that it is a test."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """One object of `orders`, or one action on a transaction."""
        if not self.capabilities.adjusts(postback.kind):
            raise DestinationError(f"Awin cannot be told a {postback.kind.value} in mode test.")
        facts, currency = postback.facts, postback.currency
        reference = not_longer(facts.transaction_id, LONGEST_REFERENCE, "The order's reference")
        amount = number(postback.value, currency)
        if postback.kind is not Kind.CONVERSION:
            return json_text(self._action(postback, reference, amount))
        awc = self.identifier(facts, person, "awc")
        if awc is None:
            raise DestinationError("Awin needs the id of the click: awc.")
        order = {
            "orderReference": reference,
            "amount": amount,
            "channel": CHANNEL,
            "currency": currency,
            "awc": awc,
            "commissionGroups": [{"code": facts.receiver_event, "amount": amount}],
            ORDER_TIME: unix_seconds(facts.event_time),
        }
        return json_text(order)

    def _action(self, postback: Postback, reference: str, amount: float) -> dict[str, Any]:
        """help.awin.com/apidocs/approve-decline-amend-batch-transactions-for-a-given-advertiser."""
        facts = postback.facts
        transaction = {
            "orderRef": reference,
            "transactionDate": iso(facts.event_time)[: len("2026-01-02T03:04:05")],
            "timezone": ZONE,
        }
        if postback.kind is Kind.RETRACTION:
            return {"action": "decline", "transaction": transaction | {"declineReason": self.options.decline_reason}}
        amended = {
            "amendReason": self.options.amend_reason,
            "currency": postback.currency,
            "saleAmount": amount,
            # Their sum must be the sale's amount.
            "transactionParts": [{"amount": amount, "commissionGroupCode": facts.receiver_event}],
        }
        return {"action": "amend", "approve": False, "transaction": transaction | amended}

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The orders as they were frozen, or a job of actions."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        advertiser = self.options.advertiser_id
        key, token = credential(secrets, self.options.api_key_env), credential(secrets, self.options.access_token_env)
        if elements[0].kind is not Kind.CONVERSION:
            if self.at_test_facility:
                raise DestinationError("Awin has no test of amendments and declines.")
            headers["Authorization"] = f"Bearer {token}"
            url = f"{self.base}/advertisers/{advertiser}/transactions/batch"
            return Request("POST", url, headers, enveloped("[", elements, "]"))
        headers["x-api-key"] = key
        if self.at_test_facility:
            elements = [each._replace(text='{"isTest":true,' + each.text[1:]) for each in elements]
        url = f"{self.base}/s2s/advertiser/{advertiser}/orders"
        return Request("POST", url, headers, enveloped('{"orders":[', elements, "]}"))

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Each order's own verdict; one for all of a job."""
        body = json_of(reply)
        body = body if isinstance(body, dict) else {}
        is_job = elements[0].kind is not Kind.CONVERSION
        if reply.status in STATUS_TAKEN:
            if not is_job:
                return _verdicts(reply.status, body, elements)
            job = body.get(JOB)
            taken = job and (isinstance(job, str) or type(job) is int)
            return [_JOB_TAKEN if taken else Verdict(Reading.UNKNOWN, f"no {JOB}")] * len(elements)
        return [_refusal(reply.status, body, is_job=is_job)] * len(elements)


def _verdicts(status: int, body: Mapping[str, Any], elements: Sequence[Element]) -> list[Verdict]:
    """An order that is listed nowhere, or as taken and as refused, may or may not be known.

    So may two of one reference of which fewer are listed: which one it is, nothing says.
    """
    unsaid = Verdict(Reading.UNKNOWN, f"HTTP {status}: not listed")
    taken = [(reference, verdict) for name, verdict in _TAKEN.items() for reference, _ in _listed(body, name)]
    refused = [(reference, Verdict(Reading.REJECTED, _code(order))) for reference, order in _listed(body, REFUSED)]
    said = dict(taken) | dict(refused) | dict.fromkeys(dict(taken).keys() & dict(refused).keys(), unsaid)
    sent = [orjson.loads(element.text)["orderReference"] for element in elements]
    times, listed = Counter(sent), Counter(reference for reference, _ in (*taken, *refused))
    return [said[each] if listed[each] >= times[each] else unsaid for each in sent]


def _code(order: Mapping[str, Any]) -> str:
    return code_of(order.get("code")) or code_of(order.get("errorCode")) or REFUSED


def _listed(body: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """References and orders of one list; an order stands there itself, or as `order` beside what is wrong with it."""
    listed = body.get(name)
    found: list[tuple[str, Mapping[str, Any]]] = []
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            order = item if "orderReference" in item else item.get("order")
            reference = order.get("orderReference") if isinstance(order, dict) else None
            if isinstance(reference, str):
                found.append((reference, item))
    return found


def _refusal(status: int, body: Mapping[str, Any], *, is_job: bool) -> Verdict:
    """help.awin.com/apidocs/response-codes."""
    reason = f"HTTP {status}"
    if status == 429:
        return Verdict(Reading.RETRY, reason)
    # The address of the orders holds the advertiser's id and nothing of an order.
    if status in (401, 403) or (status == 404 and not is_job):
        return Verdict(Reading.CONFIGURATION, reason)
    if status in (400, 404, 422):
        return Verdict(Reading.REJECTED, f"{reason} {code_of(body.get('error')) or ''}".rstrip(), on_request=True)
    return Verdict(Reading.UNKNOWN, reason)
