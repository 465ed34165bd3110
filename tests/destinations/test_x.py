"""X: what its golden requests do not show."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from postback_pipeline.destinations.base import DestinationError, Element
from postback_pipeline.destinations.person import Dropped, sha256_hex
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback
from tests.destinations.golden.x.receiver import signature
from tests.destinations.samples import secrets_of

LIVE = 'type = "x"\nmode = "live"\npixel_id = "o8z6j"\n'
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def told_by(header: str) -> dict[str, str]:
    """What of an Authorization header needs no decoding."""
    return dict(re.findall(r'(oauth_nonce|oauth_timestamp|oauth_signature)="([^"]*)"', header))


def test_the_same_is_signed_the_same_and_something_else_otherwise(
    configure: Configure, make_postback: MakePostback
) -> None:
    destination = configure(LIVE)
    secrets = secrets_of(destination)
    text = destination.render(make_postback(receiver_event="o87ne"))
    one, other = Element("purchase:1.1", Kind.CONVERSION, text), Element("purchase:2.1", Kind.CONVERSION, text)
    moments = [([one], AT), ([one], AT), ([other], AT), ([one, other], AT), ([one], AT + timedelta(milliseconds=1))]
    told = [
        told_by(destination.request(elements, secrets=secrets, sent_at=at).headers["Authorization"])
        for elements, at in moments
    ]
    assert told[0] == told[1]
    assert told[0]["oauth_timestamp"] == "1772443800"
    assert len({each["oauth_nonce"] for each in told}) == 4
    assert len({each["oauth_signature"] for each in told}) == 4


def test_the_receiver_signs_as_the_standard_s_example_does() -> None:
    """RFC 5849, 1.2: the request for a token."""
    parameters = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "hh5s93j4hdidpola",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "137131201",
        "oauth_nonce": "walatlh",
        "oauth_verifier": "hfdp7dh39dks9884",
    }
    found = signature("https://photos.example.net/token", parameters, "kd94hf93k423kf44", "hdhd0244k9j7ao03")
    assert found == "gKgrFCywp7rO0OXSjdot/IHF7IU="


def test_nothing_of_a_signature_gets_into_a_log(
    configure: Configure, make_postback: MakePostback, caplog: pytest.LogCaptureFixture
) -> None:
    destination = configure(LIVE)
    element = Element("purchase:1.1", Kind.CONVERSION, destination.render(make_postback(receiver_event="o87ne")))
    with caplog.at_level("DEBUG"):
        destination.request([element], secrets=secrets_of(destination), sent_at=AT)
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["Purchase", "tw-o8z6j", "o87ne o87ne", "tw-o8z6j-"])
def test_an_event_is_an_id_of_the_events_manager(name: str, configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="id of an event of X"):
        configure(LIVE).render(make_postback(receiver_event=name))


def test_telephone_numbers_are_hashed_with_their_plus(configure: Configure, make_postback: MakePostback) -> None:
    person = {"phone": "030 123456", "country": "DE"}
    element = json.loads(configure(LIVE).render(make_postback(receiver_event="o87ne", person=person)))
    assert element["identifiers"] == [{"hashed_phone_number": sha256_hex("+4930123456")}]


def test_a_malformed_click_id_is_noted_and_nothing_else_refused(
    configure: Configure, make_postback: MakePostback
) -> None:
    destination = configure(LIVE)
    malformed = {"receiver_event": "o87ne", "identifiers": {"twclid": "a b"}}
    assert destination.rendered(make_postback(**malformed)).dropped == (Dropped("twclid", "malformed"),)
    with pytest.raises(DestinationError, match="Nothing that this conversion holds"):
        destination.render(make_postback(**malformed, person={"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}))


def test_there_is_no_facility_for_tests(configure: Configure) -> None:
    with pytest.raises(DestinationError, match="X Conversion API has no test facility"):
        configure('type = "x"\npixel_id = "o8z6j"\n')


def test_without_a_click_nothing_of_who_denied_it_leaves(configure: Configure, make_postback: MakePostback) -> None:
    denied = {"receiver_event": "o87ne", "consent": {"ad_user_data": "denied"}}
    with pytest.raises(DestinationError, match="Nothing that this conversion holds can be matched by X"):
        configure(LIVE).render(make_postback(**denied))
