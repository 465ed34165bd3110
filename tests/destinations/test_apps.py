"""AppsFlyer and Adjust: which app, which ids, which revenue."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from postback_pipeline.destinations.base import DestinationError, Element
from postback_pipeline.model import Kind, Postback
from tests.destinations.samples import destination_of, postback_of, secrets_of

IPHONE = "1415211453000-6513894"
ANDROID = "1415211453000-6513894111222333444"
ADID = "18546f6171f67e29d1cb983322ad1329"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def url_of(text: str, appsflyer_id: str) -> str:
    destination = destination_of('type = "appsflyer"\nmode = "live"\n' + text)
    postback = postback_of(identifiers={"appsflyer_id": appsflyer_id})
    element = Element(postback.key, postback.kind, destination.render(postback))
    return destination.request([element], secrets=secrets_of(destination), sent_at=NOW).url.rpartition("/")[2]


@pytest.mark.parametrize(
    ("apps", "installation", "app"),
    [
        ('ios_app_id = "id123456789"\nandroid_app_id = "a.b"', IPHONE, "id123456789"),
        ('ios_app_id = "id123456789"\nandroid_app_id = "a.b"', ANDROID, "a.b"),
        ('ios_app_id = "id123456789"', ANDROID, "id123456789"),
        ('android_app_id = "a.b"', IPHONE, "a.b"),
    ],
)
def test_an_installation_is_of_the_app_that_its_id_tells_where_there_are_two(
    apps: str, installation: str, app: str
) -> None:
    assert url_of(apps, installation) == app


@pytest.mark.parametrize("apps", ["", 'ios_app_id = "123456789"'])
def test_an_app_must_be_named_as_appsflyer_names_it(apps: str) -> None:
    with pytest.raises(DestinationError, match="ios_app_id"):
        url_of(apps, IPHONE)


def revenue(postback: Postback) -> tuple[str, str]:
    destination = destination_of('type = "appsflyer"\nios_app_id = "id123456789"\nmode = "live"')
    body = json.loads(destination.render(postback))
    return body["eventName"], json.loads(body["eventValue"])["af_revenue"]


def test_more_worth_and_worth_again_are_told_as_what_is_added() -> None:
    told = {"identifiers": {"appsflyer_id": IPHONE}, "receiver_event": "af_purchase"}
    more = postback_of(Kind.RESTATEMENT, value=Decimal("140"), previous_value=Decimal("129.90"), **told)
    again = postback_of(Kind.RESTATEMENT, value=Decimal("20"), previous_value=Decimal("0"), **told)
    assert revenue(more) == ("af_purchase", "10.10")
    assert revenue(again) == ("af_purchase", "20.00")


@pytest.mark.parametrize("identifiers", [{}, {"appsflyer_id": "1-2"}, {"device_id": "d" * 20}])
def test_appsflyer_takes_nothing_without_its_own_id(identifiers: dict[str, str]) -> None:
    with pytest.raises(DestinationError, match="appsflyer_id"):
        revenue(postback_of(identifiers=identifiers))


def adjust_form(identifiers: dict[str, str], options: str = "", event: str = "f0ob4r") -> str:
    destination = destination_of(f'type = "adjust"\nmode = "live"\napp_token = "4w565xzmb54d"\n{options}')
    return destination.render(postback_of(identifiers=identifiers, receiver_event=event))


def test_a_device_id_is_told_as_what_the_settings_say_it_is() -> None:
    device = {"device_id": "D2CADB5F-410F-4963-AC0C-2A78534BDF1E"}
    assert "&idfa=D2CADB5F-410F-4963-AC0C-2A78534BDF1E&" in adjust_form(device, 'device_id_parameter = "idfa"')
    assert "device" not in adjust_form(device | {"adjust_id": ADID}) and ADID in adjust_form({"adjust_id": ADID})


@pytest.mark.parametrize("device", ["00000000-0000-0000-0000-000000000000", "d 1", ""])
def test_a_device_that_is_nobodys_is_none(device: str) -> None:
    with pytest.raises(DestinationError, match="adjust_id or device_id"):
        adjust_form({"device_id": device, "adjust_id": "j"}, 'device_id_parameter = "idfa"')


def test_an_event_of_adjust_is_named_by_its_token() -> None:
    with pytest.raises(DestinationError, match="no event token"):
        adjust_form({"adjust_id": ADID}, event="Purchase & more")


@pytest.mark.parametrize(("option", "is_told"), [("", True), ('s2s_token_env = ""', False)])
def test_the_token_of_s2s_security_is_told_where_there_is_one(option: str, is_told: bool) -> None:
    destination = destination_of(f'type = "adjust"\nmode = "test"\napp_token = "4w565xzmb54d"\n{option}')
    postback = postback_of(identifiers={"adjust_id": ADID}, receiver_event="f0ob4r")
    element = Element(postback.key, postback.kind, destination.render(postback))
    request = destination.request([element], secrets=secrets_of(destination), sent_at=NOW)
    assert ("Authorization" in request.headers) is is_told
    assert request.body.endswith(b"&environment=sandbox")
