"""Reddit: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import DestinationError, Element, Reading, Reply
from postback_pipeline.destinations.person import sha256_hex
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "reddit"\npixel_id = "a2_abcdefghijkl"\n'
LIVE = TABLE + 'mode = "live"\n'
STORE = LIVE + 'action_source = "PHYSICAL_STORE"\n'


@pytest.mark.parametrize(
    ("attribute", "value", "field", "hashed"),
    [
        # The examples of ads-api.reddit.com/docs/v3, Direct Integration.
        ("email", "alice@example.com", "email", "ff8d9819fc0e12bf0d24892e45987e249a28dce836a85cad60e28eaaa8c6d976"),
        ("email", "Al.ice+Apple@Example.Com", "email", sha256_hex("alice@example.com")),
        ("phone", "+1 (555) 444-1234", "phone_number", sha256_hex("+15554441234")),
    ],
)
def test_normal_forms_are_those_of_the_vendor_s_examples(
    attribute: str, value: str, field: str, hashed: str, configure: Configure, make_postback: MakePostback
) -> None:
    event = json.loads(configure(LIVE).render(make_postback(person={attribute: value})))
    assert event["user"][field] == hashed


def test_an_address_that_is_an_alias_only_is_none(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="Nothing that this conversion holds"):
        configure(LIVE).render(make_postback(person={"email": "+news@example.com"}))


def test_a_store_has_neither_click_nor_device(configure: Configure, make_postback: MakePostback) -> None:
    click = {"identifiers": {"rdt_cid": "3184742045291813272"}}
    person = {"email": "ada@example.com", "ip": "203.0.113.7", "user_agent": "Mozilla/5.0", "page_url": "https://a.b/"}
    event = json.loads(configure(STORE).render(make_postback(**click, person=person)))
    assert event["user"].keys() == {"email"}
    assert event.keys() & {"click_id", "event_source_url"} == set()
    with pytest.raises(DestinationError, match="Nothing that this conversion holds"):
        configure(STORE).render(make_postback(**click, person={"ip": "203.0.113.7"}))


def test_other_names_are_custom_events_and_not_too_long(configure: Configure, make_postback: MakePostback) -> None:
    event = json.loads(configure(LIVE).render(make_postback(receiver_event="Qualified lead")))
    assert event["type"] == {"tracking_type": "CUSTOM", "custom_event_name": "Qualified lead"}
    with pytest.raises(DestinationError, match="at most 64 characters"):
        configure(LIVE).render(make_postback(receiver_event="x" * 65))


def test_a_place_is_told_with_limited_data_use_as_far_as_known(
    configure: Configure, make_postback: MakePostback
) -> None:
    person = {"email": "ada@example.com", "region": "Bavaria"}
    event = json.loads(configure(LIVE).render(make_postback(person=person, consent={"ad_personalization": "denied"})))
    assert event["user"]["data_processing_options"] == {"modes": ["LDU"]}


def test_a_province_is_told_by_its_code_only(configure: Configure, make_postback: MakePostback) -> None:
    for region, told in (("ca", "US-CA"), ("California", None)):
        person = {"email": "ada@example.com", "country": "US", "region": region}
        changes = {"person": person, "consent": {"ad_user_data": "denied"}}
        limited = json.loads(configure(LIVE).render(make_postback(**changes)))["user"]["data_processing_options"]
        assert (limited["country"], limited.get("region")) == ("US", told)


def test_mode_test_sends_single_events_with_the_id(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="test_id is not set"):
        configure(TABLE)
    destination = configure(TABLE + 'test_id = "t2_abcdef"\n')
    assert destination.capabilities.batch_rows == 1
    postback = make_postback()
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    request = destination.request([element], secrets={"REDDIT_ACCESS_TOKEN": "t"}, sent_at=datetime.now(UTC))
    assert json.loads(request.body)["data"]["test_id"] == "t2_abcdef"


def test_a_row_that_was_not_sent_is_nobody_s_error(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(LIVE)
    postback = make_postback()
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    body = b'{"error":{"fields":[{"field":"$.data.events[7].type"},{"field":null},"x"]}}'
    (verdict,) = destination.read(Reply(400, {}, body), [element])
    assert verdict.reading is Reading.REJECTED
    assert verdict.on_request
