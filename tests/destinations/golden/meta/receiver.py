"""Meta's events endpoint, by developers.facebook.com/docs/marketing-api/conversions-api (using-the-api, parameters)."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

EVENT = {"event_name", "event_time", "event_id", "action_source", "user_data", "custom_data"}
HASHED = {"em", "ph", "fn", "ln", "ct", "st", "zp", "country"}
CLEAR = {"client_ip_address", "client_user_agent", "fbc", "fbp"}
LIMITED = {"opt_out", "data_processing_options", "data_processing_options_country", "data_processing_options_state"}
WEEK = 7 * 24 * 3600


class Receiver(ContractReceiver):
    """A dataset's events."""

    def take(self, hit: Hit) -> Answered:
        """All events or none."""
        self.check(hit.method == "POST" and hit.path.startswith("/v26.0/1234567890/events?"), f"path {hit.path}")
        self.check(dict(hit.query).get("access_token"), "no access token")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={"data"}, may={"test_event_code"})
        self.check(0 < len(body["data"]) <= 1000, "number of events")
        for event in body["data"]:
            self._event(event)
        return Answered(200, {"events_received": len(body["data"]), "messages": [], "fbtrace_id": "A"})

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must=EVENT, may=LIMITED | {"event_source_url"})
        at, user, custom = event["event_time"], event["user_data"], event["custom_data"]
        self.check(isinstance(at, int) and time.time() - WEEK < at <= time.time(), "event_time: seconds, of this week")
        if event["action_source"] == "website":
            self.check(event.get("event_source_url") and user.get("client_user_agent"), "a website's event lacks them")
        self.check_keys(user, must=set(), may=HASHED | CLEAR)
        self.check(user.keys() & {"em", "ph", "fbc", "fbp"}, "nothing to match by")
        for name in user.keys() & HASHED:
            self.check_hash(user[name])
        self.check_keys(custom, must={"value", "currency", "order_id"}, may=set())
        self.check(isinstance(custom["value"], Decimal | int), "value is a number")
        self.beliefs[custom["order_id"]] = Decimal(custom["value"])
