"""Type `google_ads`: click conversions of the Google Ads API, and their adjustments.

    [destinations.google_ads]
    type = "google_ads"
    customer_id = "1234567890"
    login_customer_id = "9876543210"

For developer tokens that uploaded conversions before June 2026; Google takes no others any more, for those there is
`google_data_manager`. `receiver_event` of a route is the conversion action's id. Google recognises a repeat by the
order id, and one of an adjustment by its time, made from the conversion's and the revision: neither does harm. What
was told by `wbraid` cannot be adjusted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

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
from postback_pipeline.destinations.google_ads_errors import errors_of, refusals, verdicts_by_row
from postback_pipeline.destinations.json_body import enveloped, json_of, json_text, without_nothing
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, GOOGLE_TOKENS, RefreshTokenGrant
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, country_code, e164, gmail_email
from postback_pipeline.destinations.times import with_offset
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: google-ads 34.0.0 speaks it, too; messages and errors are the same in v26.
API_VERSION = "v25"
#: Ages of a conversion at which it can be adjusted: conversion_adjustment_upload_error.proto, TOO_RECENT_CONVERSION and
#: CONVERSION_EXPIRED.
ADJUSTABLE_FROM = timedelta(hours=24)
ADJUSTABLE_UNTIL = timedelta(days=54)
#: Where an adjustment stands in time, one second later for each revision: after the conversion, and never to come.
ADJUSTED_AFTER = timedelta(hours=23)
BATCH_ROWS = 2_000
CONSENT = {"granted": "GRANTED", "denied": "DENIED"}

_ACTION = re.compile(r"[0-9]{1,20}")
_ACCEPTED = Verdict(Reading.ACCEPTED, "results")
_VALIDATED = Verdict(Reading.ACCEPTED, "validated")
_NO_RESULT = Verdict(Reading.UNKNOWN, "no result")


class GoogleAdsOptions(VendorOptions):
    """The options of this type."""

    customer_id: str = Field(
        pattern="^[0-9]{10}$",
        description="The account with the conversion actions, ten digits without dashes: at the top of Google Ads.",
    )
    login_customer_id: str | None = Field(
        default=None,
        pattern="^[0-9]{10}$",
        description="The manager account through which the token reaches the account, ten digits without dashes.",
    )
    user_identifiers: bool = Field(
        default=True,
        description="Tell hashed e-mail and telephone, too: the account must have accepted the customer data terms and"
        " turned on enhanced conversions for leads (Goals, Conversions, Settings).",
    )
    developer_token_env: str = Field(
        default="GOOGLE_ADS_DEVELOPER_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the developer token: the manager account, Admin, API Center.",
    )
    client_id_env: str = Field(
        default="GOOGLE_ADS_CLIENT_ID",
        pattern=f"^{VARIABLE}$",
        description="Variable with the OAuth client's id: Google Cloud console, APIs & Services, Credentials.",
    )
    client_secret_env: str = Field(
        default="GOOGLE_ADS_CLIENT_SECRET",
        pattern=f"^{VARIABLE}$",
        description="Variable with the OAuth client's secret: Google Cloud console, APIs & Services, Credentials.",
    )
    refresh_token_env: str = Field(
        default="GOOGLE_ADS_REFRESH_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with a user's refresh token for https://www.googleapis.com/auth/adwords.",
    )
    token_url: str = Field(default=GOOGLE_TOKENS, description="Where access tokens are asked for.")


class GoogleAds(Vendor):
    """Google Ads API: ConversionUploadService and ConversionAdjustmentUploadService."""

    type = "google_ads"
    home = "https://googleads.googleapis.com"
    options_type = GoogleAdsOptions
    options: GoogleAdsOptions
    contract = Contract(
        title="Google Ads API",
        version=API_VERSION,
        documentation="https://developers.google.com/google-ads/api/docs/conversions/upload-offline",
        proof="Status 200 with a result of its own for every conversion or adjustment.",
        event="The id of a conversion action, digits: Goals, Conversions, the action, ctId in the page's address.",
        reversals="RESTATEMENT with the new total and RETRACTION, by order id; a retracted conversion stays retracted.",
        consent="ad_user_data leaves as consent.adUserData: GRANTED or DENIED. Conversions have no ad_personalization.",
        testing="Mode test sets validateOnly: everything is checked, nothing is taken.",
        identifiers=dict.fromkeys(("gclid", "gbraid", "wbraid"), r"[A-Za-z0-9_.=\-]{6,512}"),
        matches_person=("email", "phone"),
        acceptance=lambda _, body: {
            "results": [{"conversionAction": "1"}] * len(body.get("conversions") or body["conversionAdjustments"])
        },
        judges=("google-ads 34.0.0", "google-ads-datamanager-util 0.4.0"),
        unverified=(
            "NOT_YET: that a conversion that is not found is found six hours later.",
            "SENDERS, PASSING: which families of errors are about the set-up, and which pass.",
        ),
    )
    can = Capabilities(
        deduplicates=True,
        restatement=True,
        retraction=True,
        adjusts_pixel=True,
        adjustment_min_age=ADJUSTABLE_FROM,
        adjustment_max_age=ADJUSTABLE_UNTIL,
        batch_rows=BATCH_ROWS,
        one_bad_fails_all=True,
        mixes_kinds=False,
    )

    def __init__(self, name: str, options: GoogleAdsOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        self.grant = RefreshTokenGrant.of(options)

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Never: every request can be validated only."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """A `ClickConversion` or a `ConversionAdjustment`."""
        action = postback.facts.receiver_event
        if not _ACTION.fullmatch(action):
            raise DestinationError("receiver_event is no id of a conversion action of Google Ads: digits only.")
        path = f"customers/{self.options.customer_id}/conversionActions/{action}"
        name, click = self._click(postback, person)
        if postback.kind is Kind.CONVERSION:
            return json_text(self._conversion(postback, person, path, {name: click} if click else {}))
        if name == "wbraid":
            raise DestinationError(f"Google Ads cannot be told a {postback.kind.value} of what was told by wbraid.")
        return json_text(_adjustment(postback, path))

    def _click(self, postback: Postback, person: Person) -> tuple[str, str | None]:
        """The one click id that Google takes, with its name."""
        for name in self.contract.identifiers:
            if value := self.identifier(postback.facts, person, name):
                return name, value
        return "", None

    def _conversion(self, postback: Postback, person: Person, action: str, click: dict[str, str]) -> dict[str, Any]:
        facts = postback.facts
        conversion: dict[str, Any] = {
            **click,
            "conversionAction": action,
            "conversionDateTime": with_offset(facts.event_time),
            "conversionValue": number(postback.value, postback.currency),
            "currencyCode": postback.currency,
            "orderId": facts.transaction_id,
        }
        if self.options.user_identifiers:
            country = person.plain("country", country_code)
            phone = e164(country or self.options.phone_country)
            user = without_nothing(
                (
                    ("hashedEmail", person.hashed("email", gmail_email)),
                    ("hashedPhoneNumber", person.hashed("phone", phone)),
                )
            )
            if user:
                conversion["userIdentifiers"] = [{name: value} for name, value in user.items()]
        if not click and "userIdentifiers" not in conversion:
            raise DestinationError("Nothing that this conversion holds can be matched by Google Ads.")
        if consent := CONSENT.get(postback.consent.get("ad_user_data", "")):
            conversion["consent"] = {"adUserData": consent}
        return conversion

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The rows as they were frozen; valid ones are taken whatever the others are."""
        if elements[0].kind is Kind.CONVERSION:
            method, before = "uploadClickConversions", '{"conversions":['
        else:
            method, before = "uploadConversionAdjustments", '{"conversionAdjustments":['
        headers = {
            "Authorization": f"Bearer {secrets[ACCESS_TOKEN]}",
            "developer-token": credential(secrets, self.options.developer_token_env),
            "Content-Type": "application/json",
        }
        if self.options.login_customer_id:
            headers["login-customer-id"] = self.options.login_customer_id
        after = '],"partialFailure":true,"validateOnly":true}' if self.at_test_facility else '],"partialFailure":true}'
        url = f"{self.base}/{API_VERSION}/customers/{self.options.customer_id}:{method}"
        return Request("POST", url, headers, enveloped(before, elements, after))

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Each row's own error, also inside a 200."""
        body = json_of(reply)
        body = body if isinstance(body, dict) else {}
        if reply.status == 200:
            return self._rows(body, elements)
        return refusals(reply, body.get("error"), [element.kind for element in elements])

    def _rows(self, body: dict[str, Any], elements: Sequence[Element]) -> list[Verdict]:
        failure, results = body.get("partialFailureError"), body.get("results")
        if self.at_test_facility:
            others = [_NO_RESULT if failure else _VALIDATED] * len(elements)
        elif isinstance(results, list) and len(results) == len(elements):
            others = [_ACCEPTED if result else _NO_RESULT for result in results]
        else:
            others = [_NO_RESULT] * len(elements)
        if not failure:
            return others
        named = verdicts_by_row(errors_of(failure), [element.kind for element in elements])
        if self.at_test_facility and named:
            others = [_VALIDATED] * len(elements)
        return [named.get(index, other) for index, other in enumerate(others)]


def _adjustment(postback: Postback, action: str) -> dict[str, Any]:
    facts = postback.facts
    at = facts.event_time + ADJUSTED_AFTER + timedelta(seconds=postback.revision)
    adjustment: dict[str, Any] = {
        "adjustmentType": postback.kind.value.upper(),
        "conversionAction": action,
        "orderId": facts.transaction_id,
        "adjustmentDateTime": with_offset(at),
    }
    value = number(postback.value, postback.currency)
    if postback.kind is Kind.RESTATEMENT:
        adjustment["restatementValue"] = {"adjustedValue": value, "currencyCode": postback.currency}
    return adjustment
