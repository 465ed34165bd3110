"""UET's events endpoint, by learn.microsoft.com/en-us/advertising/guides/uet-conversion-api-integration."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

MUST = {"eventType", "eventId", "eventName", "eventTime", "userData", "customData"}
MAY = {"eventSourceUrl", "adStorageConsent", "pageLoadId", "referrerUrl", "pageTitle", "keywords"}
USER = {"clientUserAgent", "clientIpAddress", "anonymousId", "externalId", "em", "ph", "gaid", "idfa", "msclkid"}
WEEK = 7 * 24 * 3600


class Receiver(ContractReceiver):
    """A tag's events."""

    def take(self, hit: Hit) -> Answered:
        """Takes the valid ones."""
        self.check(hit.method == "POST" and hit.path == "/v1/12345678/events", f"path {hit.path}")
        self.check(re.fullmatch(r"Bearer \S+", hit.headers.get("Authorization", "")), "no bearer token")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={"data"}, may={"continueOnValidationError", "dataProvider"})
        self.check(0 < len(body["data"]) <= 1000, "number of events")
        for event in body["data"]:
            self._event(event)
        return Answered(200, {"eventsReceived": len(body["data"]), "traceId": "00-1"})

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must=MUST, may=MAY)
        at, user, custom = event["eventTime"], event["userData"], event["customData"]
        self.check(event["eventType"] == "custom", "eventType")
        self.check(isinstance(at, int) and time.time() - WEEK < at <= time.time(), "eventTime: seconds, of this week")
        self.check(event.get("adStorageConsent", "G") in ("G", "D"), "adStorageConsent")
        self.check_keys(user, must=set(), may=USER)
        self.check(user.keys() & {"em", "ph", "msclkid"}, "nothing to match by")
        for name in user.keys() & {"em", "ph"}:
            self.check_hash(user[name])
        self.check_keys(custom, must={"value", "currency", "transactionId"}, may=set())
        self.check(isinstance(custom["value"], Decimal | int), "value is a number")
        self.beliefs[custom["transactionId"]] = Decimal(custom["value"])
