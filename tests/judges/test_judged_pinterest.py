"""Pinterest's requests, held against its own description of their body.

What the description leaves open is closed here: names of events and action sources, seconds, the amount's text, hashes.
"""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Destination
from postback_pipeline.destinations.person import sha256_hex
from tests.destinations.samples import destination_of
from tests.judges.bodies import body_of
from tests.judges.hearing import Court
from tests.judges.postbacks import Case, cases, judged

SETTINGS = 'type = "pinterest"\nmode = "test"\nad_account_id = "549755885175"'
EVENTS = ("checkout", "lead", "signup", "custom")
CLICKS = {"epik": st.from_regex(r"dj0[A-Za-z0-9_\-]{8,60}", fullmatch=True)}
#: An address alone, or the browser's facts alone, are enough.
TOLD = cases(identifiers=CLICKS, events=EVENTS, required=("email",)) | cases(
    identifiers=CLICKS, events=EVENTS, required=("ip", "user_agent")
)


@pytest.fixture(scope="module")
def pinterest() -> Destination:
    return destination_of(SETTINGS)


@judged
@given(told=st.lists(TOLD, min_size=1, max_size=3))
def test_requests_are_as_pinterest_describes_them(court: Court, pinterest: Destination, told: list[Case]) -> None:
    body = body_of(pinterest, *(case.postback for case in told))
    assert court.ask("pinterest.events", body) == body


@judged
@given(case=TOLD)
def test_what_the_description_leaves_open_holds(pinterest: Destination, case: Case) -> None:
    (event,) = body_of(pinterest, case.postback)["data"]
    assert event["event_name"] in EVENTS
    assert event["action_source"] == "web"
    assert event["event_time"] == int(case.postback.facts.event_time.timestamp()) < 10**11
    assert re.fullmatch(r"[0-9]+(\.[0-9]+)?", event["custom_data"]["value"])
    assert Decimal(event["custom_data"]["value"]) == case.postback.value
    assert event["custom_data"]["currency"] == case.postback.currency
    for field in ("em", "ph", "fn", "ln", "ct", "st", "zp", "country"):
        assert all(re.fullmatch("[0-9a-f]{64}", each) for each in event["user_data"].get(field, []))
    if case.phone:
        assert event["user_data"]["ph"] == [sha256_hex(case.phone.removeprefix("+"))]
