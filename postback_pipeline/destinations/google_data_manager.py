"""Type `google_data_manager`: conversions of Google Ads by the Data Manager API.

    [destinations.google_data_manager]
    type = "google_data_manager"
    account_id = "1234567890"
    auth = "service_account"

The way for accounts that begin now. The column `receiver_event` of a route is the conversion action's id. Google takes
a request and judges it later: it is asked what became of it, and answers in numbers; where some of a request failed it
does not say which, and all of it stays unconfirmed. A new total leaves as the same event once more, found by its
transaction id, once the conversion was processed; no text says how to take back all of it: that is
`unsupported_reversal`. A click must be six hours old, or the conversion is refused for good: give such a route a hold
of six hours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from postback_pipeline.destinations.base import (
    Capabilities,
    DestinationError,
    Element,
    LaterVerdict,
    Reply,
    Request,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.google_data_manager_replies import later_verdict, verdicts
from postback_pipeline.destinations.json_body import enveloped, json_text, without_nothing
from postback_pipeline.destinations.money import number
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, GOOGLE_TOKENS, RefreshTokenGrant, ServiceAccountGrant
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Person, country_code, e164, gmail_email, lower
from postback_pipeline.destinations.request_forms import percent
from postback_pipeline.destinations.times import iso
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: google-ads-datamanager 0.9.4 speaks it, too.
API_VERSION = "v1"
SCOPE = "https://www.googleapis.com/auth/datamanager"
#: developers.google.com/data-manager/api/limits. A sample and a comment of Google's own that say 10,000 are older.
BATCH_ROWS = 2_000
MOST_ACTIONS = 10
CONSENT = {"granted": "CONSENT_GRANTED", "denied": "CONSENT_DENIED"}

EventSource = Literal["WEB", "APP", "IN_STORE", "PHONE", "MESSAGE", "OTHER"]

_ACTION = re.compile(r"[0-9]{1,20}")
#: How every element begins; the action's id follows.
_START = '{"destinationReferences":["'


class GoogleDataManagerOptions(VendorOptions):
    """The options of this type."""

    account_id: str = Field(
        pattern="^[0-9]{10}$",
        description="The account with the conversion actions, ten digits without dashes: at the top of Google Ads.",
    )
    login_account_id: str | None = Field(
        default=None,
        pattern="^[0-9]{10}$",
        description="The manager account through which the credentials reach the account, ten digits without dashes.",
    )
    event_source: EventSource = Field(
        default="WEB", description="Where the events happened: WEB, APP, IN_STORE, PHONE, MESSAGE or OTHER."
    )
    auth: Literal["service_account", "refresh_token"] = Field(
        default="service_account",
        description="service_account, whose e-mail must be a user of the account, or refresh_token of such a user.",
    )
    service_account_env: str = Field(
        default="GOOGLE_SERVICE_ACCOUNT",
        pattern=f"^{VARIABLE}$",
        description="Variable with the service account's key, JSON on one line: Google Cloud console, IAM & Admin,"
        " Service Accounts, Keys.",
    )
    client_id_env: str = Field(
        default="GOOGLE_CLIENT_ID",
        pattern=f"^{VARIABLE}$",
        description="Variable with the OAuth client's id: Google Cloud console, APIs & Services, Credentials.",
    )
    client_secret_env: str = Field(
        default="GOOGLE_CLIENT_SECRET",
        pattern=f"^{VARIABLE}$",
        description="Variable with the OAuth client's secret: Google Cloud console, APIs & Services, Credentials.",
    )
    refresh_token_env: str = Field(
        default="GOOGLE_REFRESH_TOKEN",
        pattern=f"^{VARIABLE}$",
        description=f"Variable with a user's refresh token for {SCOPE}.",
    )
    token_url: str = Field(default=GOOGLE_TOKENS, description="Where access tokens are asked for.")

    @property
    def grant(self) -> ServiceAccountGrant | RefreshTokenGrant:
        """As `auth` says."""
        if self.auth == "service_account":
            return ServiceAccountGrant(self.token_url, key_env=self.service_account_env, scope=SCOPE)
        return RefreshTokenGrant.of(self)

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Those that `auth` needs."""
        return self.grant.secret_names


