"""Analytics: refunds as differences, clients that are not known any more, the validation server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reply
from postback_pipeline.destinations.person import gmail_email
from postback_pipeline.model import Kind, Postback
from tests.destinations.samples import secrets_of
from tests.destinations.write_golden import SENT_AT

MakePostback = Callable[..., Postback]
Configure = Callable[..., Destination]
TABLE = 'type = "ga4"\nmeasurement_id = "G-ABCDE12345"\n'
CLIENT = {"ga_client_id": "1234567890.1708000000"}


@pytest.fixture
def make(make_postback: MakePostback) -> MakePostback:
    """A purchase of a known client."""

    def purchase(kind: Kind = Kind.CONVERSION, **changes: Any) -> Postback:
        return make_postback(kind, **{"receiver_event": "purchase", "identifiers": CLIENT, **changes})

    return purchase


@pytest.mark.parametrize(
    ("cookie", "client"),
    [
        ("GA1.1.1234567890.1708000000", "1234567890.1708000000"),
        ("GA1.2-2.1234567890.1708000000", "1234567890.1708000000"),
        ("1234567890.1708000000", "1234567890.1708000000"),
        ("amp-AbC_d-1", "amp-AbC_d-1"),
    ],
)
def test_a_cookie_is_told_as_its_client_id(make: MakePostback, configure: Configure, cookie: str, client: str) -> None:
    text = configure(TABLE).render(make(identifiers={"ga_client_id": cookie}))
    assert json.loads(text)["client_id"] == client


def test_a_conversion_needs_a_client_that_looks_like_one(make: MakePostback, configure: Configure) -> None:
    for identifiers in ({}, {"ga_client_id": "a client"}, {"gclid": "Cj0K"}):
        with pytest.raises(DestinationError, match="ga_client_id"):
            configure(TABLE).render(make(identifiers=identifiers))


def test_a_refund_finds_its_purchase_without_the_client(make: MakePostback, configure: Configure) -> None:
    first, again = (
        json.loads(configure(TABLE).render(make(kind, identifiers={}))) for kind in (Kind.RESTATEMENT, Kind.RETRACTION)
    )
    assert re.fullmatch(r"[0-9]{10}\.[0-9]{10}", first["client_id"])
    assert first["client_id"] == again["client_id"]
    assert first["events"][0]["params"]["transaction_id"] == "ORD/7 ü"


def test_only_purchases_can_be_refunded(make: MakePostback, configure: Configure) -> None:
    for kind in (Kind.RESTATEMENT, Kind.RETRACTION):
        with pytest.raises(DestinationError, match=kind.value):
            configure(TABLE).render(make(kind, receiver_event="generate_lead"))


def test_more_than_before_is_refused(make: MakePostback, configure: Configure) -> None:
    with pytest.raises(DestinationError, match="more than before"):
        configure(TABLE).render(make(Kind.RESTATEMENT, value=Decimal("130")))


@pytest.mark.parametrize("name", ["Sale & Co", "_sale", "1sale", "s" * 41, ""])
def test_a_name_that_would_be_dropped_silently_is_refused(make: MakePostback, configure: Configure, name: str) -> None:
    with pytest.raises(DestinationError, match="no event name"):
        configure(TABLE).render(make(receiver_event=name))


def test_denied_consent_tells_less_or_nothing(make: MakePostback, configure: Configure) -> None:
    denied = json.loads(configure(TABLE).render(make(consent={"ad_user_data": "denied"})))
    assert denied["consent"] == {"ad_user_data": "DENIED"} and "user_data" not in denied
    unknown = json.loads(configure(TABLE).render(make(consent={"ad_user_data": "unknown"})))
    assert "consent" not in unknown
    with pytest.raises(DestinationError, match="consent to analytics"):
        configure(TABLE).render(make(consent={"analytics": "denied"}))
    assert configure(TABLE).render(make(Kind.RETRACTION, consent={"analytics": "denied"}))


def test_mode_test_asks_the_validation_server(make: MakePostback, configure: Configure) -> None:
    destination = configure('mode = "test"\n' + TABLE)
    element = Element("k", Kind.CONVERSION, destination.render(make()))
    request = destination.request([element], secrets=secrets_of(destination), sent_at=SENT_AT)
    assert request.url.startswith("https://www.google-analytics.com/debug/mp/collect?")
    body = json.loads(request.body)
    assert body.pop("validation_behavior") == "ENFORCE_RECOMMENDATIONS"
    assert body == json.loads(element.text)


@pytest.mark.parametrize(
    ("body", "reading", "reason"),
    [
        (b'{"validationMessages":[]}', "accepted", "validated"),
        (
            b'{"validationMessages":[{"fieldPath":"events","description":"Ada","validationCode":"NAME_INVALID"}]}',
            "rejected",
            "NAME_INVALID",
        ),
        (b'{"validationMessages":[7]}', "rejected", "validationMessages"),
        (b"{}", "unknown", "no validationMessages"),
        (b"", "unknown", "no validationMessages"),
    ],
)
def test_the_validation_server_says_what_is_wrong(
    make: MakePostback, configure: Configure, body: bytes, reading: str, reason: str
) -> None:
    destination = configure('mode = "test"\n' + TABLE)
    element = Element("k", Kind.CONVERSION, destination.render(make()))
    (verdict,) = destination.read(Reply(200, {}, body), [element])
    assert (verdict.reading, verdict.reason) == (reading, reason)


@pytest.mark.parametrize(
    ("email", "form"),
    [
        (" Jane.Doe+x@GoogleMail.com ", "janedoe@googlemail.com"),
        ("Jane.Doe+x@acme.com", "jane.doe+x@acme.com"),
        ("+x@gmail.com", None),
    ],
)
def test_addresses_of_gmail_have_a_form_of_their_own(email: str, form: str | None) -> None:
    assert gmail_email(email) == form
