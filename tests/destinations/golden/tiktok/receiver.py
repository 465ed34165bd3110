"""TikTok's endpoint for web events, by the fields that the Events API 2.0 knows and their normal forms."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

EVENT = {"event", "event_time", "event_id", "user", "properties"}
HASHED = {"email", "phone", "external_id", "first_name", "last_name", "zip_code"}
PLAIN = {"city", "state", "country"}
CLEAR = {"ttclid", "ttp", "ip", "user_agent", "locale"}
WEEK = 7 * 24 * 3600


class Receiver(ContractReceiver):
    """A pixel's events."""

    def take(self, hit: Hit) -> Answered:
        """All events or none; the answer is in the code, the status is always 200."""
        self.check(hit.method == "POST" and hit.path == "/open_api/v1.3/event/track/", f"path {hit.path}")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        if not hit.headers.get("Access-Token"):
            return Answered(200, {"code": 40104, "message": "Access token is missing", "request_id": "A", "data": {}})
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={"event_source", "event_source_id", "data"}, may={"test_event_code", "partner_name"})
        self.check(body["event_source"] == "web", "event source")
        self.check(body["event_source_id"] == "C4A1B2C3D4E5F6G7H8I9", "event source's id")
        self.check(0 < len(body["data"]) <= 1000, "number of events")
        for event in body["data"]:
            self._event(event)
        return Answered(200, {"code": 0, "message": "OK", "request_id": "A", "data": {}})

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must=EVENT, may={"page", "limited_data_use"})
        at, user, properties = event["event_time"], event["user"], event["properties"]
        self.check(isinstance(at, int) and time.time() - WEEK < at <= time.time(), "event_time: seconds, of this week")
        self.check(isinstance(event.get("limited_data_use", False), bool), "limited_data_use is a boolean")
        self.check_keys(event.get("page", {"url": ""}), must={"url"}, may={"referrer"})
        self.check_keys(user, must=set(), may=HASHED | PLAIN | CLEAR)
        self.check(user.keys() & {"ttclid", "email", "phone", "external_id"}, "nothing to match by")
        for name in user.keys() & HASHED:
            self.check_hash(user[name])
        for name in user.keys() & PLAIN:
            self.check(re.fullmatch(r"[^\W_A-Z]+", user[name]), f"{name}: lower-case letters and digits")
        self.check_keys(properties, must={"value", "currency", "order_id"}, may=set())
        self.check(isinstance(properties["value"], Decimal | int), "value is a number")
        self.beliefs[properties["order_id"]] = Decimal(properties["value"])
