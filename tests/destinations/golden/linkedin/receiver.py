"""LinkedIn's endpoint for conversion events, by learn.microsoft.com/linkedin (conversions-api), and that for tokens."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

ELEMENT = {"conversion", "conversionHappenedAt", "user"}
ID_TYPES = {"SHA256_EMAIL", "LINKEDIN_FIRST_PARTY_ADS_TRACKING_UUID"}
OLDEST = 90 * 24 * 3600
TOKEN = "AQX-fresh_token.1"


class Receiver(ContractReceiver):
    """The events of an account's conversion rules."""

    def take(self, hit: Hit) -> Answered:
        """A token, or the whole batch."""
        if hit.path == "/token":
            return self._token(hit)
        self.check(hit.method == "POST" and hit.path == "/rest/conversionEvents", f"path {hit.path}")
        headers = hit.headers
        self.check(re.fullmatch(r"20[0-9]{4}", headers.get("LinkedIn-Version", "")), "version")
        self.check(headers.get("X-Restli-Protocol-Version") == "2.0.0", "protocol version")
        self.check(headers.get("X-RestLi-Method") == "BATCH_CREATE", "method of a batch")
        self.check(headers["Content-Type"] == "application/json", "content type")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return Answered(401, {"status": 401, "code": "INVALID_ACCESS_TOKEN", "message": "Invalid access token"})
        body = json.loads(hit.body)
        self.check_keys(body, must={"elements"}, may=set())
        self.check(0 < len(body["elements"]) <= 5000, "number of events")
        for element in body["elements"]:
            self._element(element)
        return Answered(200, {"elements": [{"status": 201}] * len(body["elements"])})

    def _token(self, hit: Hit) -> Answered:
        form = {name: values[0] for name, values in parse_qs(hit.body.decode()).items()}
        self.check_keys(form, must={"grant_type", "refresh_token", "client_id", "client_secret"}, may=set())
        self.check(form["grant_type"] == "refresh_token", "grant type")
        return Answered(200, {"access_token": TOKEN, "expires_in": 86400, "refresh_token": form["refresh_token"]})

    def _element(self, element: dict[str, Any]) -> None:
        self.check_keys(element, must=ELEMENT, may={"conversionValue", "eventId"})
        at, value, user = element["conversionHappenedAt"], element["conversionValue"], element["user"]
        self.check(element["conversion"] == "urn:lla:llaPartnerConversion:104012", "conversion rule")
        self.check(isinstance(at, int) and time.time() - OLDEST < at / 1000 <= time.time(), "milliseconds, 90 days")
        self.check_keys(value, must={"currencyCode", "amount"}, may=set())
        self.check(isinstance(value["amount"], str), "amount is a string")
        self.check_keys(user, must={"userIds"}, may={"userInfo", "externalIds"})
        self.check(user["userIds"], "at least one id")
        for each in user["userIds"]:
            self.check_keys(each, must={"idType", "idValue"}, may=set())
            self.check(each["idType"] in ID_TYPES, "type of id")
            if each["idType"] == "SHA256_EMAIL":
                self.check_hash(each["idValue"])
        # The story's orders have no tag: their eventId is "purchase:<order>.<revision>".
        named = re.fullmatch(r"purchase:(order-\d+)\.1", element["eventId"])
        self.check(named, "eventId of an order's first report")
        if named:
            self.beliefs[named[1]] = Decimal(value["amount"])
