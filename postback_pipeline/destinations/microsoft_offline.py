"""Type `microsoft_offline`: Microsoft Advertising's offline conversions and their adjustments.

    [destinations.microsoft_offline]
    type = "microsoft_offline"
    customer_id = "12345678"
    account_id = "87654321"

The column `receiver_event` of a route is the name of an offline conversion goal. Microsoft knows a conversion by click
id, goal and time, and keeps the first of several: two orders of one click in one second are one conversion.
Adjustments restate the new total or retract; their time is made from the conversion's and the revision. With
`enhanced_conversions`, e-mail and telephone leave as hashes, and conversions without a click id, too; that those are
recognised when repeated is not documented: what has an unknown fate then waits for a person. What was taken is matched
later; why something was not is shown in Microsoft's diagnostics only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from postback_pipeline.destinations.base import (
    Capabilities,
    DestinationError,
    Element,
    Reply,
    Request,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.json_body import enveloped, json_text, without_nothing
from postback_pipeline.destinations.microsoft_offline_replies import verdicts
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, RefreshTokenGrant
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, bare_email, country_code, e164
from postback_pipeline.destinations.times import iso
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Kind, Postback

#: Campaign Management; msads 13.0.30.1 speaks it, too.
API_VERSION = "v13"
#: Conversions and originals of adjustments are at most so old.
#: learn.microsoft.com/en-us/advertising/campaign-management-service: offlineconversion, offlineconversionadjustment.
MAX_AGE = timedelta(days=90)
#: Unverified as a bound: a conversion takes up to six hours to be seen, and what is not found is not adjusted.
ADJUSTABLE_FROM = timedelta(hours=6)
BATCH_ROWS = 1_000
#: Its own host and scope of access, as msads has them.
SANDBOX = "https://campaign.api.sandbox.bingads.microsoft.com"
SCOPE = "https://ads.microsoft.com/msads.manage offline_access"
SANDBOX_SCOPE = "https://si.ads.microsoft.com/msads.manage offline_access"
#: Unverified: the normal forms before hashing. Microsoft's rules for enhanced conversions leave out dots and what
#: follows a plus sign; its reference says E.164 for telephones, and the example of its tag has the plus sign.
EMAIL = bare_email
PHONE = e164
TYPES = {Kind.RESTATEMENT: "Restate", Kind.RETRACTION: "Retract"}


class MicrosoftOfflineOptions(VendorOptions):
    """The options of this type."""

    customer_id: str = Field(
        pattern="^[0-9]{1,20}$",
        description="The manager account's id, digits: cid in the page's address in Microsoft Advertising.",
    )
    account_id: str = Field(
        pattern="^[0-9]{1,20}$",
        description="The account's id, digits: aid in the page's address in Microsoft Advertising.",
    )
    enhanced_conversions: bool = Field(
        default=False,
        description="Tell hashed e-mail and telephone, too: the goal must have enhanced conversions turned on.",
    )
    developer_token_env: str = Field(
        default="MICROSOFT_ADS_DEVELOPER_TOKEN",
        pattern=f"^{VARIABLE}$",
        description="Variable with the developer token: the Microsoft Advertising developer portal, Account.",
    )
    client_id_env: str = Field(
        default="MICROSOFT_ADS_CLIENT_ID",
        pattern=f"^{VARIABLE}$",
        description="Variable with the application's id: Azure portal, App registrations.",
    )
    client_secret_env: str = Field(
        default="MICROSOFT_ADS_CLIENT_SECRET",
        pattern=f"^{VARIABLE}$",
        description="Variable with the application's secret: Azure portal, App registrations, Certificates & secrets.",
    )
    refresh_token_env: str = Field(
        default="MICROSOFT_ADS_REFRESH_TOKEN",
        pattern=f"^{VARIABLE}$",
        description=f"Variable with a user's refresh token for {SCOPE}.",
    )
    token_url: str = Field(
        default="https://login.microsoftonline.com/common/oauth2/v2.0/token",
        description="Where access tokens are asked for.",
    )


class MicrosoftOffline(Vendor):
    """Microsoft Advertising Campaign Management: offline conversions."""

    type = "microsoft_offline"
    home = "https://campaign.api.bingads.microsoft.com"
    options_type = MicrosoftOfflineOptions
    options: MicrosoftOfflineOptions
    contract = Contract(
        title="Microsoft Advertising offline conversions",
        version=API_VERSION,
        documentation="https://learn.microsoft.com/en-us/advertising/campaign-management-service/applyofflineconversions",
        proof="Status 200 with PartialErrors that do not name the row.",
        event="The name of an offline conversion goal, exactly as in Microsoft Advertising.",
        reversals="Restate with the new total and Retract, by click id, goal and time; a retracted one stays so.",
        consent="No field is documented: with ad_user_data denied no e-mail and no telephone leaves.",
        testing="Mode test sends to the sandbox, with the sandbox's credentials: taken, and never attributed.",
        # 32 hexadecimal digits, with dashes or without.
        identifiers={"msclkid": r"[0-9A-Za-z_\-]{20,64}"},
        matches_person=("email", "phone"),
        acceptance=lambda _, body: {"PartialErrors": []},
        judges=("msads 13.0.30.1",),
        unverified=(
            "ADJUSTABLE_FROM: the youngest age of a conversion that can be adjusted.",
            "EMAIL, PHONE: the normal forms before hashing.",
            "SET_UP, PASSING (microsoft_offline_replies): which codes only a person can put right, and which pass.",
        ),
    )
    can = Capabilities(
        deduplicates=True,
        max_age=MAX_AGE,
        restatement=True,
        retraction=True,
        adjustment_min_age=ADJUSTABLE_FROM,
        adjustment_max_age=MAX_AGE,
        batch_rows=BATCH_ROWS,
        one_bad_fails_all=True,
        mixes_kinds=False,
    )

    def __init__(self, name: str, options: MicrosoftOfflineOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=SANDBOX if testing else base, testing=testing)
        self.grant = RefreshTokenGrant.of(options, SANDBOX_SCOPE if testing else SCOPE)
        if options.enhanced_conversions:
            self.capabilities = replace(self.can, deduplicates=False)

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """A gateway of one's own is not the sandbox."""
        return "" if options.base_url in (None, SANDBOX) else f"base_url is not the sandbox {SANDBOX}"

    def element(self, postback: Postback, person: Person) -> str:
        """An `OfflineConversion` or an `OfflineConversionAdjustment`."""
        facts, value = postback.facts, number(postback.value, postback.currency)
        at = facts.event_time.replace(microsecond=0)
        click = self.identifier(facts, person, "msclkid")
        row: dict[str, Any] = {"MicrosoftClickId": click} if click else {}
        # An adjustment names its original by the click where there is one.
        if self.options.enhanced_conversions and not (click and postback.kind is not Kind.CONVERSION):
            row |= self._user(postback, person)
        if not row:
            raise DestinationError(f"Nothing that this {postback.kind.value} holds can be matched by Microsoft.")
        row |= {"ConversionName": facts.receiver_event, "ConversionTime": iso(at)}
        if postback.kind is Kind.CONVERSION:
            row |= {"ConversionValue": value, "ConversionCurrencyCode": postback.currency}
        else:
            row |= {
                "AdjustmentType": TYPES[postback.kind],
                "AdjustmentTime": iso(at + timedelta(seconds=postback.revision)),
            }
        if postback.kind is Kind.RESTATEMENT:
            row |= {"AdjustmentValue": value, "AdjustmentCurrencyCode": postback.currency}
        return json_text(row)

    def _user(self, postback: Postback, person: Person) -> dict[str, Any]:
        if postback.consent.get("ad_user_data") == "denied":
            return {}
        country = person.plain("country", country_code)
        return without_nothing(
            (
                ("HashedEmailAddress", person.hashed("email", EMAIL)),
                ("HashedPhoneNumber", person.hashed("phone", PHONE(country or self.options.phone_country))),
            )
        )

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The rows as they were frozen; valid ones are taken whatever the others are."""
        name = "OfflineConversions" if elements[0].kind is Kind.CONVERSION else "OfflineConversionAdjustments"
        headers = {
            "Authorization": f"Bearer {secrets[ACCESS_TOKEN]}",
            "DeveloperToken": credential(secrets, self.options.developer_token_env),
            "CustomerId": self.options.customer_id,
            "CustomerAccountId": self.options.account_id,
            "Content-Type": "application/json",
        }
        url = f"{self.base}/CampaignManagement/{API_VERSION}/{name}/Apply"
        return Request("POST", url, headers, enveloped(f'{{"{name}":[', elements, "]}"))

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Each row's own error, by its `Index`; the list holds only those that failed."""
        return verdicts(reply, len(elements))
