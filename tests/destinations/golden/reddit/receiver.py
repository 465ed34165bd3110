"""Reddit's endpoint for conversion events, by ads-api.reddit.com/docs/v3 (Direct Integration)."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

EVENT = {"event_at", "action_source", "type", "metadata"}
HASHED = {"email", "phone_number", "ip_address"}
WEEK = 7 * 24 * 3600


class Receiver(ContractReceiver):
    """A pixel's events."""

    def take(self, hit: Hit) -> Answered:
        """All events or none."""
        self.check(hit.method == "POST", "method")
        self.check(hit.path == "/api/v3/pixels/a2_abcdefghijkl/conversion_events", f"path {hit.path}")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        if not re.fullmatch(r"Bearer \S+", hit.headers.get("Authorization", "")):
            return Answered(401, {"error": {"code": 401, "message": "No bearer token provided"}})
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={"data"}, may=set())
        self.check_keys(body["data"], must={"events"}, may={"test_id", "partner"})
        events = body["data"]["events"]
        self.check(0 < len(events) <= 1000, "number of events")
        for event in events:
            self._event(event)
        return Answered(200, {"data": {"message": f"Successfully processed {len(events)} conversion events."}})

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must=EVENT, may={"user", "click_id", "event_source_url"})
        at, user, metadata = event["event_at"], event.get("user", {}), event["metadata"]
        now = time.time()
        self.check(isinstance(at, int) and now - WEEK < at / 1000 <= now + 300, "event_at: milliseconds, of this week")
        self.check(event["type"] == {"tracking_type": "PURCHASE"}, "type")
        self.check(event["action_source"] == "WEBSITE", "action source")
        self.check("click_id" in event or user.keys() & {"email", "phone_number"}, "nothing to match by")
        self.check_keys(user, must=set(), may=HASHED | {"user_agent", "data_processing_options"})
        for name in user.keys() & HASHED:
            self.check_hash(user[name])
        self.check_keys(metadata, must={"conversion_id", "value", "currency"}, may={"item_count", "products"})
        self.check(isinstance(metadata["value"], Decimal | int), "value is a number")
        # The story's orders have no tag: their conversion_id is "purchase:<order>.<revision>".
        named = re.fullmatch(r"purchase:(order-\d+)\.1", metadata["conversion_id"])
        self.check(named, "conversion_id of an order's first report")
        if named:
            self.beliefs[named[1]] = Decimal(metadata["value"])
