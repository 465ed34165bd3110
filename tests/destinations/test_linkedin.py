"""LinkedIn: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import DestinationError, Element
from postback_pipeline.destinations.oauth import ACCESS_TOKEN
from postback_pipeline.destinations.person import Dropped
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

LIVE = 'type = "linkedin"\nmode = "live"\n'
RENEWED = LIVE + 'client_id_env = "ID"\nclient_secret_env = "SECRET"\nrefresh_token_env = "REFRESH"\n'


def test_a_token_of_the_console_is_used_as_it_is(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(LIVE)
    assert destination.grant is None
    assert destination.secret_names == ("LINKEDIN_ACCESS_TOKEN",)
    postback = make_postback(receiver_event="104012")
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    request = destination.request([element], secrets={"LINKEDIN_ACCESS_TOKEN": "t "}, sent_at=datetime.now(UTC))
    assert request.headers["Authorization"] == "Bearer t"


def test_an_application_s_tokens_are_renewed(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(RENEWED)
    assert destination.secret_names == ("ID", "SECRET", "REFRESH")
    assert destination.grant is not None
    assert destination.grant.url == "https://www.linkedin.com/oauth/v2/accessToken"
    postback = make_postback(receiver_event="104012")
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    request = destination.request([element], secrets={ACCESS_TOKEN: "fresh"}, sent_at=datetime.now(UTC))
    assert request.headers["Authorization"] == "Bearer fresh"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ('client_id_env = "ID"\n', "go together"),
        ('client_id_env = "ID"\nrefresh_token_env = "REFRESH"\n', "go together"),
        ('token_url = "http://example.com/token"\n', "token_url"),
    ],
)
def test_half_of_what_renews_a_token_is_refused(options: str, sentence: str, configure: Configure) -> None:
    with pytest.raises(DestinationError, match=sentence):
        configure(LIVE + options)


@pytest.mark.parametrize("name", ["Purchase", "urn:lla:llaPartnerConversion:104012", ""])
def test_an_event_is_a_rule_s_number(name: str, configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="number of a LinkedIn conversion rule"):
        configure(LIVE).render(make_postback(receiver_event=name))


def test_names_travel_together_or_not_at_all(configure: Configure, make_postback: MakePostback) -> None:
    person = {"email": "ada@example.com", "first_name": "Ada", "country": "GB"}
    destination = configure(LIVE)
    alone = json.loads(destination.render(make_postback(receiver_event="104012", person=person)))
    assert "userInfo" not in alone["user"]
    both = json.loads(destination.render(make_postback(receiver_event="104012", person={**person, "last_name": "L"})))
    assert both["user"]["userInfo"] == {"firstName": "Ada", "lastName": "L", "countryCode": "GB"}


def test_a_name_that_is_hashed_already_is_none(configure: Configure, make_postback: MakePostback) -> None:
    person = {"email": "ada@example.com", "first_name": "Ada", "last_name": "f" * 64}
    rendered = configure(LIVE).rendered(make_postback(receiver_event="104012", person=person))
    assert "userInfo" not in json.loads(rendered.text)["user"]
    assert rendered.dropped == (Dropped("last_name", "malformed"),)


def test_a_malformed_click_id_is_noted_and_left_out(configure: Configure, make_postback: MakePostback) -> None:
    rendered = configure(LIVE).rendered(make_postback(receiver_event="104012", identifiers={"li_fat_id": "a b"}))
    assert rendered.dropped == (Dropped("li_fat_id", "malformed"),)
    assert [each["idType"] for each in json.loads(rendered.text)["user"]["userIds"]] == ["SHA256_EMAIL"]


def test_a_telephone_number_alone_is_nothing(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="Nothing that this conversion holds"):
        configure(LIVE).render(make_postback(receiver_event="104012", person={"phone": "+49 30 123456"}))


def test_there_is_no_facility_for_tests(configure: Configure) -> None:
    with pytest.raises(DestinationError, match="LinkedIn Conversions API has no test facility"):
        configure('type = "linkedin"\n')


def test_without_a_click_nothing_of_who_denied_it_leaves(configure: Configure, make_postback: MakePostback) -> None:
    denied = {"receiver_event": "104012", "consent": {"ad_user_data": "denied"}}
    with pytest.raises(DestinationError, match="Nothing that this conversion holds can be matched by LinkedIn"):
        configure(LIVE).render(make_postback(**denied))
