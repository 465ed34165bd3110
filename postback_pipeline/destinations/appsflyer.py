"""Type `appsflyer`: AppsFlyer, by its server-to-server events for mobile apps.

    [destinations.appsflyer]
    type = "appsflyer"
    ios_app_id = "id123456789"
    android_app_id = "com.example.shop"
    s2s_key_env = "APPSFLYER_S2S_KEY"

One event a request, of the installation whose `appsflyer_id` the record carries: name it in the route's `identifiers`.
Whatever a conversion is worth later leaves as one more event with the difference as its revenue, negative where it is
less; `adjustment_event` gives those a name of their own, so that they do not count as purchases. AppsFlyer states no
deduplication: a request of unknown fate waits for a person. An event that comes late is booked when it arrives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, model_validator

from postback_pipeline.destinations.base import (
    Capabilities,
    DestinationError,
    Element,
    Reading,
    Reply,
    Request,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.json_body import json_text, without_nothing
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, country_code, e164, lower_email, version_4
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: The longest body, in bytes: "JSON payload size: up to 1KB".
LONGEST_BODY = 1_024
#: Where a destination has both apps: an appsflyer_id with so many digits behind its dash is of the iOS app. Unverified
#: for every id: AppsFlyer's description has 7 digits for iOS and 19 for Android.
IOS_DIGITS = 7
#: Texts of documented errors that a person must put right; those of one event; all come with status 400.
CREDENTIALS = "failed to authenticate"
REFUSED = {
    "appsflyer_id is a mandatory field": "appsflyer_id missing",
    "payload is missing or failed to parse": "payload not read",
}
CONSENT = {"granted": True, "denied": False}

_ID = re.compile(r'"appsflyer_id":"[0-9]{13}-([0-9]+)"')


class AppsFlyerOptions(VendorOptions):
    """The options of this type."""

    ios_app_id: str | None = Field(
        default=None,
        pattern="^id[0-9]{5,15}$",
        description="The iOS app, such as id123456789: as My Apps shows it. Without id in front nothing is booked.",
    )
    android_app_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]{1,150}$",
        description="The Android app, such as com.example.shop: as My Apps shows it.",
    )
    s2s_key_env: str = Field(
        default="APPSFLYER_S2S_KEY",
        pattern=f"^{VARIABLE}$",
        description="Variable with the S2S key: Security Center, AppsFlyer API tokens, S2S key.",
    )
    adjustment_event: str | None = Field(
        default=None,
        pattern="^[^\x00-\x1f]{1,100}$",
        description="Name of the event that corrects revenue, such as cancel_purchase; else the conversion's own.",
    )
    gdpr_applies: bool | None = Field(
        default=None,
        description="Whether the GDPR applies to those whose consent the route asks for; not said where it is not set.",
    )

    @model_validator(mode="after")
    def _has_an_app(self) -> AppsFlyerOptions:
        if self.ios_app_id is None and self.android_app_id is None:
            raise ValueError("give ios_app_id, android_app_id or both")
        return self


class AppsFlyer(Vendor):
    """AppsFlyer, server-to-server events for mobile apps."""

    type = "appsflyer"
    home = "https://api3.appsflyer.com"
    options_type = AppsFlyerOptions
    options: AppsFlyerOptions
    contract = Contract(
        title="AppsFlyer",
        version="3",
        documentation="https://dev.appsflyer.com/hc/reference/s2s-events-api3-post",
        proof='Status 200 with the text "ok": received after minimal validation; nothing proves that it was booked.',
        event="The event's name as the app reports it, such as af_purchase.",
        reversals="One more event with the difference as af_revenue, negative where the conversion is worth less. Not"
        " after consent was withdrawn under block or strip: an adjustment then carries transaction keys only, and by"
        " those AppsFlyer finds no installation. It is refused and counted.",
        consent="ad_user_data, ad_personalization: consent_data, granted or denied.",
        identifiers={"appsflyer_id": "[0-9]{13}-[0-9]{1,19}"},
        takes_person=("email", "phone", "ip"),
        acceptance=lambda _, body: "ok",
        unverified=(
            "IOS_DIGITS: the number of digits by which an id tells the app.",
            "version_4: whether IP addresses of version 6, which are left out, are taken.",
            "That an event without os is taken: AppsFlyer asks for it with iOS, and records do not have it.",
            "How late an event may be before AppsFlyer books it at its arrival.",
        ),
    )
    can = Capabilities(restatement=True, retraction=True, reinstatement=True)

    def element(self, postback: Postback, person: Person) -> str:
        """The whole body; `eventValue` is JSON as a text, with the amount as a text."""
        facts, consent = postback.facts, postback.consent
        installation = self.identifier(facts, person, "appsflyer_id")
        if installation is None:
            raise DestinationError("AppsFlyer needs the id of the app's installation: appsflyer_id.")
        is_conversion = postback.kind is Kind.CONVERSION
        amount = wire_amount(postback.value if is_conversion else postback.delta, postback.currency)
        name = facts.receiver_event if is_conversion else self.options.adjustment_event or facts.receiver_event
        country = person.plain("country", country_code)
        manual = {
            "ad_user_data_enabled": CONSENT.get(consent.get("ad_user_data", "")),
            "ad_personalization_enabled": CONSENT.get(consent.get("ad_personalization", "")),
        }
        manual = {flag: granted for flag, granted in manual.items() if granted is not None}
        if manual and self.options.gdpr_applies is not None:
            manual["gdpr_applies"] = self.options.gdpr_applies
        body: dict[str, Any] = {
            "appsflyer_id": installation,
            "eventName": name,
            "eventValue": json_text({"af_revenue": amount, "af_order_id": facts.transaction_id}),
            "eventCurrency": postback.currency,
        }
        # A difference takes place when it is told.
        if is_conversion:
            body["eventTime"] = _time(facts.event_time)
        body |= without_nothing(
            (
                ("ip", person.plain("ip", version_4)),
                ("email_hashed", person.hashed("email", lower_email)),
                ("phone_number_e164_hashed", person.hashed("phone", e164(country or self.options.phone_country))),
                ("consent_data", manual and {"manual": manual}),
            )
        )
        return json_text(body, LONGEST_BODY)

    def _app_of(self, element: Element) -> str:
        """The app that an element's installation belongs to."""
        found = _ID.search(element.text)
        if found is None:
            raise DestinationError("The stored element is no request of this destination.")
        is_ios = len(found[1]) == IOS_DIGITS
        first, second = self.options.ios_app_id, self.options.android_app_id
        app = (first or second) if is_ios else (second or first)
        assert app is not None
        return app

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The body as it was frozen; the key is a header."""
        (element,) = elements
        return Request(
            "POST",
            f"{self.base}/inappevent/{self._app_of(element)}",
            {
                "Content-Type": "application/json",
                "authentication": credential(secrets, self.options.s2s_key_env),
            },
            element.text.encode(),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Received or not."""
        return [_reading(reply)] * len(elements)


def _reading(reply: Reply) -> Verdict:
    text = reply.body[:500].decode("utf-8", "replace").strip().strip('"').lower()
    if reply.status == 200 and text == "ok":
        return Verdict(Reading.ACCEPTED, "ok")
    if reply.status == 400:
        if CREDENTIALS in text:
            return Verdict(Reading.CONFIGURATION, "failed to authenticate")
        named = next((word for known, word in REFUSED.items() if known in text), "HTTP 400")
        return Verdict(Reading.REJECTED, named)
    # 403: the account's package has no server-to-server events.
    if reply.status in (401, 403):
        return Verdict(Reading.CONFIGURATION, f"HTTP {reply.status}")
    if reply.status == 429:
        return Verdict(Reading.RETRY, "HTTP 429")
    return Verdict(Reading.UNKNOWN, f"HTTP {reply.status}")


def _time(time: datetime) -> str:
    """`2026-01-02 03:04:05.678` in UTC."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds")
