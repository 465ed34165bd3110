"""impact.com's Brand API, by its specifications: Conversions (v13), Actions (v14) and Submissions (v14)."""

from __future__ import annotations

import base64
import re
from datetime import datetime
from decimal import Decimal
from urllib.parse import parse_qsl

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

SID = "IRyMQiCNtwrt1804207G3t8Pn6NyzfyDw1"
ACCOUNT = f"/Advertisers/{SID}"
ATTRIBUTION = {"ClickId", "CustomerId", "CustomProfileId", "CustomClickId", "PromoCode", "MediaId", "UniqueUrl"}
DISPOSITIONS = {"REJECTED", "CONS_ERROR", "CONS_FRAUD", "ITEM_RETURNED", "ITEM_OUT_OF_STOCK", "ORDER_ERROR", "OTHER"}


class Receiver(ContractReceiver):
    """A brand's account: queues what it gets, and knows afterwards what it made of it."""

    def __init__(self) -> None:
        super().__init__()
        #: Submission -> the reason of its error, if it has one.
        self.submissions: dict[str, str] = {}

    def take(self, hit: Hit) -> Answered:
        """One conversion, modification, reversal or question."""
        scheme, _, credentials = hit.headers.get("Authorization", "").partition(" ")
        user = base64.b64decode(credentials).decode().partition(":")[0] if scheme == "Basic" else ""
        if user != SID:
            return Answered(401, {"Status": "ERROR", "Message": "Not authorized"})
        self.check(hit.headers["Accept"] == "application/json", "some endpoints answer in XML")
        if hit.method == "GET":
            return self._submission(hit.path)
        self.check(hit.headers["Content-Type"] == "application/x-www-form-urlencoded", "content type")
        pairs = parse_qsl(hit.body.decode(), strict_parsing=True)
        form = dict(pairs)
        self.check(len(form) == len(pairs), "a field is given twice")
        self.check(len(form["OrderId"]) <= 64, "OrderId: at most 64 characters")
        self.check(form["ActionTrackerId"].isdecimal(), "ActionTrackerId: an integer")
        if (hit.method, hit.path) == ("POST", f"{ACCOUNT}/Conversions"):
            return self._queued(self._conversion(form))
        self.check(hit.path == f"{ACCOUNT}/Actions", f"path {hit.path}")
        return self._queued(self._reversal(form) if hit.method == "DELETE" else self._modification(form, hit.method))

    def _conversion(self, form: dict[str, str]) -> str:
        must = {"CampaignId", "EventDate", "OrderId", "ActionTrackerId", "ClickId"}
        self.check_keys(form, must=must, may={"OrderSubTotalPostDiscount", "CurrencyCode", "CustomerEmail"})
        self.check(form.keys() & ATTRIBUTION, "nothing to attribute it by")
        self.check(datetime.fromisoformat(form["EventDate"]).tzinfo, "EventDate: ISO 8601 with a zone")
        self.check("OrderSubTotalPostDiscount" not in form or "CurrencyCode" in form, "money without a currency")
        if "CustomerEmail" in form:
            self.check_hash(form["CustomerEmail"])
        if form["OrderId"] in self.beliefs:
            return "CONV_DUPLICATE"
        self.beliefs[form["OrderId"]] = self._amount(form["OrderSubTotalPostDiscount"])
        return ""

    def _modification(self, form: dict[str, str], method: str) -> str:
        self.check(method == "PUT", f"method {method}")
        self.check_keys(form, must={"ActionTrackerId", "OrderId", "Reason", "Amount"}, may=set())
        self.check(form["Reason"] == "ORDER_UPDATE", f"reason {form['Reason']}")
        if form["OrderId"] not in self.beliefs:
            return "ACTION_REF_NOT_FOUND"
        self.beliefs[form["OrderId"]] = self._amount(form["Amount"])
        return ""

    def _reversal(self, form: dict[str, str]) -> str:
        self.check_keys(form, must={"ActionTrackerId", "OrderId", "DispositionCode"}, may=set())
        self.check(form["DispositionCode"] in DISPOSITIONS, f"disposition {form['DispositionCode']}")
        return "" if self.beliefs.pop(form["OrderId"], None) is not None else "ACTION_REF_NOT_FOUND"

    def _amount(self, text: str) -> Decimal:
        self.check(re.fullmatch(r"[0-9]+(\.[0-9]+)?", text), f"no decimal: {text}")
        return Decimal(text)

    def _queued(self, error: str) -> Answered:
        name = f"A-{len(self.submissions):08}-4ac8-4de6-9c4c-c60fd8e19ff0"
        self.submissions[name] = error
        return Answered(200, {"Status": "QUEUED", "QueuedUri": f"{ACCOUNT}/APISubmissions/{name}"})

    def _submission(self, path: str) -> Answered:
        name = path.removeprefix(f"{ACCOUNT}/APISubmissions/")
        if name not in self.submissions:
            self.violations.append(f"no submission {path}")
            return Answered(404)
        error = self.submissions[name]
        failed = {"ErrorType": "Validation", "ErrorReason": error}
        return Answered(200, {"BatchId": name, "Status": "Complete", **(failed if error else {"ErrorType": ""})})
