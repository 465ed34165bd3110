"""Snapchat's events endpoint, by developers.snap.com/api/marketing-api/Conversions-API (UsingTheAPI, Parameters)."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

PATH = "/v3/0a1b2c3d-4e5f-6789-abcd-ef0123456789/events?access_token="
EVENT = {"event_name", "event_time", "event_id", "action_source", "user_data", "custom_data"}
LIMITED = {"opt_out", "data_processing_options", "data_processing_options_country", "data_processing_options_state"}
HASHED = {"em", "ph", "fn", "ln", "ct", "st", "zp", "country"}
CLEAR = {"client_ip_address", "client_user_agent", "sc_click_id"}
OLDEST = 37 * 24 * 3600


class Receiver(ContractReceiver):
    """A pixel's events."""

    def take(self, hit: Hit) -> Answered:
        """All events or none."""
        self.check(hit.method == "POST" and hit.path.startswith(PATH), f"path {hit.path}")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        if not dict(hit.query).get("access_token"):
            return Answered(401, {"status": "INVALID", "reason": "Unauthorized"})
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={"data"}, may={"test_event_code"})
        self.check(0 < len(body["data"]) <= 2000, "number of events")
        for event in body["data"]:
            self._event(event)
        return Answered(200, {"status": "VALID", "reason": "Events have been processed successfully."})

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must=EVENT, may=LIMITED | {"event_source_url", "integration"})
        at, user, custom = event["event_time"], event["user_data"], event["custom_data"]
        self.check(isinstance(at, int) and time.time() - OLDEST < at <= time.time(), "event_time: seconds, 37 days")
        self.check(event["action_source"] == "WEB", "action source")
        self.check_keys(user, must=set(), may=HASHED | CLEAR)
        browser = {"client_ip_address", "client_user_agent"}
        self.check(user.keys() & {"em", "ph"} or browser <= user.keys(), "nothing that must be there")
        for name in user.keys() & HASHED:
            for value in user[name] if isinstance(user[name], list) else [user[name]]:
                self.check_hash(value)
        self.check_keys(custom, must={"value", "currency", "order_id"}, may=set())
        self.check(isinstance(custom["value"], Decimal | int), "value is a number")
        self.beliefs[custom["order_id"]] = Decimal(custom["value"])
