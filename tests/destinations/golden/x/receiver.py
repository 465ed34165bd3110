"""X's endpoint for conversions, by docs.x.com/x-ads-api/measurement/web-conversions and RFC 5849."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote, unquote

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver
from tests.destinations.samples import GOLDEN, golden_destination_of, secrets_of

PATH = "/12/measurement/conversions/o8z6j"
CONVERSION = {"conversion_time", "event_id", "identifiers"}
OPTIONAL = {"conversion_id", "value", "price_currency", "number_items", "description", "contents"}
SIGNED = ("consumer_key", "nonce", "signature_method", "timestamp", "token", "version")
WEEK = timedelta(days=7)


def signature(base_url: str, parameters: dict[str, str], secret: str, token_secret: str) -> str:
    """RFC 5849, 3.4, of a POST: HMAC-SHA1 over all parameters but the signature itself."""
    pairs = sorted((quote(name, safe=""), quote(value, safe="")) for name, value in parameters.items())
    listed = "&".join(f"{name}={value}" for name, value in pairs)
    text = "&".join(quote(part, safe="") for part in ("POST", base_url, listed))
    key = f"{quote(secret, safe='')}&{quote(token_secret, safe='')}"
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha1)).decode()


class Receiver(ContractReceiver):
    """A pixel's conversions."""

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()

    def take(self, hit: Hit) -> Answered:
        """All conversions or none."""
        self.check(hit.method == "POST" and hit.path == PATH, f"path {hit.path}")
        self.check(hit.headers["Content-Type"] == "application/json", "content type")
        if not self._authentic(hit):
            return Answered(401, {"errors": [{"code": "UNAUTHORIZED_ACCESS", "message": "not authenticated"}]})
        body = json.loads(hit.body, parse_float=Decimal)
        self.check_keys(body, must={"conversions"}, may=set())
        self.check(0 < len(body["conversions"]) <= 500, "number of conversions")
        for conversion in body["conversions"]:
            self._conversion(conversion)
        return Answered(200, {"data": {"conversions_processed": len(body["conversions"]), "debug_id": "ee7ab0de"}})

    def _authentic(self, hit: Hit) -> bool:
        scheme, _, parameters = hit.headers["Authorization"].partition(" ")
        told = {name: unquote(value) for name, value in re.findall(r'(oauth_\w+)="([^"]*)"', parameters)}
        secrets = secrets_of(golden_destination_of(GOLDEN / "x"))
        self.check_keys(told, must={f"oauth_{name}" for name in (*SIGNED, "signature")}, may=set())
        self.check(scheme == "OAuth" and told["oauth_version"] == "1.0", "scheme and version")
        self.check(told["oauth_signature_method"] == "HMAC-SHA1", "signature method")
        self.check(abs(int(told["oauth_timestamp"]) - time.time()) < 300, "timestamp of now")
        self.check(told["oauth_nonce"] not in self.nonces, "a nonce is used once")
        self.nonces.add(told["oauth_nonce"])
        self.check(told["oauth_consumer_key"] == secrets["X_CONSUMER_KEY"], "consumer key")
        self.check(told["oauth_token"] == secrets["X_ACCESS_TOKEN"], "access token")
        given = told.pop("oauth_signature")
        url = f"http://{hit.headers['Host']}{PATH}"
        right = signature(url, told, secrets["X_CONSUMER_SECRET"], secrets["X_ACCESS_TOKEN_SECRET"]) == given
        self.check(right, "signature")
        return right

    def _conversion(self, conversion: dict[str, Any]) -> None:
        self.check_keys(conversion, must=CONVERSION, may=OPTIONAL)
        at = datetime.fromisoformat(conversion["conversion_time"])
        now = datetime.now(UTC)
        self.check(at.tzinfo is not None and now - WEEK < at <= now, "conversion_time: of this week, with its zone")
        self.check(conversion["event_id"] == "tw-o8z6j-o87ne", "event")
        self.check(conversion["identifiers"], "at least one identifier")
        for each in conversion["identifiers"]:
            self.check(len(each) == 1, "one identifier each")
            self.check_keys(each, must=set(), may={"twclid", "hashed_email", "hashed_phone_number"})
            for name in each.keys() - {"twclid"}:
                self.check_hash(each[name])
        self.check(isinstance(conversion["value"], Decimal | int), "value is a number")
        # The story's orders have no tag: their conversion_id is "purchase:<order>.<revision>".
        named = re.fullmatch(r"purchase:(order-\d+)\.1", conversion["conversion_id"])
        self.check(named, "conversion_id of an order's first report")
        if named:
            self.beliefs[named[1]] = Decimal(conversion["value"])
