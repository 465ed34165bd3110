"""Adjust's endpoint for events, by dev.adjust.com/en/api/s2s-api/events."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from ipaddress import IPv4Address
from urllib.parse import parse_qsl

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

MUST = {"s2s", "app_token", "event_token", "environment", "created_at_unix", "revenue", "currency"}
DEVICES = {"adid", "idfa", "gps_adid", "idfv", "android_id"}


class Receiver(ContractReceiver):
    """An app's events, with the order's number among their callback parameters."""

    def take(self, hit: Hit) -> Answered:
        """Takes in an event."""
        self.check(hit.method == "POST" and hit.path == "/event", f"path {hit.path}")
        self.check(hit.headers.get("Content-Type") == "application/x-www-form-urlencoded", "content type")
        self.check(hit.headers.get("Authorization", "").startswith("Bearer "), "no token")
        pairs = parse_qsl(hit.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        self.check(len(form) == len(pairs), "a parameter is given twice")
        self.check_keys(form, must=MUST, may=DEVICES | {"ip_address", "callback_params", "partner_params"})
        self.check(form["s2s"] == "1", "s2s=1")
        self.check(form["app_token"] == "4w565xzmb54d", "another app")
        self.check(form["event_token"] == "f0ob4r", "another event")
        self.check(form["environment"] in ("production", "sandbox"), "environment")
        self.check(form.keys() & DEVICES, "no device")
        if "adid" in form:
            self.check(re.fullmatch("[0-9a-f]{32}", form["adid"]), "adid")
        self.check(re.fullmatch("[0-9]{10}", form["created_at_unix"]), "created_at_unix: seconds")
        self.check(int(form["created_at_unix"]) <= time.time(), "created_at_unix: not of tomorrow")
        self.check(re.fullmatch(r"[0-9]+(\.[0-9]+)?", form["revenue"]), "revenue: a decimal")
        self.check(re.fullmatch("[A-Z]{3}", form["currency"]), "currency")
        if "ip_address" in form:
            IPv4Address(form["ip_address"])
        callback = json.loads(form["callback_params"])
        self.check(all(isinstance(value, str) for value in callback.values()), "callback_params: texts")
        self.beliefs[callback["transaction_id"]] = Decimal(form["revenue"])
        return Answered(200, "OK")
