"""TUNE, by support.tune.com ("Receiving Conversions via Postback URL") and developers.tune.com (Conversion::update)."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

OPTIONAL = {"amount", "adv_sub", "goal_id", "datetime", "security_token", "offer_id"}


class Receiver(ContractReceiver):
    """An offer of a network, and the network's own API."""

    def take(self, hit: Hit) -> Answered:
        """A postback, or a call of the API."""
        self.check(hit.method == "GET" and not hit.body, "an HTTP GET request")
        fields = dict(hit.query)
        self.check(len(fields) == len(hit.query), "a parameter is given twice")
        if hit.path.startswith("/Apiv3/json?"):
            return self._update(fields)
        self.check(hit.path.startswith("/aff_lsr?"), f"path {hit.path}")
        self.check_keys(fields, must={"transaction_id"}, may=OPTIONAL)
        if not fields.get("security_token"):
            return Answered(200, "success=false; err_msg=Invalid Advertiser security token;")
        self.check(re.fullmatch(r"[0-9a-f]{30}", fields["transaction_id"]), "transaction_id")
        datetime.strptime(fields["datetime"], "%Y-%m-%d %H:%M:%S")
        self.check(re.fullmatch(r"\d+(\.\d+)?", fields["amount"]), "amount: a decimal")
        self.beliefs[fields["adv_sub"]] = Decimal(fields["amount"])
        return Answered(200, "success=true;")

    def _update(self, fields: dict[str, str]) -> Answered:
        wanted = {"NetworkToken", "Target", "Method", "transaction_id", "data[status]", "return_object"}
        self.check_keys(fields, must=wanted, may=set())
        self.check((fields["Target"], fields["Method"]) == ("Conversion", "update"), "method")
        self.check(fields["data[status]"] == "rejected", "status")
        # All orders of the story come by one click, which nothing else tells apart: they are taken back one by one.
        self.beliefs.pop(min(self.beliefs))
        return Answered(200, {"response": {"status": 1, "httpStatus": 200, "data": True, "errors": []}})
