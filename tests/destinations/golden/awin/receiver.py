"""Awin, by help.awin.com/apidocs: "Conversion API" and "Validate Transactions"."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

ORDER = {"orderReference", "amount", "channel", "currency", "commissionGroups"}
OPTIONAL = {"voucher", "customerAcquisition", "transactionTime", "isTest", "basket", "custom"}
TRANSACTION = {"orderRef", "transactionDate", "timezone"}


class Receiver(ContractReceiver):
    """An advertiser's transactions, all of them pending."""

    def __init__(self) -> None:
        super().__init__()
        self.times: dict[str, str] = {}

    def take(self, hit: Hit) -> Answered:
        """A batch of orders, or a job."""
        self.check(hit.method == "POST", "method")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        body = json.loads(hit.body, parse_float=Decimal)
        if hit.path == "/s2s/advertiser/12345/orders":
            if not hit.headers.get("x-api-key"):
                return Answered(401, {"error": "unauthorized", "description": "Full authentication is required"})
            return self._orders(body)
        self.check(hit.path == "/advertisers/12345/transactions/batch", f"path {hit.path}")
        self.check(hit.headers.get("Authorization", "").startswith("Bearer "), "no bearer token")
        self.check(isinstance(body, list) and 0 < len(body) <= 40_000, "an array of at most 40,000 actions")
        for action in body:
            self._action(action)
        return Answered(200, {"jobId": "5cb8290460b59a6e7ae22d0b"})

    def _orders(self, body: dict[str, Any]) -> Answered:
        self.check_keys(body, must={"orders"}, may={"webhook"})
        self.check(0 < len(body["orders"]) <= 1000, "at most 1000 orders")
        for order in body["orders"]:
            # Without a voucher, and without publisher and time of the click.
            self.check_keys(order, must=ORDER | {"awc"}, may=OPTIONAL)
            self.check(len(order["orderReference"]) <= 50, "orderReference is cut at 50 characters")
            self.check(isinstance(order["amount"], Decimal | int), "amount is a number")
            self.check(order["channel"] == "aw", "the channel of Awin's clicks")
            parts = sum(group["amount"] for group in order["commissionGroups"])
            self.check(parts == order["amount"], "commission groups add up")
            at = order["transactionTime"]
            self.check(isinstance(at, int) and time.time() - 86_400 < at <= time.time(), "transactionTime: seconds")
            self.times[order["orderReference"]] = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}"
            self.beliefs[order["orderReference"]] = Decimal(order["amount"])
        taken = [{"orderReference": order["orderReference"], "correlationId": "c"} for order in body["orders"]]
        return Answered(200, {"batchId": "b-1", "successfulOrders": taken, "failedOrders": []})

    def _action(self, action: dict[str, Any]) -> None:
        is_amended = action["action"] == "amend"
        self.check_keys(action, must={"action", "transaction"}, may={"approve"} if is_amended else set())
        found = action["transaction"]
        changed = {"amendReason", "currency", "saleAmount", "transactionParts"}
        self.check_keys(found, must=TRANSACTION | (changed if is_amended else {"declineReason"}), may=set())
        self.check(found["timezone"] == "UTC", "zone")
        self.check(self.times.get(found["orderRef"]) == found["transactionDate"], "no transaction of that time")
        if not is_amended:
            self.check(action["action"] == "decline", f"action {action['action']}")
            self.beliefs.pop(found["orderRef"], None)
            return
        parts = sum(part["amount"] for part in found["transactionParts"])
        self.check(parts == found["saleAmount"], "the sum of the transaction parts must be identical to the saleAmount")
        self.beliefs[found["orderRef"]] = Decimal(found["saleAmount"])
