"""Google Ads' uploads, held against its own messages, and persons against Google's own formatter.

What the messages leave open is closed here: the form of times, what is required, one click id only.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Destination
from postback_pipeline.model import Kind
from tests.destinations.samples import destination_of
from tests.judges.bodies import body_of
from tests.judges.hearing import Court
from tests.judges.postbacks import Case, cases, judged

SETTINGS = 'type = "google_ads"\nmode = "test"\ncustomer_id = "1234567890"'
CLICK_ID = st.from_regex(r"[A-Za-z0-9_\-]{8,60}", fullmatch=True)
CLICKS = {"gclid": CLICK_ID, "gbraid": CLICK_ID}
ACTIONS = ("123456789", "7")
CONVERSIONS = cases(identifiers=CLICKS | {"wbraid": CLICK_ID}, events=ACTIONS, always=("gclid",)) | cases(
    identifiers={}, events=ACTIONS, required=("email",)
)
ADJUSTMENTS = st.sampled_from([Kind.RESTATEMENT, Kind.RETRACTION]).flatmap(
    lambda kind: cases(identifiers=CLICKS, events=ACTIONS, kinds=[kind], always=("gclid",))
)
#: Google's own form, `yyyy-mm-dd hh:mm:ss+|-hh:mm`.
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d")


@pytest.fixture(scope="module")
def google_ads() -> Destination:
    return destination_of(SETTINGS)


def instant(text: str) -> datetime:
    assert TIME.fullmatch(text)
    return datetime.fromisoformat(text)


@judged
@given(told=st.lists(CONVERSIONS, min_size=1, max_size=3))
def test_conversions_are_messages_of_google_ads(court: Court, google_ads: Destination, told: list[Case]) -> None:
    body = body_of(google_ads, *(case.postback for case in told))
    assert court.ask("google_ads.clicks", body) == body
    assert body["partialFailure"] is True and body["validateOnly"] is True


@judged
@given(case=CONVERSIONS)
def test_persons_are_as_googles_formatter_writes_them(court: Court, google_ads: Destination, case: Case) -> None:
    (conversion,) = body_of(google_ads, case.postback)["conversions"]
    told = {name: value for each in conversion.get("userIdentifiers", []) for name, value in each.items()}
    right: dict[str, Any] = {}
    if "email" in case.postback.person:
        asked = {"name": "email_address", "value": case.postback.person["email"]}
        right["hashedEmail"] = court.ask("google.person", asked)["sent"]
    if case.phone:
        right["hashedPhoneNumber"] = court.ask("google.person", {"name": "phone_number", "value": case.phone})["sent"]
    assert told == right


@judged
@given(case=CONVERSIONS)
def test_what_the_messages_leave_open_holds(google_ads: Destination, case: Case) -> None:
    (conversion,) = body_of(google_ads, case.postback)["conversions"]
    facts = case.postback.facts
    assert conversion["conversionAction"] == f"customers/1234567890/conversionActions/{facts.receiver_event}"
    assert timedelta(0) <= facts.event_time - instant(conversion["conversionDateTime"]) < timedelta(seconds=1)
    assert Decimal(repr(conversion["conversionValue"])) == case.postback.value
    assert conversion["currencyCode"] == case.postback.currency
    assert conversion["orderId"] == facts.transaction_id
    assert len(conversion.keys() & {"gclid", "gbraid", "wbraid"}) == (1 if facts.identifiers else 0)
    assert len(conversion.get("userIdentifiers", [])) <= 5
    states = {"granted": "GRANTED", "denied": "DENIED"}
    state = case.postback.consent.get("ad_user_data")
    assert conversion.get("consent") == ({"adUserData": states[state]} if state else None)


@judged
@given(case=ADJUSTMENTS)
def test_adjustments_are_messages_of_google_ads(court: Court, google_ads: Destination, case: Case) -> None:
    body = body_of(google_ads, case.postback)
    assert court.ask("google_ads.adjustments", body) == body
    (adjustment,) = body["conversionAdjustments"]
    assert adjustment["orderId"] == case.postback.facts.transaction_id
    assert instant(adjustment["adjustmentDateTime"]) > case.postback.facts.event_time
    if case.postback.kind is Kind.RETRACTION:
        assert adjustment["adjustmentType"] == "RETRACTION"
        assert "restatementValue" not in adjustment
    else:
        assert adjustment["adjustmentType"] == "RESTATEMENT"
        assert Decimal(repr(adjustment["restatementValue"]["adjustedValue"])) == case.postback.value
        assert adjustment["restatementValue"]["currencyCode"] == case.postback.currency
