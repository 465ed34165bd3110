"""Google's Data Manager, by google/ads/datamanager/v1/{ingestion_service,event,destination,user_data}.proto."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

ACCOUNT = {"accountType": "GOOGLE_ADS", "accountId": "5550001111"}
MANAGER = {"accountType": "GOOGLE_ADS", "accountId": "9876543210"}
EVENT = {"destinationReferences", "transactionId", "eventTimestamp", "eventSource", "currency", "conversionValue"}
TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z")
ADDRESS = {"givenName", "familyName", "regionCode", "postalCode"}
CONSENTS = ("CONSENT_GRANTED", "CONSENT_DENIED")


class Receiver(ContractReceiver):
    """An account with one conversion action, the token endpoint beside it."""

    def __init__(self) -> None:
        super().__init__()
        #: Events by the id of their request, until they are judged.
        self.requests: dict[str, list[dict[str, Any]]] = {}

    def take(self, hit: Hit) -> Answered:
        """A token, events, or a question about a request."""
        if hit.path == "/token":
            self.check(b"grant_type=refresh_token" in hit.body, "another grant")
            return Answered(200, {"access_token": "ya29.token", "expires_in": 3599, "token_type": "Bearer"})
        self.check(hit.headers.get("Authorization") == "Bearer ya29.token", "no access token")
        if hit.method == "GET":
            return self._status(hit)
        self.check(hit.method == "POST" and hit.path == "/v1/events:ingest", f"path {hit.path}")
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={"destinations", "events", "encoding"}, may={"validateOnly", "consent"})
        self.check(body["encoding"] == "HEX", "encoding")
        self.check(0 < len(body["events"]) <= 2000 and 0 < len(body["destinations"]) <= 10, "too many")
        for destination in body["destinations"]:
            self.check_keys(
                destination, must={"reference", "operatingAccount", "productDestinationId"}, may={"loginAccount"}
            )
            self.check(destination["operatingAccount"] == ACCOUNT, "another account")
            self.check(destination.get("loginAccount") == MANAGER, "another login account")
            self.check(destination["productDestinationId"] == "987654321", "another action")
        references = {destination["reference"] for destination in body["destinations"]}
        for event in body["events"]:
            self.check(set(event["destinationReferences"]) <= references, "a reference to nothing")
            self._event(event)
        request_id = f"126365e1-{len(self.requests)}"
        self.requests[request_id] = body["events"]
        return Answered(200, {"requestId": request_id})

    def _event(self, event: dict[str, Any]) -> None:
        self.check_keys(event, must=EVENT, may={"adIdentifiers", "userData", "consent"})
        self.check(TIMESTAMP.fullmatch(event["eventTimestamp"]), f"time {event['eventTimestamp']}")
        self.check(event["eventSource"] in ("WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"), "eventSource")
        self.check(isinstance(event["conversionValue"], Decimal | int), "conversionValue is a number")
        self.check(event.keys() & {"adIdentifiers", "userData"}, "NO_IDENTIFIERS_PROVIDED")
        self.check_keys(event.get("adIdentifiers", {}), must=set(), may={"gclid", "gbraid", "wbraid"})
        identifiers = event.get("userData", {"userIdentifiers": []})["userIdentifiers"]
        self.check(len(identifiers) <= 10, "user identifiers")
        for identifier in identifiers:
            self._identifier(identifier)
        for consent in event.get("consent", {}).values():
            self.check(consent in CONSENTS, f"consent {consent}")
        # What is taken is believed at once; the status only says so. An event with a known id restates it.
        self.beliefs[event["transactionId"]] = Decimal(event["conversionValue"])

    def _identifier(self, identifier: dict[str, Any]) -> None:
        ((name, value),) = identifier.items()
        if name != "address":
            self.check(name in ("emailAddress", "phoneNumber"), f"identifier {name}")
            self.check_hash(value)
            return
        self.check_keys(value, must=ADDRESS, may=set())
        self.check_hash(value["givenName"])
        self.check_hash(value["familyName"])
        self.check(re.fullmatch("[A-Z]{2}", value["regionCode"]), "regionCode")

    def _status(self, hit: Hit) -> Answered:
        self.check(hit.path.startswith("/v1/requestStatus:retrieve?"), f"path {hit.path}")
        events = self.requests.get(dict(hit.query).get("requestId", ""), [])
        self.check(events, "INVALID_REQUEST_ID")
        status = {
            "destination": {"operatingAccount": ACCOUNT, "productDestinationId": "987654321"},
            "requestStatus": "SUCCESS",
            "eventsIngestionStatus": {"recordCount": str(len(events))},
        }
        return Answered(200, {"requestStatusPerDestination": [status]})
