"""Data Manager: later verdicts from numbers, several actions in a request, credentials by option, validation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reply
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, RefreshTokenGrant, ServiceAccountGrant
from postback_pipeline.destinations.person import sha256_hex
from postback_pipeline.model import Kind, Postback
from tests.destinations.samples import secrets_of
from tests.destinations.write_golden import SENT_AT

MakePostback = Callable[..., Postback]
Configure = Callable[..., Destination]
TABLE = 'type = "google_data_manager"\naccount_id = "5550001111"\n'
WHOLE = {"first_name": " Zoë-Ann ", "last_name": "O'Brien", "country": "gb", "postal_code": " SW1A 1AA "}
CUT_OFF = "PROCESSING_ERROR_REASON_"


@pytest.fixture
def make(make_postback: MakePostback) -> MakePostback:
    """A conversion of an action."""

    def conversion(kind: Kind = Kind.CONVERSION, **changes: Any) -> Postback:
        return make_postback(kind, **{"receiver_event": "987", "identifiers": {"gclid": "Cj0K_gclid-1"}, **changes})

    return conversion


def status(kind: str, *errors: tuple[str, int]) -> dict[str, Any]:
    """The status of one action; what failed, by reason and number."""
    counts = [{"recordCount": str(number), "reason": CUT_OFF + reason} for reason, number in errors]
    return {"requestStatus": kind, **({"errorInfo": {"errorCounts": counts}} if errors else {})}


@pytest.mark.parametrize(
    ("statuses", "later", "reason"),
    [
        ([status("SUCCESS")], "processed", "SUCCESS"),
        ([status("PROCESSING")], "pending", "PROCESSING"),
        ([status("REQUEST_STATUS_UNKNOWN")], "pending", "PROCESSING"),
        ([status("SUCCESS"), status("PROCESSING")], "pending", "PROCESSING"),
        ([status("FAILED", ("EVENT_TOO_OLD", 3))], "rejected", "EVENT_TOO_OLD"),
        ([status("FAILED")], "rejected", "FAILED"),
        ([status("PARTIAL_SUCCESS", ("CLICK_NOT_FOUND", 1))], "unconfirmed", "CLICK_NOT_FOUND"),
        ([status("PARTIAL_SUCCESS", ("CLICK_NOT_FOUND", 1), ("INVALID_GCLID", 2))], "unconfirmed", "CLICK_NOT_FOUND"),
        ([status("PARTIAL_SUCCESS")], "unconfirmed", "PARTIAL_SUCCESS"),
        ([status("PARTIAL_SUCCESS"), status("SUCCESS")], "unconfirmed", "PARTIAL_SUCCESS"),
        ([status("PARTIAL_SUCCESS", ("EVENT_TOO_OLD", 3))], "unconfirmed", "EVENT_TOO_OLD"),
        ([status("SUCCESS"), status("FAILED", ("INVALID_GCLID", 1))], "unconfirmed", "INVALID_GCLID"),
        ([status("SUCCESS"), status("SUCCESS")], "processed", "SUCCESS"),
        # Google has it, perhaps from an attempt of ours whose fate nobody knows.
        ([status("FAILED", ("DUPLICATE_TRANSACTION_ID", 3))], "unconfirmed", "DUPLICATE_TRANSACTION_ID"),
        ([status("FAILED", ("DUPLICATE_GCLID", 2), ("INVALID_GCLID", 1))], "unconfirmed", "DUPLICATE_GCLID"),
    ],
)
def test_only_a_status_of_all_is_a_verdict_on_each(
    configure: Configure, statuses: list[dict[str, Any]], later: str, reason: str
) -> None:
    body = json.dumps({"requestStatusPerDestination": statuses}).encode()
    found = configure(TABLE).read_inquiry(Reply(200, {}, body), 3)
    assert found is not None
    assert (found.later, found.reason) == (later, reason)


@pytest.mark.parametrize(
    ("code", "body"),
    [
        (200, b""),
        (200, b"[]"),
        (200, b'{"requestStatusPerDestination":[]}'),
        (200, b'{"requestStatusPerDestination":[7]}'),
        (404, b'{"requestStatusPerDestination":[{"requestStatus":"SUCCESS"}]}'),
        (502, b"<html>"),
    ],
)
def test_what_is_no_status_is_no_verdict(configure: Configure, code: int, body: bytes) -> None:
    assert configure(TABLE).read_inquiry(Reply(code, {}, body), 3) is None


def test_it_asks_by_the_requests_id(configure: Configure) -> None:
    request = configure(TABLE).inquiry("12/6 ?", secrets={ACCESS_TOKEN: "t"}, asked_at=SENT_AT)
    assert (request.method, request.body) == ("GET", b"")
    assert request.url == "https://datamanager.googleapis.com/v1/requestStatus:retrieve?requestId=12%2F6%20%3F"
    assert request.headers["Authorization"] == "Bearer t"


def test_a_request_names_the_actions_of_its_events(make: MakePostback, configure: Configure) -> None:
    destination = configure(TABLE)

    def body(actions: list[str]) -> dict[str, Any]:
        elements = [Element(each, Kind.CONVERSION, destination.render(make(receiver_event=each))) for each in actions]
        request = destination.request(elements, secrets=secrets_of(destination), sent_at=SENT_AT)
        found: dict[str, Any] = json.loads(request.body)
        return found

    found = body(["11", "22", "11"])
    assert [each["productDestinationId"] for each in found["destinations"]] == ["11", "22"]
    assert [event["destinationReferences"] for event in found["events"]] == [["11"], ["22"], ["11"]]
    with pytest.raises(DestinationError, match="10 conversion actions"):
        body([str(action) for action in range(11)])


def test_an_address_is_told_whole_or_not_at_all(make: MakePostback, configure: Configure) -> None:
    destination = configure(TABLE)
    told = json.loads(destination.render(make(person=WHOLE)))["userData"]["userIdentifiers"]
    expected = {
        "givenName": sha256_hex("zoë-ann"),
        "familyName": sha256_hex("o'brien"),
        "regionCode": "GB",
        "postalCode": "SW1A 1AA",
    }
    assert told == [{"address": expected}]
    for name in WHOLE:
        person = {key: value for key, value in WHOLE.items() if key != name}
        assert "userData" not in json.loads(destination.render(make(person=person)))
    with pytest.raises(DestinationError, match="matched"):
        destination.render(make(person={"country": "GB"}, identifiers={}))


def test_mode_test_only_validates_and_leaves_no_receipt(make: MakePostback, configure: Configure) -> None:
    destination = configure('mode = "test"\n' + TABLE)
    element = Element("k", Kind.CONVERSION, destination.render(make()))
    secrets = {ACCESS_TOKEN: "t"}
    assert json.loads(destination.request([element], secrets=secrets, sent_at=SENT_AT).body)["validateOnly"] is True
    (verdict,) = destination.read(Reply(200, {}, b'{"requestId":"r"}'), [element])
    assert (verdict.reading, verdict.reason, verdict.receipt) == ("accepted", "validated", "")


def test_only_the_secrets_of_the_chosen_credentials_are_wanted(configure: Configure) -> None:
    service, user = configure(TABLE), configure(TABLE + 'auth = "refresh_token"\n')
    assert service.secret_names == ("GOOGLE_SERVICE_ACCOUNT",)
    assert user.secret_names == ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET", "GOOGLE_REFRESH_TOKEN")
    assert isinstance(service.grant, ServiceAccountGrant) and isinstance(user.grant, RefreshTokenGrant)


def test_a_retraction_is_refused(make: MakePostback, configure: Configure) -> None:
    with pytest.raises(DestinationError, match="retraction"):
        configure(TABLE).render(make(Kind.RETRACTION))
