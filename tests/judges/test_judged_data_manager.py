"""Data Manager's events, held against its own message, and persons against Google's own formatter.

What the message leaves open is closed here: what is required, hashes, one click id only, addresses that are whole. Why
names keep their punctuation: `docs/decisions/google-names-keep-punctuation.md`.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Destination
from postback_pipeline.model import Kind
from tests.destinations.samples import destination_of, postback_of
from tests.judges.bodies import body_of
from tests.judges.hearing import Court
from tests.judges.postbacks import Case, cases, judged

SETTINGS = 'type = "google_data_manager"\nmode = "test"\naccount_id = "5550001111"\nlogin_account_id = "9876543210"'
CLICK_ID = st.from_regex(r"[A-Za-z0-9_\-]{8,60}", fullmatch=True)
CLICKS = {"gclid": CLICK_ID, "gbraid": CLICK_ID, "wbraid": CLICK_ID}
ACTIONS = ("987654321", "7")
KINDS = (Kind.CONVERSION, Kind.RESTATEMENT)
TOLD = cases(identifiers=CLICKS, events=ACTIONS, kinds=KINDS, always=("gbraid",)) | cases(
    identifiers={}, events=ACTIONS, kinds=KINDS, required=("email",)
)
HASHED = {"emailAddress", "phoneNumber", "givenName", "familyName"}


@pytest.fixture(scope="module")
def data_manager() -> Destination:
    return destination_of(SETTINGS)


def with_instants(body: dict[str, Any]) -> dict[str, Any]:
    """The message writes fractions of a second in groups of three digits."""
    events = [{**event, "eventTimestamp": datetime.fromisoformat(event["eventTimestamp"])} for event in body["events"]]
    return {**body, "events": events}


@judged
@given(told=st.lists(TOLD, min_size=1, max_size=3))
def test_requests_are_messages_of_data_manager(court: Court, data_manager: Destination, told: list[Case]) -> None:
    body = body_of(data_manager, *(case.postback for case in told))
    assert with_instants(court.ask("data_manager.ingest", body)) == with_instants(body)
    assert body["validateOnly"] is True and body["encoding"] == "HEX"
    references = {destination["reference"] for destination in body["destinations"]}
    assert references == {reference for event in body["events"] for reference in event["destinationReferences"]}


def formatted(court: Court, name: str, value: str) -> Any:
    return court.ask("google.person", {"name": name, "value": value})["sent"]


@judged
@given(case=TOLD)
def test_persons_are_as_googles_formatter_writes_them(court: Court, data_manager: Destination, case: Case) -> None:
    (event,) = body_of(data_manager, case.postback)["events"]
    person = case.postback.person
    right: list[dict[str, Any]] = []
    if "email" in person:
        right.append({"emailAddress": formatted(court, "email_address", person["email"])})
    if case.phone:
        right.append({"phoneNumber": formatted(court, "phone_number", case.phone)})
    if person.keys() >= {"first_name", "last_name", "country", "postal_code"}:
        address = {
            "givenName": formatted(court, "given_name", person["first_name"]),
            "familyName": formatted(court, "family_name", person["last_name"]),
            "regionCode": formatted(court, "region_code", person["country"]),
            "postalCode": formatted(court, "postal_code", person["postal_code"]),
        }
        right.append({"address": address})
    assert event.get("userData", {"userIdentifiers": []})["userIdentifiers"] == right


@judged
@given(case=TOLD)
def test_what_the_message_leaves_open_holds(data_manager: Destination, case: Case) -> None:
    (event,) = body_of(data_manager, case.postback)["events"]
    assert datetime.fromisoformat(event["eventTimestamp"]) == case.postback.facts.event_time
    assert event["transactionId"] == case.postback.facts.transaction_id
    assert Decimal(repr(event["conversionValue"])) == case.postback.value
    assert event["currency"] == case.postback.currency
    assert event["eventSource"] == "WEB"
    assert len(event.get("adIdentifiers", {})) == (1 if case.postback.facts.identifiers else 0)
    states = {"granted": "CONSENT_GRANTED", "denied": "CONSENT_DENIED"}
    purposes = {"adUserData": "ad_user_data", "adPersonalization": "ad_personalization"}
    told = {field: states[state] for field, name in purposes.items() if (state := case.postback.consent.get(name))}
    assert event.get("consent", {}) == told
    for identifier in event.get("userData", {}).get("userIdentifiers", []):
        for name, value in {**identifier, **identifier.get("address", {})}.items():
            assert name not in HASHED or re.fullmatch("[0-9a-f]{64}", value)


def test_names_keep_their_punctuation(court: Court, data_manager: Destination) -> None:
    person = {"first_name": " Mary-Ann ", "last_name": "O'Neil", "country": "US", "postal_code": "94025"}
    (event,) = body_of(data_manager, postback_of(receiver_event="7", person=person))["events"]
    (identifier,) = event["userData"]["userIdentifiers"]
    assert identifier["address"]["givenName"] == formatted(court, "given_name", "mary-ann")
    assert identifier["address"]["familyName"] == formatted(court, "family_name", "o'neil")
