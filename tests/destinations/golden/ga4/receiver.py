"""Analytics' collecting endpoint, by developers.google.com/analytics/devguides/collection/protocol/ga4."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

THREE_DAYS = 72 * 3600 * 1_000_000


class Receiver(ContractReceiver):
    """A web stream: purchases less refunds, by transaction."""

    def take(self, hit: Hit) -> Answered:
        """Takes in whatever comes; what is wrong, it would silently drop."""
        query = dict(hit.query)
        self.check(hit.method == "POST" and hit.path.partition("?")[0] == "/mp/collect", f"path {hit.path}")
        self.check(query.keys() == {"measurement_id", "api_secret"}, "measurement_id and api_secret, and no more")
        self.check(query.get("measurement_id") == "G-ABCDE12345", "another stream")
        body = json.loads(hit.body, parse_float=Decimal)
        optional = {"timestamp_micros", "consent", "user_data", "user_id", "user_properties"}
        self.check_keys(body, must={"client_id", "events"}, may=optional)
        self.check(re.fullmatch(r"[0-9]+\.[0-9]+", body["client_id"]), "client_id as gtag('get') gives it")
        if "timestamp_micros" in body:
            now = time.time() * 1e6
            self.check(now - THREE_DAYS < body["timestamp_micros"] <= now, "timestamp_micros: of the last 72 hours")
        for flag in body.get("consent", {}).values():
            self.check(flag in ("GRANTED", "DENIED"), f"consent {flag}")
        user = body.get("user_data", {})
        self.check_keys(user, must=set(), may={"sha256_email_address", "sha256_phone_number"})
        for hashes in user.values():
            for value in hashes:
                self.check_hash(value)
        self.check(0 < len(body["events"]) <= 25, "number of events")
        for event in body["events"]:
            self._event(event)
        return Answered(204)

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must={"name", "params"}, may=set())
        self.check(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,39}", event["name"]), f"name {event['name']}")
        params = event["params"]
        self.check_keys(params, must={"transaction_id", "value", "currency"}, may=set())
        self.check(isinstance(params["value"], Decimal | int) and params["value"] >= 0, "value: a number, not negative")
        order, value = params["transaction_id"], Decimal(params["value"])
        if event["name"] == "purchase":
            # "Google Analytics deduplicates purchase events with the same transaction ID."
            self.beliefs.setdefault(order, value)
            return
        self.check(event["name"] == "refund", "an event that changes no revenue")
        self.check(order in self.beliefs, "a refund of nothing")
        left = self.beliefs.pop(order, Decimal(0)) - value
        self.check(left >= 0, "more refunded than bought")
        if left:
            self.beliefs[order] = left
