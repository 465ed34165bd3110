"""Meta's events, held against those that Meta's own SDK makes of the same facts, and its builder's browser ids.

The SDK's gaps are closed here: currencies in lower case, punctuation in names, seconds. So are its normal forms of
cities that its own builder does not share (`docs/decisions/metas-two-normalisers.md`).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Destination
from postback_pipeline.destinations.person import sha256_hex
from tests.destinations.samples import destination_of, postback_of
from tests.judges.bodies import body_of
from tests.judges.hearing import Court
from tests.judges.metas_builder import ANSWERS
from tests.judges.postbacks import Case, cases, judged

SETTINGS = 'type = "meta"\nmode = "test"\npixel_id = "1234567890"\ntest_event_code = "TEST1"'
CLICK_IDS = st.from_regex(r"[A-Za-z0-9_\-]{8,60}", fullmatch=True)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = ("Purchase", "Lead", "Café")
META = cases(
    identifiers={"fbclid": CLICK_IDS, "fbp": st.from_regex(r"fb\.1\.1[0-9]{12}\.[0-9]{6,12}", fullmatch=True)},
    events=EVENTS,
    always=("fbclid",),
    required=("user_agent", "page_url"),
)
#: The SDK's word for an attribute.
ATTRIBUTES = {
    "email": "email",
    "phone": "phone",
    "first_name": "first_name",
    "last_name": "last_name",
    "city": "city",
    "region": "state",
    "postal_code": "zip_code",
    "country": "country_code",
    "ip": "client_ip_address",
    "user_agent": "client_user_agent",
}
#: Meta's own word for what is hashed.
FIELDS = {
    "email": "em",
    "phone": "ph",
    "first_name": "fn",
    "last_name": "ln",
    "city": "ct",
    "region": "st",
    "postal_code": "zp",
    "country": "country",
}


@pytest.fixture(scope="module")
def meta() -> Destination:
    return destination_of(SETTINGS)


def arguments(case: Case) -> dict[str, Any]:
    """The same event for the SDK's `Event`. It takes any telephone number, so that it is given the right one."""
    postback, facts = case.postback, case.postback.facts
    person = {**postback.person, **({"phone": case.phone} if case.phone else {})}
    user: dict[str, Any] = {ATTRIBUTES[name]: value for name, value in person.items() if name in ATTRIBUTES}
    assert facts.clicked_at is not None
    clicked_ms = (facts.clicked_at - EPOCH) // timedelta(milliseconds=1)
    user["fbc"] = f"fb.1.{clicked_ms}.{facts.identifiers['fbclid']}"
    if "fbp" in facts.identifiers:
        user["fbp"] = facts.identifiers["fbp"]
    told: dict[str, Any] = {
        "event_name": facts.receiver_event,
        "event_time": int(facts.event_time.timestamp()),
        "event_id": facts.event_id or postback.key,
        "event_source_url": postback.person["page_url"],
        "action_source": "website",
        "user_data": user,
        "custom_data": {
            "value": float(postback.value),
            "currency": postback.currency,
            "order_id": facts.transaction_id,
        },
    }
    if postback.consent.get("ad_personalization") == "denied":
        told["opt_out"] = True
    if postback.consent.get("ad_user_data") == "denied":
        told |= {
            "data_processing_options": ["LDU"],
            "data_processing_options_country": 0,
            "data_processing_options_state": 0,
        }
    return told


def alone(event: dict[str, Any]) -> dict[str, Any]:
    """An event whose persons' attributes are single values: the SDK writes them as lists of one."""
    user = {name: value[0] if isinstance(value, list) else value for name, value in event["user_data"].items()}
    return {**event, "user_data": user}


@judged
@given(told=st.lists(META, min_size=1, max_size=3))
def test_events_are_those_that_metas_sdk_makes(court: Court, meta: Destination, told: list[Case]) -> None:
    ours = body_of(meta, *(case.postback for case in told))
    theirs = court.ask("meta.request", {"events": [arguments(case) for case in told], "test_event_code": "TEST1"})
    assert ours["test_event_code"] == theirs["test_event_code"]
    for case, own, other in zip(told, map(alone, ours["data"]), map(alone, theirs["data"]), strict=True):
        # The gaps: the currency's case, and names and cities with more in them than letters.
        assert other["custom_data"].pop("currency") == own["custom_data"].pop("currency").lower()
        for attribute, field in (("first_name", "fn"), ("last_name", "ln"), ("city", "ct")):
            if not case.postback.person.get(attribute, "").strip().isalpha():
                other["user_data"].pop(field, None)
                own["user_data"].pop(field, None)
        assert own == other


@judged
@given(case=META)
def test_what_the_sdk_lets_pass_holds(meta: Destination, case: Case) -> None:
    (event,) = body_of(meta, case.postback)["data"]
    # Seconds, not milliseconds; the amount to the last digit; the currency as ISO 4217 writes it.
    assert event["event_time"] == int(case.postback.facts.event_time.timestamp()) < 10**11
    assert Decimal(repr(event["custom_data"]["value"])) == case.postback.value
    assert event["custom_data"]["currency"] == case.postback.currency
    for field in ("em", "ph", "fn", "ln", "ct", "st", "zp", "country"):
        assert re.fullmatch("[0-9a-f]{64}", event["user_data"].get(field, "0" * 64))


@pytest.mark.parametrize(("attribute", "typed", "form"), ANSWERS)
def test_normal_forms_are_those_of_metas_builder(
    meta: Destination, attribute: str, typed: str, form: str | None
) -> None:
    field = FIELDS[attribute]
    browser = {"user_agent": "Mozilla/5.0", "page_url": "https://shop.example/"}
    postback = postback_of(identifiers={"fbclid": "IwAR_Test-1"}, person={**browser, attribute: typed})
    (event,) = body_of(meta, postback)["data"]
    assert event["user_data"].get(field) == (form and sha256_hex(form))


def test_cities_keep_the_letters_of_every_script(court: Court, meta: Destination) -> None:
    browser = {"user_agent": "Mozilla/5.0", "page_url": "https://shop.example/"}
    for city in ("東京", "São Paulo", "กรุงเทพ", "New York 2"):
        postback = postback_of(identifiers={"fbclid": "IwAR_Test-1"}, person={**browser, "city": city})
        (event,) = body_of(meta, postback)["data"]
        form = court.ask("meta.field", {"name": "ct", "value": city})
        assert event["user_data"]["ct"] == sha256_hex(form)


@judged
@given(case=META)
def test_the_click_is_told_as_metas_builder_would_read_it_from_its_cookie(
    court: Court, meta: Destination, case: Case
) -> None:
    (event,) = body_of(meta, case.postback)["data"]
    fbc = event["user_data"]["fbc"]
    visit = {"site": "shop.example", "host": "shop.example", "query": {}, "cookies": {"_fbc": fbc}}
    read = court.ask("meta.cookies", visit)["fbc"]
    # It adds its own mark to what it takes, and takes nothing else.
    assert read.rpartition(".")[0] == fbc
    made = court.ask("meta.cookies", {**visit, "query": {"fbclid": [fbc.split(".", 3)[3]]}, "cookies": {}})["fbc"]
    assert made.split(".")[3] == fbc.split(".")[3]
    assert len(made.split(".")[2]) == len(fbc.split(".")[2])