class GoogleDataManager(Vendor):
    """Google Data Manager API: events of Google Ads."""

    type = "google_data_manager"
    home = "https://datamanager.googleapis.com"
    options_type = GoogleDataManagerOptions
    options: GoogleDataManagerOptions
    contract = Contract(
        title="Google Data Manager API",
        version=API_VERSION,
        documentation="https://developers.google.com/data-manager/api/devguides/events/google-ads/offline",
        proof="Status 200 with a requestId says that it was taken; its request status says what became of it.",
        event="The id of a conversion action, digits: Goals, Conversions, the action, ctId in the page's address.",
        reversals="A new total leaves as the same event again, by transaction id; how to retract is not documented.",
        consent="ad_user_data and ad_personalization leave as CONSENT_GRANTED or CONSENT_DENIED.",
        testing="Mode test sets validateOnly: everything is checked, nothing is taken.",
        identifiers=dict.fromkeys(("gclid", "gbraid", "wbraid"), r"[A-Za-z0-9_.=\-]{6,512}"),
        matches_person=("email", "phone"),
        takes_person=("first_name", "last_name", "country", "postal_code"),
        acceptance=lambda _, body: {
            "requestId": "sandbox" if body else "",
            "requestStatusPerDestination": [{"requestStatus": "SUCCESS"}],
        },
        judges=("google-ads-datamanager 0.9.4", "google-ads-datamanager-util 0.4.0"),
        unverified=(
            "SET_UP, NOT_YET (google_data_manager_replies): which reasons a person puts right, which pass.",
            "That a restatement has no oldest and no youngest age, and an event no oldest one.",
            "That a repeat of an event with the same transaction id changes nothing.",
        ),
    )
    can = Capabilities(
        deduplicates=True,
        restatement=True,
        adjusts_pixel=True,
        batch_rows=BATCH_ROWS,
        one_bad_fails_all=True,
        judges_later=True,
    )

    def __init__(self, name: str, options: GoogleDataManagerOptions, *, base: str, testing: bool) -> None:
        super().__init__(name, options, base=base, testing=testing)
        self.grant = options.grant

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Never: every request can be validated only."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """An `Event`, the same for a conversion and for its new total."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"The Data Manager API cannot be told a {postback.kind.value}.")
        facts = postback.facts
        if not _ACTION.fullmatch(facts.receiver_event):
            raise DestinationError("receiver_event is no id of a conversion action of Google Ads: digits only.")
        event: dict[str, Any] = {
            "destinationReferences": [facts.receiver_event],
            "transactionId": facts.transaction_id,
            "eventTimestamp": iso(facts.event_time),
            "eventSource": self.options.event_source,
            "currency": postback.currency,
            "conversionValue": number(postback.value, postback.currency),
        }
        for name in self.contract.identifiers:
            if click := self.identifier(facts, person, name):
                event["adIdentifiers"] = {name: click}
                break
        if user := self._user(person):
            event["userData"] = {"userIdentifiers": user}
        if "adIdentifiers" not in event and not user:
            raise DestinationError(f"Nothing that this {postback.kind.value} holds can be matched by Google.")
        consent = without_nothing(
            (
                ("adUserData", CONSENT.get(postback.consent.get("ad_user_data", ""))),
                ("adPersonalization", CONSENT.get(postback.consent.get("ad_personalization", ""))),
            )
        )
        if consent:
            event["consent"] = consent
        return json_text(event)

    def _user(self, person: Person) -> list[dict[str, Any]]:
        """`userIdentifiers`, in the forms of google-ads-datamanager-util 0.4.0; an address only where it is whole."""
        country = person.plain("country", country_code)
        identifiers: list[dict[str, Any]] = []
        if email := person.hashed("email", gmail_email):
            identifiers.append({"emailAddress": email})
        if phone := person.hashed("phone", e164(country or self.options.phone_country)):
            identifiers.append({"phoneNumber": phone})
        first, last = person.hashed("first_name", lower), person.hashed("last_name", lower)
        postal_code = person.plain("postal_code")
        if first and last and country and postal_code:
            address = {"givenName": first, "familyName": last, "regionCode": country.upper(), "postalCode": postal_code}
            identifiers.append({"address": address})
        return identifiers

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The events as they were frozen, and the actions that they name."""
        actions = dict.fromkeys(
            element.text[len(_START) : element.text.index('"', len(_START))] for element in elements
        )
        if len(actions) > MOST_ACTIONS:
            raise DestinationError(f"A request goes to {MOST_ACTIONS} conversion actions at most.")
        before = f'{{"destinations":[{",".join(map(self._destination, actions))}],"encoding":"HEX","events":['
        return Request(
            "POST",
            f"{self.base}/{API_VERSION}/events:ingest",
            {"Authorization": f"Bearer {secrets[ACCESS_TOKEN]}", "Content-Type": "application/json"},
            enveloped(before, elements, '],"validateOnly":true}' if self.at_test_facility else "]}"),
        )

    def _destination(self, action: str) -> str:
        operating = {"accountType": "GOOGLE_ADS", "accountId": self.options.account_id}
        destination: dict[str, Any] = {"reference": action, "operatingAccount": operating}
        if login := self.options.login_account_id:
            destination["loginAccount"] = {"accountType": "GOOGLE_ADS", "accountId": login}
        return json_text(destination | {"productDestinationId": action})

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Taken, or refused whole: what the reply names is to blame, the others leave again."""
        return verdicts(reply, len(elements), validated=self.at_test_facility)

    def inquiry(self, receipt: str, *, secrets: Mapping[str, str], asked_at: datetime) -> Request:
        """Asks for the status of the request that `receipt` names."""
        url = f"{self.base}/{API_VERSION}/requestStatus:retrieve?requestId={percent(receipt)}"
        return Request("GET", url, {"Authorization": f"Bearer {secrets[ACCESS_TOKEN]}"})

    def read_inquiry(self, reply: Reply, count: int) -> LaterVerdict | None:
        """What became of the `count` events of a request."""
        return later_verdict(reply)
