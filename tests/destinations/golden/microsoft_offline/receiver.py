"""Microsoft's offline conversions, by applyofflineconversions.md and offlineconversionadjustment.md of BingAds-docs."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

KEY = {"MicrosoftClickId", "ConversionName", "ConversionTime"}
PERSON = {"HashedEmailAddress", "HashedPhoneNumber"}
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class Receiver(ContractReceiver):
    """An account with one offline conversion goal, and the token endpoint beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str, str], str] = {}
        self.adjusted_at: dict[str, datetime] = {}

    def identifiers_of(self, number: int) -> dict[str, str]:
        """There is no field for an order's id: orders are told apart by their clicks."""
        return {"msclkid": f"{number:032x}"}

    def take(self, hit: Hit) -> Answered:
        """A token, or rows of one kind."""
        if hit.path == "/token":
            self.check(b"grant_type=refresh_token" in hit.body, "another grant")
            self.check(b"scope=https%3A%2F%2Fads.microsoft.com%2Fmsads.manage" in hit.body, "another scope")
            return Answered(200, {"access_token": "EwB4.token", "expires_in": 3600, "token_type": "Bearer"})
        self.check(hit.headers.get("Authorization") == "Bearer EwB4.token", "no access token")
        self.check(hit.headers.get("DeveloperToken"), "no DeveloperToken")
        self.check(hit.headers.get("CustomerId") == "70001111", "CustomerId")
        self.check(hit.headers.get("CustomerAccountId") == "70002222", "CustomerAccountId")
        name, take = {
            "/CampaignManagement/v13/OfflineConversions/Apply": ("OfflineConversions", self._conversion),
            "/CampaignManagement/v13/OfflineConversionAdjustments/Apply": (
                "OfflineConversionAdjustments",
                self._adjustment,
            ),
        }[hit.path]
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={name}, may=set())
        self.check(0 < len(body[name]) <= 1000, "number of rows")
        for row in body[name]:
            take(row)
        return Answered(200, {"PartialErrors": []})

    def _key(self, row: dict[str, Any]) -> tuple[str, str, str]:
        self.check(row["ConversionName"] == "Offline purchase", "OfflineConversionNameInvalid")
        self.check(self._time(row["ConversionTime"]) > datetime.now(UTC) - timedelta(days=90), "out of window")
        for name in row.keys() & PERSON:
            self.check_hash(row[name])
        return row["MicrosoftClickId"], row["ConversionName"], row["ConversionTime"]

    def _time(self, text: str) -> datetime:
        self.check(TIME.fullmatch(text), f"time {text}")
        found = datetime.fromisoformat(text)
        self.check(found <= datetime.now(UTC), "FutureConversionTimeCannotBeSet")
        return found

    def _conversion(self, row: dict[str, Any]) -> None:
        self.check_keys(row, must=KEY | {"ConversionValue", "ConversionCurrencyCode"}, may=PERSON)
        self.check(isinstance(row["ConversionValue"], Decimal | int), "ConversionValue is a number")
        key = self._key(row)
        # "Only the first offline conversion for a given MicrosoftClickId and ConversionTime will be counted."
        if key not in self.kept:
            self.kept[key] = f"order-{int(key[0], 16)}"
            self.beliefs[self.kept[key]] = Decimal(row["ConversionValue"])

    def _adjustment(self, row: dict[str, Any]) -> None:
        values = {"AdjustmentValue", "AdjustmentCurrencyCode"} if row["AdjustmentType"] == "Restate" else set()
        self.check_keys(row, must=KEY | {"AdjustmentType", "AdjustmentTime"} | values, may=PERSON)
        self.check(row["AdjustmentType"] in ("Restate", "Retract"), "OfflineConversionInvalidAdjustmentType")
        order = self.kept.get(self._key(row), "")
        self.check(order in self.beliefs, "AdjustmentOriginalNotFound")
        at = self._time(row["AdjustmentTime"])
        told = self.adjusted_at.get(order, datetime.fromisoformat(row["ConversionTime"]))
        self.check(told < at, "AdjustmentTimeEarlierThanConversionTime")
        self.adjusted_at[order] = at
        if row["AdjustmentType"] == "Retract":
            self.beliefs.pop(order, None)
        else:
            self.beliefs[order] = Decimal(row["AdjustmentValue"])
