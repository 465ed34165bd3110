"""Snapchat: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import DestinationError, Element, Reading, Reply
from postback_pipeline.destinations.person import Dropped, sha256_hex
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "snapchat"\npixel_id = "0a1b2c3d-4e5f-6789-abcd-ef0123456789"\n'
LIVE = TABLE + 'mode = "live"\n'
CLICK = {"sc_click_id": "3f2504e0-4f89-11d3-9a0c-0305e82c3301"}


@pytest.mark.parametrize("person", [{}, {"ip": "203.0.113.7"}, {"user_agent": "Mozilla/5.0"}, {"email": "nobody"}])
def test_a_click_alone_is_refused(person: dict[str, str], configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="Snapchat wants an e-mail address"):
        configure(LIVE).render(make_postback(person=person, identifiers=CLICK))


def test_a_malformed_click_id_is_noted_and_left_out(configure: Configure, make_postback: MakePostback) -> None:
    rendered = configure(LIVE).rendered(make_postback(identifiers={"sc_click_id": "a b"}))
    assert rendered.dropped == (Dropped("sc_click_id", "malformed"),)
    assert "sc_click_id" not in json.loads(rendered.text)["user_data"]


@pytest.mark.parametrize(
    ("attribute", "value", "field", "hashed"),
    [
        # The examples of developers.snap.com/api/marketing-api/Conversions-API/Parameters.
        ("email", "Person@Example.com", "em", "542d240129883c019e106e3b1b2d3f3cb3537c43c425364de8e951d5a3083345"),
        ("phone", "+44 844 412 4653", "ph", "dc008fda46e2e64002cf2f82a4906236282d431c4f75e5b60bfe79fc48546383"),
        ("phone", "0044 844 412 4653", "ph", "dc008fda46e2e64002cf2f82a4906236282d431c4f75e5b60bfe79fc48546383"),
        ("first_name", "John", "fn", "96d9632f363564cc3032521409cf22a852f2032eec099ed5967c0d000cec607a"),
        ("first_name", "Raphaël", "fn", "e74bb89e718fe1e19c422a48382870399f8bf7ca8dfa008739e75b0be76627b7"),
    ],
)
def test_normal_forms_are_those_of_the_vendor_s_examples(
    attribute: str, value: str, field: str, hashed: str, configure: Configure, make_postback: MakePostback
) -> None:
    person = {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0", attribute: value}
    found = json.loads(configure(LIVE).render(make_postback(person=person)))["user_data"][field]
    assert found in (hashed, [hashed])


def test_what_is_looked_at_twice_is_noted_once(configure: Configure, make_postback: MakePostback) -> None:
    rendered = configure(LIVE).rendered(make_postback(person={"email": "ada@example.com", "country": "Germany"}))
    assert rendered.dropped == (Dropped("country", "malformed"),)


@pytest.mark.parametrize(("country", "form"), [("US", "94025"), ("GB", "940251234")])
def test_postal_codes_are_cut_in_the_united_states_only(
    country: str, form: str, configure: Configure, make_postback: MakePostback
) -> None:
    person = {"email": "ada@example.com", "postal_code": "94025-1234", "country": country}
    found = json.loads(configure(LIVE).render(make_postback(person=person)))["user_data"]["zp"]
    assert found == sha256_hex(form)


def test_mode_test_only_has_events_judged(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(TABLE)
    postback = make_postback()
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    request = destination.request([element], secrets={"SNAPCHAT_ACCESS_TOKEN": "t"}, sent_at=datetime.now(UTC))
    assert request.url == (
        "https://tr.snapchat.com/v3/0a1b2c3d-4e5f-6789-abcd-ef0123456789/events/validate?access_token=t"
    )


def test_a_token_in_an_event_s_address_is_not_ours(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(LIVE)
    element = Element("k", Kind.CONVERSION, destination.render(make_postback()))
    for reason, reading in (
        ("Invalid access token.", Reading.CONFIGURATION),
        ("event_source_url is no URL: https:/shop.example/thanks?token=1", Reading.REJECTED),
    ):
        body = json.dumps({"status": "INVALID", "reason": reason}).encode()
        assert [verdict.reading for verdict in destination.read(Reply(400, {}, body), [element])] == [reading]
