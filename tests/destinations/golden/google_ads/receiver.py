"""Google Ads' upload services, by google/ads/googleads/v25/services/conversion*_upload_service.proto."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

ACTION = "customers/5550001111/conversionActions/987654321"
CONVERSION = {"conversionAction", "conversionDateTime", "conversionValue", "currencyCode", "orderId"}
ADJUSTMENT = {"adjustmentType", "conversionAction", "orderId", "adjustmentDateTime"}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}")


class Receiver(ContractReceiver):
    """An account with one conversion action, and the token endpoint beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.told_at: dict[str, datetime] = {}
        self.adjusted_at: dict[str, datetime] = {}

    def take(self, hit: Hit) -> Answered:
        """A token, or rows of one kind."""
        if hit.path == "/token":
            self.check(b"grant_type=refresh_token" in hit.body, "another grant")
            return Answered(200, {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"})
        self.check(hit.headers.get("Authorization") == "Bearer ya29.token", "no access token")
        self.check(hit.headers.get("developer-token"), "no developer-token")
        self.check(hit.headers.get("login-customer-id") == "9876543210", "login-customer-id")
        start = "/v25/customers/5550001111:"
        self.check(hit.method == "POST" and hit.path.startswith(start), f"path {hit.path}")
        body = json.loads(hit.body, parse_float=Decimal)
        rows_name, take = {
            "uploadClickConversions": ("conversions", self._conversion),
            "uploadConversionAdjustments": ("conversionAdjustments", self._adjustment),
        }[hit.path.removeprefix(start)]
        self.check_keys(body, must={rows_name, "partialFailure"}, may={"validateOnly", "jobId", "customerId"})
        self.check(body["partialFailure"] is True, "partialFailure must be true")
        self.check(0 < len(body[rows_name]) <= 2000, "number of rows")
        for row in body[rows_name]:
            take(row)
        return Answered(200, {"results": [{"conversionAction": ACTION}] * len(body[rows_name]), "jobId": "2147483648"})

    def _time(self, text: str) -> datetime:
        self.check(TIME.fullmatch(text), f"time {text}")
        return datetime.fromisoformat(text)

    def _conversion(self, row: dict[str, Any]) -> None:
        self.check_keys(row, must=CONVERSION, may={"gclid", "gbraid", "wbraid", "userIdentifiers", "consent"})
        self.check(len(row.keys() & {"gclid", "gbraid", "wbraid"}) <= 1, "one click id")
        self.check(row.keys() & {"gclid", "gbraid", "wbraid", "userIdentifiers"}, "nothing to match by")
        for identifier in row.get("userIdentifiers", []):
            self.check(len(identifier) == 1, "one identifier each")
            self.check_keys(identifier, must=set(), may={"hashedEmail", "hashedPhoneNumber"})
            self.check_hash(next(iter(identifier.values())))
        if "consent" in row:
            self.check_keys(row["consent"], must={"adUserData"}, may=set())
        self.check(row["conversionAction"] == ACTION, "another action")
        self.check(isinstance(row["conversionValue"], Decimal | int), "conversionValue is a number")
        at, order = self._time(row["conversionDateTime"]), row["orderId"]
        self.check(at <= datetime.now(UTC), "a conversion to come")
        self.check(order not in self.told_at, "order id in use")
        self.told_at[order], self.beliefs[order] = at, Decimal(row["conversionValue"])

    def _adjustment(self, row: dict[str, Any]) -> None:
        is_restatement = row["adjustmentType"] == "RESTATEMENT"
        self.check_keys(row, must=ADJUSTMENT | ({"restatementValue"} if is_restatement else set()), may=set())
        self.check(row["adjustmentType"] in ("RESTATEMENT", "RETRACTION"), "adjustmentType")
        self.check(row["conversionAction"] == ACTION, "another action")
        at, order = self._time(row["adjustmentDateTime"]), row["orderId"]
        self.check(order in self.beliefs, "CONVERSION_NOT_FOUND")
        told = self.told_at.get(order, at)
        self.check(told < at, "ADJUSTMENT_PRECEDES_CONVERSION")
        self.check(at < told + timedelta(hours=24), "later than the earliest time at which it can be adjusted")
        self.check(self.adjusted_at.get(order, told) < at, "MORE_RECENT_RESTATEMENT_FOUND")
        self.adjusted_at[order] = at
        if not is_restatement:
            self.beliefs.pop(order, None)
            return
        value = row["restatementValue"]
        self.check_keys(value, must={"adjustedValue", "currencyCode"}, may=set())
        self.beliefs[order] = Decimal(value["adjustedValue"])
