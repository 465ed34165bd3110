"""Pinterest's events endpoint, by its OpenAPI description 5.23.0 (`events/create`)."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

EVENT = {"event_name", "action_source", "event_time", "event_id", "user_data"}
HASHED = {"em", "ph", "fn", "ln", "ct", "st", "zp", "country"}
CLEAR = {"client_ip_address", "client_user_agent", "click_id"}
WEEK = 7 * 24 * 3600


class Receiver(ContractReceiver):
    """An ad account's events."""

    def take(self, hit: Hit) -> Answered:
        """Each event with its own status, in order."""
        self.check(hit.method == "POST" and hit.path == "/v5/ad_accounts/549755885175/events", f"path {hit.path}")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        if not re.fullmatch(r"Bearer \S+", hit.headers.get("Authorization", "")):
            return Answered(401, {"code": 2, "message": "Authentication failed."})
        body = json.loads(hit.body)
        self.check_keys(body, must={"data"}, may=set())
        self.check(0 < len(body["data"]) <= 1000, "number of events")
        for event in body["data"]:
            self._event(event)
        count = len(body["data"])
        rows = [{"status": "processed", "error_message": "", "warning_message": ""}] * count
        return Answered(200, {"num_events_received": count, "num_events_processed": count, "events": rows})

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must=EVENT, may={"custom_data", "event_source_url", "opt_out"})
        at, user, custom = event["event_time"], event["user_data"], event["custom_data"]
        self.check(event["event_name"] == "checkout" and event["action_source"] == "web", "name or source")
        self.check(isinstance(at, int) and time.time() - WEEK < at <= time.time(), "event_time: seconds, of this week")
        self.check_keys(user, must=set(), may=HASHED | CLEAR)
        self.check("em" in user or {"client_ip_address", "client_user_agent"} <= user.keys(), "nothing that must be")
        for name in user.keys() & HASHED:
            self.check(isinstance(user[name], list) and user[name], f"{name} is a list")
            for value in user[name]:
                self.check_hash(value)
        self.check_keys(custom, must={"value", "currency", "order_id"}, may={"opt_out_type"})
        self.check(isinstance(custom["value"], str), "value is a string")
        self.beliefs[custom["order_id"]] = Decimal(custom["value"])
