"""Pinterest: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import DestinationError, Element
from postback_pipeline.destinations.person import Dropped, sha256_hex
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "pinterest"\nad_account_id = "549755885175"\n'
LIVE = TABLE + 'mode = "live"\n'


def test_an_event_of_another_name_is_refused(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="'Purchase' is no event of Pinterest"):
        configure(LIVE).render(make_postback(receiver_event="Purchase"))


@pytest.mark.parametrize("person", [{"phone": "+49 30 123456"}, {"ip": "203.0.113.7"}])
def test_a_telephone_number_or_half_a_browser_is_not_enough(
    person: dict[str, str], configure: Configure, make_postback: MakePostback
) -> None:
    with pytest.raises(DestinationError, match="Pinterest wants an e-mail address"):
        configure(LIVE).render(make_postback(receiver_event="lead", person=person, identifiers={"epik": "dj0yJnU9"}))


@pytest.mark.parametrize(
    ("attribute", "value", "field", "form"),
    [
        ("postal_code", "94025-1234", "zp", "940251234"),
        ("region", " CA ", "st", "ca"),
        ("city", "St. John's 2", "ct", "stjohns2"),
        ("last_name", " O'Brien ", "ln", "o'brien"),
    ],
)
def test_places_and_names_have_their_documented_forms(
    attribute: str, value: str, field: str, form: str, configure: Configure, make_postback: MakePostback
) -> None:
    person = {"email": "ada@example.com", attribute: value}
    event = json.loads(configure(LIVE).render(make_postback(receiver_event="lead", person=person)))
    assert event["user_data"][field] == [sha256_hex(form)]


def test_what_has_no_documented_form_is_noted_and_left_out(configure: Configure, make_postback: MakePostback) -> None:
    person = {"email": "ada@example.com", "region": "California", "postal_code": "none"}
    rendered = configure(LIVE).rendered(make_postback(receiver_event="lead", person=person))
    assert rendered.dropped == (Dropped("region", "malformed"), Dropped("postal_code", "malformed"))


def test_mode_test_says_so_in_the_address(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(TABLE)
    postback = make_postback(receiver_event="lead")
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    request = destination.request([element], secrets={"PINTEREST_ACCESS_TOKEN": "t"}, sent_at=datetime.now(UTC))
    assert request.url == "https://api.pinterest.com/v5/ad_accounts/549755885175/events?test=true"
