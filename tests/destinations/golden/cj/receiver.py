"""CJ's Tracking API, by its schema (introspection of tracking.api.cj.com/graphql) and "API Overview"."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

ID = {"enterpriseId", "actionTrackerId", "orderId"}
#: Mutation -> argument, its type, and the fields that must and may be there.
SCHEMA = {
    "createOrders": ("newOrders", "OrderCreateRequest", ID, {"eventTime", "cjEvent", "amount", "currency", "ids"}),
    "restateOrders": (
        "restatedOrders",
        "OrderRestateRequest",
        ID | {"updateTime"},
        {"cjEvent", "amount", "currency", "status", "correctionReason"},
    ),
    "cancelOrders": ("cancelledOrders", "OrderCancelRequest", ID | {"updateTime"}, {"status", "correctionReason"}),
}
REASONS = {"BadDebt", "Other", "ReturnedMerchandise", "DuplicateOrder"}
QUERY = re.compile(
    r"mutation\(\$orders:\[(\w+)!\]!\)\{(\w+)\((\w+):\$orders\)"
    r"\{orders\{orderId actionTracker\{id\}\}errors\{message\}\}\}"
)


class Receiver(ContractReceiver):
    """An enterprise's orders: created once, replaced, cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.updated: dict[str, datetime] = {}

    def take(self, hit: Hit) -> Answered:
        """One mutation of a list of orders."""
        self.check((hit.method, hit.path) == ("POST", "/graphql"), f"{hit.method} {hit.path}")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        if not hit.headers.get("Authorization", "").startswith("Bearer "):
            return Answered(200, {"errors": [{"message": "Missing Token"}]})
        body = json.loads(hit.body)
        self.check_keys(body, must={"query", "variables"}, may={"operationName"})
        found = QUERY.fullmatch(body["query"])
        if not found or found[2] not in SCHEMA:
            return Answered(200, {"errors": [{"message": "Invalid Syntax"}]})
        argument, of, must, may = SCHEMA[found[2]]
        self.check((found[3], found[1]) == (argument, of), "argument and type")
        orders = body["variables"]["orders"]
        self.check(0 < len(orders) <= 10_000, "number of orders")
        for order in orders:
            self.check_keys(order, must=must, may=may)
            self._order(found[2], order)
        taken = [{"orderId": order["orderId"], "actionTracker": {"id": order["actionTrackerId"]}} for order in orders]
        return Answered(200, {"data": {found[2]: {"orders": taken, "errors": None}}})

    def _order(self, mutation: str, order: dict[str, Any]) -> None:
        self.check(order["enterpriseId"] == "7700123", "another enterprise")
        self.check(type(order["actionTrackerId"]) is int, "actionTrackerId: NonNegativeInt")
        name, at = order["orderId"], datetime.fromisoformat(order.get("updateTime") or order["eventTime"])
        self.check(at.tzinfo and at <= datetime.now(UTC), "a time with a zone, not in the future")
        self.check(order.get("correctionReason", "Other") in REASONS, "reason")
        if "amount" in order:
            self.check(re.fullmatch(r"\d+(\.\d+)?", order["amount"]), "NonNegativeDecimalNumber")
        if mutation == "createOrders":
            # "A retry of an identical create is safe."
            self.beliefs.setdefault(name, Decimal(order["amount"]))
        else:
            self.check(self.updated[name] < at, "an update before the last one")
            self.beliefs.pop(name)
            if mutation == "restateOrders":
                self.check({"cjEvent", "amount", "currency"} <= order.keys(), "what is not named is dropped")
                self.beliefs[name] = Decimal(order["amount"])
        self.updated[name] = at
