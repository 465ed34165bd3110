"""What each judge is known to say, so that a judge which judges nothing is seen; and what it is known to let pass.

Every gap here is closed by an assertion of our own beside the questions to that judge.
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.judges.hearing import Court, Refused

CONVERSION = {
    "gclid": "EAIa",
    "conversionAction": "customers/1/conversionActions/2",
    "conversionDateTime": "2026-03-02 08:00:00+00:00",
    "conversionValue": 10.5,
    "currencyCode": "EUR",
}
EVENT = {
    "transactionId": "o-1",
    "eventTimestamp": "2026-03-02T08:00:00Z",
    "adIdentifiers": {"gclid": "EAIa"},
    "conversionValue": 10.5,
    "currency": "EUR",
}
OFFLINE = {
    "MicrosoftClickId": "m1",
    "ConversionName": "sale",
    "ConversionTime": "2026-03-02T08:00:00Z",
    "ConversionValue": 10.5,
    "ConversionCurrencyCode": "EUR",
}
PIN = {
    "event_name": "checkout",
    "action_source": "web",
    "event_time": 1_772_438_400,
    "event_id": "e-1",
    "user_data": {"em": ["0" * 64]},
    "custom_data": {"currency": "EUR", "value": "10.50"},
}


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("em", " Jane.Doe+x@Gmail.COM ", "jane.doe+x@gmail.com"),
        ("ph", "+44 844 412 4653", "448444124653"),
        ("ph", "0044 844 412 4653", "448444124653"),
        ("zp", "94025-1234", "94025"),
        ("ct", "New York 2", "newyork"),
        ("st", "C.A.", "ca"),
        ("country", "US", "us"),
        ("currency", "USD", "usd"),
    ],
)
def test_meta_has_normal_forms(court: Court, name: str, value: str, form: str) -> None:
    assert court.ask("meta.field", {"name": name, "value": value}) == form


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("country", "USA", "TypeError: Invalid format for country"),
        ("currency", "US", "TypeError: Invalid format for currency"),
        ("ph", "07123", "ValueError: Invalid format for phone number"),
        ("em", "nope", "TypeError: Invalid email format"),
    ],
)
def test_meta_refuses_what_has_no_normal_form(court: Court, name: str, value: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        court.ask("meta.field", {"name": name, "value": value})


def meta(**changes: Any) -> dict[str, Any]:
    event = {"event_name": "Purchase", "event_time": 1_772_438_400, "action_source": "website"}
    return {"events": [event | changes]}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"event_name": None}, "event_name"),
        ({"event_time": "abc"}, "Event.event_time must be an int"),
        ({"action_source": "shop"}, "'shop' is not a valid ActionSource"),
    ],
)
def test_meta_refuses_an_event(court: Court, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        court.ask("meta.request", meta(**changes))


def test_meta_makes_a_request(court: Court) -> None:
    event = meta(user_data={"email": "Ada@Example.com"}, custom_data={"value": 10.5, "currency": "USD"})
    assert court.ask("meta.request", {**event, "test_event_code": "TEST1"}) == {
        "test_event_code": "TEST1",
        "data": [
            {
                "event_name": "Purchase",
                "event_time": 1_772_438_400,
                "action_source": "website",
                "user_data": {"em": [hashlib.sha256(b"ada@example.com").hexdigest()]},
                "custom_data": {"value": 10.5, "currency": "usd"},
            }
        ],
    }


def test_meta_lets_pass_milliseconds_external_ids_in_clear_telephone_numbers_without_a_country(court: Court) -> None:
    event = meta(event_time=1_772_438_400_000, user_data={"external_id": "Cust 1", "phone": "(650) 555-1212"})
    (judged,) = court.ask("meta.request", event)["data"]
    assert judged["event_time"] == 1_772_438_400_000
    assert judged["user_data"]["external_id"] == ["Cust 1"]
    assert judged["user_data"]["ph"] == [hashlib.sha256(b"6505551212").hexdigest()]


def test_meta_keeps_the_punctuation_of_names(court: Court) -> None:
    assert court.ask("meta.field", {"name": "fn", "value": " Mary-Ann O'Neil "}) == "mary-ann o'neil"


def test_metas_builder_makes_and_takes_browser_ids(court: Court) -> None:
    visit: dict[str, Any] = {"site": "example.com", "host": "shop.example.com", "query": {}, "cookies": {}}
    made = court.ask("meta.cookies", {**visit, "query": {"fbclid": ["IwAR_Test.1"]}})["fbc"]
    assert made.startswith("fb.1.")
    assert made.split(".", 3)[3] == "IwAR_Test.1.AQICAQMC"
    kept = court.ask("meta.cookies", {**visit, "cookies": {"_fbc": "fb.1.1554763741205.AbC"}})["fbc"]
    assert kept == "fb.1.1554763741205.AbC.AQIAAQMC"
    assert court.ask("meta.cookies", {**visit, "cookies": {"_fbc": "garbage"}})["fbc"] is None


def clicks(**changes: Any) -> dict[str, Any]:
    return {"customerId": "1", "partialFailure": True, "conversions": [CONVERSION | changes]}


def test_google_ads_takes_a_request(court: Court) -> None:
    assert court.ask("google_ads.clicks", clicks()) == clicks()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"clickId": "x"}, 'no field named "clickId"'),
        ({"conversionValue": "12,5"}, "Couldn't parse float: 12,5"),
        ({"consent": {"adUserData": "YES"}}, "Invalid enum value YES"),
        ({"userIdentifiers": [{"hashedEmail": "a", "hashedPhoneNumber": "b"}]}, 'multiple "identifier" oneof fields'),
    ],
)
def test_google_ads_refuses_a_conversion(court: Court, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        court.ask("google_ads.clicks", clicks(**changes))


def test_google_ads_refuses_an_unknown_adjustment(court: Court) -> None:
    with pytest.raises(Refused, match="Invalid enum value REFUND"):
        court.ask("google_ads.adjustments", {"conversionAdjustments": [{"adjustmentType": "REFUND"}]})


def test_google_ads_lets_pass_any_time_and_what_lacks_everything(court: Court) -> None:
    assert court.ask("google_ads.clicks", clicks(conversionDateTime="garbage"))
    assert court.ask("google_ads.clicks", {"conversions": [{}]})


def ingest(**changes: Any) -> dict[str, Any]:
    return {"events": [EVENT | changes], "encoding": "HEX"}


def test_data_manager_takes_a_request(court: Court) -> None:
    assert court.ask("data_manager.ingest", ingest()) == ingest()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"eventTimestamp": "2026-01-01 12:00:00-08:00"}, "does not match format"),
        ({"eventTimestamp": 1_772_438_400}, "Timestamp JSON value not a string"),
        ({"gclid": "EAIa"}, 'no field named "gclid"'),
    ],
)
def test_data_manager_refuses_an_event(court: Court, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        court.ask("data_manager.ingest", ingest(**changes))


def test_data_manager_lets_pass_what_lacks_everything_and_short_hashes(court: Court) -> None:
    assert court.ask("data_manager.ingest", {"events": [{}]})
    user = {"userIdentifiers": [{"emailAddress": "abc"}]}
    assert court.ask("data_manager.ingest", ingest(userData=user))["events"][0]["userData"] == user


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("email_address", " Jane.Doe+x@GoogleMail.com ", "janedoe@googlemail.com"),
        ("email_address", "Jane.Doe+x@acme.com", "jane.doe+x@acme.com"),
        ("phone_number", "(650) 555-1212", "+6505551212"),
        ("given_name", " Mary-Ann O'Neil ", "mary-ann o'neil"),
        ("region_code", "us", "US"),
    ],
)
def test_googles_formatter_has_normal_forms(court: Court, name: str, value: str, form: str) -> None:
    assert court.ask("google.person", {"name": name, "value": value})["form"] == form


def test_googles_formatter_hashes(court: Court) -> None:
    said = court.ask("google.person", {"name": "email_address", "value": "Jane.Doe+x@gmail.com"})
    assert said["sent"] == "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"


@pytest.mark.parametrize(("name", "value"), [("region_code", "USA"), ("email_address", "a b@c.com")])
def test_googles_formatter_refuses_what_has_no_normal_form(court: Court, name: str, value: str) -> None:
    with pytest.raises(Refused, match="ValueError"):
        court.ask("google.person", {"name": name, "value": value})


def offline(**changes: Any) -> dict[str, Any]:
    return {"OfflineConversions": [OFFLINE | changes]}


def test_microsoft_takes_a_request(court: Court) -> None:
    assert court.ask("microsoft.conversions", offline()) == offline()


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"ConversionTime": "yesterday"}, "datetime"), ({"ConversionValue": "10.5"}, "float_type")],
)
def test_microsoft_refuses_a_conversion(court: Court, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        court.ask("microsoft.conversions", offline(**changes))


def test_microsoft_drops_unknown_keys_and_takes_any_type_of_adjustment(court: Court) -> None:
    assert court.ask("microsoft.conversions", {"OfflineConversions": [{"Msclkid": "m1"}]}) != {
        "OfflineConversions": [{"Msclkid": "m1"}]
    }
    strange = {"OfflineConversionAdjustments": [{"AdjustmentType": "Refund"}]}
    assert court.ask("microsoft.adjustments", strange) == strange


def pins(**changes: Any) -> dict[str, Any]:
    return {"data": [{name: value for name, value in (PIN | changes).items() if value is not None}]}


def test_pinterest_takes_a_request(court: Court) -> None:
    assert court.ask("pinterest.events", pins()) == pins()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"event_id": None}, "'event_id' is a required property"),
        ({"custom_data": {"value": 10.5}}, "10.5 is not of type 'string'"),
        ({"user_data": {"ph": ["0" * 64]}}, "not valid under any of the given schemas"),
        ({"user_data": {"client_ip_address": "192.0.2.1"}}, "not valid under any of the given schemas"),
        ({"order": "o-1"}, "Additional properties are not allowed"),
    ],
)
def test_pinterest_refuses_an_event(court: Court, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        court.ask("pinterest.events", pins(**changes))


def test_pinterest_refuses_more_than_a_thousand(court: Court) -> None:
    with pytest.raises(Refused, match="is too long"):
        court.ask("pinterest.events", {"data": [PIN] * 1_001})


def test_pinterest_lets_pass_any_name_any_time_and_any_text_as_value(court: Court) -> None:
    strange = {"event_name": "purchase", "event_time": 1_772_438_400_000, "custom_data": {"value": "abc"}}
    assert court.ask("pinterest.events", pins(**strange)) == pins(**strange)
