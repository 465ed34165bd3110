"""TikTok: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from postback_pipeline.destinations.base import DestinationError, Element
from postback_pipeline.destinations.person import Dropped
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "tiktok"\nevent_source_id = "C4A1B2C3D4E5F6G7H8I9"\n'
LIVE = TABLE + 'mode = "live"\n'


def event(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_malformed_click_id_is_noted_and_left_out(configure: Configure, make_postback: MakePostback) -> None:
    rendered = configure(LIVE).rendered(make_postback(identifiers={"ttclid": "<script>"}))
    assert rendered.dropped == (Dropped("ttclid", "malformed"),)
    assert "ttclid" not in event(rendered.text)["user"]


@pytest.mark.parametrize("source", ["offline", "crm"])
def test_what_happens_offline_is_matched_by_a_person_only(
    source: str, configure: Configure, make_postback: MakePostback
) -> None:
    destination = configure(LIVE + f'event_source = "{source}"\n')
    clicked = {"identifiers": {"ttclid": "E.C.P.Csp_Test-1"}}
    assert "ttclid" not in event(destination.render(make_postback(**clicked)))["user"]
    with pytest.raises(DestinationError, match="Nothing that this conversion holds"):
        destination.render(make_postback(**clicked, person={"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}))


def test_offline_events_may_be_older(configure: Configure) -> None:
    assert configure(LIVE).capabilities.max_age == timedelta(days=7)
    assert configure(LIVE + 'event_source = "offline"\n').capabilities.max_age == timedelta(days=28)


@pytest.mark.parametrize(
    ("consent", "limited"),
    [
        ({}, None),
        ({"ad_user_data": "unknown"}, None),
        ({"ad_user_data": "granted", "ad_personalization": "unknown"}, None),
        ({"ad_user_data": "granted", "ad_personalization": "denied"}, True),
        ({"ad_user_data": "granted", "analytics": "denied"}, False),
    ],
)
def test_the_flag_of_limited_use_says_what_is_known_about_advertising(
    consent: dict[str, str], limited: bool | None, configure: Configure, make_postback: MakePostback
) -> None:
    assert event(configure(LIVE).render(make_postback(consent=consent))).get("limited_data_use") is limited


def test_mode_test_needs_and_sends_the_code(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="test_event_code is not set"):
        configure(TABLE)
    destination = configure(TABLE + 'test_event_code = "TEST123"\n')
    postback = make_postback()
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    request = destination.request([element], secrets={"TIKTOK_ACCESS_TOKEN": "t"}, sent_at=datetime.now(UTC))
    assert json.loads(request.body)["test_event_code"] == "TEST123"
