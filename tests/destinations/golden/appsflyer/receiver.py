"""AppsFlyer's endpoint for events, by dev.appsflyer.com/hc/reference/s2s-events-api3-post."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

MUST = {"appsflyer_id", "eventName", "eventValue"}
HASHED = {"email_hashed", "phone_number_hashed", "phone_number_e164_hashed"}
MAY = HASHED | {"eventTime", "eventCurrency", "ip", "consent_data"}
FLAGS = {"gdpr_applies", "ad_user_data_enabled", "ad_personalization_enabled"}


class Receiver(ContractReceiver):
    """An app: the revenue of its events, added up by order."""

    def take(self, hit: Hit) -> Answered:
        """Takes in whatever can be read."""
        self.check(hit.method == "POST", "method")
        # The app's id tells its platform: an installation's id has 7 digits on iOS, more on Android.
        app = hit.path.removeprefix("/inappevent/")
        self.check(hit.headers.get("Content-Type") == "application/json", "content type")
        self.check(hit.headers.get("authentication"), "no key")
        self.check(len(hit.body) <= 1024, "longer than 1 KB")
        body = json.loads(hit.body)
        self.check_keys(body, must=MUST, may=MAY)
        installation = re.fullmatch(r"[0-9]{13}-([0-9]{7}|[0-9]{19})", body["appsflyer_id"])
        wanted = {7: "id123456789", 19: "com.example.shop"}
        self.check(installation and wanted[len(installation[1])] == app, f"app {app}")
        self.check(isinstance(body["eventName"], str) and body["eventName"], "eventName")
        if "eventTime" in body:
            told = datetime.strptime(body["eventTime"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
            self.check(len(body["eventTime"]) == 23, "eventTime has milliseconds")
            self.check(timedelta(0) <= datetime.now(UTC) - told < timedelta(days=1), "eventTime in UTC, of today")
        for name in HASHED & body.keys():
            self.check_hash(body[name])
        if "ip" in body:
            IPv4Address(body["ip"])
        manual = body.get("consent_data", {}).get("manual", {})
        self.check_keys(manual, must=set(), may=FLAGS)
        self.check(all(isinstance(flag, bool) for flag in manual.values()), "consent is true or false")
        self.check(isinstance(body["eventValue"], str), "eventValue is a text")
        value = json.loads(body["eventValue"])
        self.check_keys(value, must={"af_revenue", "af_order_id"}, may=set())
        self.check(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value["af_revenue"]), "af_revenue: a decimal, as text")
        self.check(re.fullmatch("[A-Z]{3}", body.get("eventCurrency", "")), "eventCurrency")
        total = self.beliefs.pop(value["af_order_id"], Decimal(0)) + Decimal(value["af_revenue"])
        if total:
            self.beliefs[value["af_order_id"]] = total
        return Answered(200, "ok")
