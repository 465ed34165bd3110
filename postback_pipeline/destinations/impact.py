"""Type `impact`: impact.com, conversions of a program and modifications of what became an action.

    [destinations.impact]
    type = "impact"
    account_sid = "IRyMQiCNtwrt1804207G3t8Pn6NyzfyDw1"
    campaign_id = "1000"
    auth_token_env = "IMPACT_AUTH_TOKEN"

One conversion a request, with the click id that the landing page got (`irclickid`). A new total leaves as `Amount` of
the action, nothing at all as a reversal; both name it by event type and order. impact.com answers QUEUED to whatever
is well formed, and judges afterwards: it is asked for its verdict (API submissions) until a conversion is processed or
rejected, and an adjustment waits for that of its conversion. An order that it already has (CONV_DUPLICATE) counts as
processed: it can be adjusted all the same. How long an action can be modified is a matter of its contract (locking).
A repeat may count twice: a request of unknown fate waits for a person.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field

from postback_pipeline.destinations.base import (
    Capabilities,
    DestinationError,
    Element,
    LaterVerdict,
    Reading,
    Reply,
    Request,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.form_fields import form_text, not_longer
from postback_pipeline.destinations.json_body import code_of, json_of
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, lower_email
from postback_pipeline.destinations.request_forms import FORM, percent
from postback_pipeline.destinations.times import iso
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Later, Postback

#: Of the Brand API; integrations.impact.com/brand-api-reference, "Versioning".
API_VERSION = "14"
#: The most characters of a text. Unverified for the order's id.
LONGEST_TEXT = 64
#: The reason of a new total.
ORDER_UPDATE = "ORDER_UPDATE"
#: Where the verdict says that an action with this order's id was registered before.
DUPLICATE = "CONV_DUPLICATE"
#: A submission's status -> our word for it, where nothing is wrong.
STATUS = {"queued": Later.PENDING, "in progress": Later.PENDING, "complete": Later.PROCESSED}
#: Kind -> method and collection. integrations.impact.com/brand-api-reference/reference/conversions and .../actions.
CALLS = {
    Kind.CONVERSION: ("POST", "Conversions"),
    Kind.RESTATEMENT: ("PUT", "Actions"),
    Kind.RETRACTION: ("DELETE", "Actions"),
}
Disposition = Literal[
    "REJECTED",
    "CONS_INFO_INVALID",
    "CONS_ERROR",
    "CONS_FRAUD",
    "ITEM_RETURNED",
    "ITEM_OUT_OF_STOCK",
    "ORDER_ERROR",
    "PUB_ACT_DISPUTE",
    "NOT_COMPLIANCE_TERMS",
    "MP_RETURNED",
    "OTHER",
    "CREDITED_DIFFERENT_MP",
    "ADV_ACT_DISPUTE",
    "TEST_ACTION",
]

_SUBMISSION = re.compile(r"/APISubmissions/([A-Za-z0-9_\-]{1,100})$")


class ImpactOptions(VendorOptions):
    """The options of this type."""

    account_sid: str = Field(
        pattern="^[A-Za-z0-9]{10,64}$",
        description="The brand account's SID, letters and digits: Settings, Technical, API.",
    )
    campaign_id: str = Field(
        pattern="^[0-9]{1,12}$",
        description="The program's id, digits: beside its name where programs are switched.",
    )
    auth_token_env: str = Field(
        default="IMPACT_AUTH_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the auth token of that SID: Settings, Technical, API. It must be allowed to write"
        " conversions and actions and to read submissions.",
    )
    disposition_code: Disposition = Field(
        default="OTHER", description="The reason that partners see where a conversion is reversed."
    )


class Impact(Vendor):
    """impact.com's Brand API: conversions, and modifications of actions."""

    type = "impact"
    home = "https://api.impact.com"
    options_type = ImpactOptions
    options: ImpactOptions
    contract = Contract(
        title="impact.com",
        version=API_VERSION,
        documentation="https://integrations.impact.com/brand-api-reference",
        proof="Status QUEUED with the submission's address; afterwards the submission's status Complete without error.",
        event="The event type's (action tracker's) id, digits, such as 8180: Settings, Event types.",
        reversals="A new total by PUT Actions with Amount, nothing at all by DELETE Actions, by event type and order.",
        consent="It has no flags for consent. ad_user_data denied: the e-mail address is left out.",
        identifiers={"irclickid": r"[A-Za-z0-9_.:~|%+/=^\-]{8,256}"},
        takes_person=("email",),
        acceptance=lambda target, _: (
            {"Status": "Complete"}
            if "/APISubmissions/" in target
            else {"Status": "QUEUED", "QueuedUri": "/APISubmissions/A-00000000-0000-4000-8000-000000000000"}
        ),
        unverified=(
            "LONGEST_TEXT: 64 characters of an order's id.",
            "lower_email: an address is trimmed and lower-cased before SHA-256.",
            "STATUS: that a modification's submission ends as Complete with an ErrorType where it was not made.",
        ),
    )
    can = Capabilities(restatement=True, retraction=True, judges_later=True)

    def element(self, postback: Postback, person: Person) -> str:
        """The form, without credentials."""
        facts = postback.facts
        if not (facts.receiver_event.isascii() and facts.receiver_event.isdecimal()):
            raise DestinationError(f"{facts.receiver_event!r} is no event type's id of impact.com: digits only.")
        order = not_longer(facts.transaction_id, LONGEST_TEXT, "The order's id")
        value = wire_amount(postback.value, postback.currency)
        action = (("ActionTrackerId", facts.receiver_event), ("OrderId", order))
        if postback.kind is Kind.RESTATEMENT:
            return form_text((*action, ("Reason", ORDER_UPDATE), ("Amount", value)))
        if postback.kind is Kind.RETRACTION:
            return form_text((*action, ("DispositionCode", self.options.disposition_code)))
        click = self.identifier(facts, person, "irclickid")
        if click is None:
            raise DestinationError("impact.com needs the id of the click: irclickid.")
        may_tell = postback.consent.get("ad_user_data") != "denied"
        return form_text(
            (
                ("CampaignId", self.options.campaign_id),
                *action,
                ("EventDate", iso(facts.event_time)),
                ("ClickId", click),
                ("OrderSubTotalPostDiscount", value),
                ("CurrencyCode", postback.currency),
                ("CustomerEmail", person.hashed("email", lower_email) if may_tell else None),
            )
        )

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The form as it was frozen, to where its kind goes."""
        (element,) = elements
        method, collection = CALLS[element.kind]
        headers = self._headers(secrets) | {"Content-Type": FORM}
        return Request(method, self._url(collection), headers, element.text.encode())

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """A receipt, or what is wrong with the form."""
        return [_reading(reply)] * len(elements)

    def inquiry(self, receipt: str, *, secrets: Mapping[str, str], asked_at: datetime) -> Request:
        """The submission."""
        return Request("GET", self._url(f"APISubmissions/{percent(receipt)}"), self._headers(secrets))

    def read_inquiry(self, reply: Reply, count: int) -> LaterVerdict | None:
        """What became of the submission, of which there is one for each postback."""
        body = json_of(reply)
        status = body.get("Status") if isinstance(body, dict) else None
        later = STATUS.get(status.lower()) if isinstance(status, str) else None
        if reply.status != 200 or later is None:
            return None
        if later is Later.PENDING or not body.get("ErrorType"):
            return LaterVerdict(later, str(status))
        reason = _reason(body)
        return LaterVerdict(Later.PROCESSED if reason == DUPLICATE else Later.REJECTED, reason)

    def _url(self, collection: str) -> str:
        return f"{self.base}/Advertisers/{self.options.account_sid}/{collection}"

    def _headers(self, secrets: Mapping[str, str]) -> dict[str, str]:
        token = credential(secrets, self.options.auth_token_env)
        return {
            "Authorization": _basic(self.options.account_sid, token),
            "Accept": "application/json",
            "IR-Version": API_VERSION,
        }


@lru_cache(maxsize=64)
def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _reading(reply: Reply) -> Verdict:
    status = f"HTTP {reply.status}"
    if reply.status in (401, 403):
        return Verdict(Reading.CONFIGURATION, status)
    if reply.status == 429:
        return Verdict(Reading.RETRY, status)
    body = json_of(reply)
    body = body if isinstance(body, dict) else {}
    said = body.get("Status")
    if reply.status == 200 and said == "QUEUED":
        uri = body.get("QueuedUri")
        found = _SUBMISSION.search(uri) if isinstance(uri, str) else None
        return (
            Verdict(Reading.ACCEPTED, "QUEUED", receipt=found[1]) if found else Verdict(Reading.UNKNOWN, "no receipt")
        )
    # 402: "Parameters were valid but the request failed."
    if reply.status in (400, 402, 404) and said == "ERROR":
        return Verdict(Reading.REJECTED, f"{status} {_field(body)}".rstrip())
    return Verdict(Reading.UNKNOWN, status)


def _field(body: Mapping[str, Any]) -> str:
    """The name of the first field that is wrong: the message beside it may quote what stood there."""
    errors = body.get("errors") or body.get("Errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    name = (first.get("field") or first.get("Field")) if isinstance(first, dict) else None
    return code_of(name) or ""


def _reason(body: Mapping[str, Any]) -> str:
    """The first of the reasons, which are words such as CONTRACT_NOT_FOUND, or else their common type."""
    words = str(body.get("ErrorReason") or "").split()
    kind = str(body["ErrorType"]).strip().replace(" ", "_")
    return (words and code_of(words[0])) or code_of(kind) or "ErrorType"
