"""Webhooks: signatures by the Standard Webhooks specification, and what statuses mean."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reading, Reply, SecretError
from postback_pipeline.destinations.standard_webhooks import signature
from postback_pipeline.model import Kind, Postback

Configure = Callable[..., Destination]
MakePostback = Callable[..., Postback]

NOW = datetime(2026, 3, 2, 9, 30, 0, 999_999, tzinfo=UTC)
HOOK = 'type = "webhook"\nurl = "https://crm.example/hook"\nsecret_env = "CRM_SECRET"\n'
KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OLD_KEY = b"the secret before this one"
OLD_SECRET = base64.b64encode(OLD_KEY).decode()


def element_of(destination: Destination, postback: Postback) -> Element:
    return Element(postback.key, postback.kind, destination.render(postback))


def test_the_signature_is_that_of_the_reference_implementations() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("length", [1, 24, 63, 64, 65, 200])
def test_a_key_of_any_length_signs_as_hmac_does(length: int) -> None:
    key = bytes(range(length))
    expected = hmac.digest(key, b"msg_1.5.{}", "sha256")
    assert signature(key, "msg_1", 5, b"{}") == "v1," + base64.b64encode(expected).decode()


def test_a_receiver_can_verify_the_request_with_its_secret(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(HOOK)
    element = element_of(destination, make_postback())
    request = destination.request([element], secrets={"CRM_SECRET": SECRET}, sent_at=NOW)
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    digest = hmac.new(KEY, signed, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert request.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert request.body == element.text.encode()


def test_both_secrets_sign_while_one_is_being_changed(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(HOOK + 'previous_secret_env = "CRM_OLD"\n')
    assert destination.secret_names == ("CRM_SECRET", "CRM_OLD")
    secrets = {"CRM_SECRET": SECRET, "CRM_OLD": OLD_SECRET}
    request = destination.request([element_of(destination, make_postback())], secrets=secrets, sent_at=NOW)
    headers = request.headers
    expected = [
        signature(key, headers["webhook-id"], int(headers["webhook-timestamp"]), request.body) for key in (KEY, OLD_KEY)
    ]
    assert headers["webhook-signature"].split(" ") == expected


def test_the_id_is_stable_unique_and_without_a_full_stop(configure: Configure, make_postback: MakePostback) -> None:
    ids = []
    for name in ("crm", "crm", "other"):
        destination = configure(HOOK, name)
        for kind in (Kind.CONVERSION, Kind.RETRACTION):
            element = element_of(destination, make_postback(kind))
            request = destination.request([element], secrets={"CRM_SECRET": SECRET}, sent_at=NOW)
            ids.append(request.headers["webhook-id"])
    assert ids[:2] == ids[2:4]
    assert len(set(ids)) == 4
    assert not any("." in each for each in ids)


def test_consent_and_rate_are_told_only_where_there_are_any(configure: Configure, make_postback: MakePostback) -> None:
    def body(**changes: object) -> dict[str, object]:
        found: dict[str, object] = json.loads(configure(HOOK).render(make_postback(**changes)))
        return found

    assert {"consent", "exchange_rate"} & body().keys() == set()
    told = body(consent={"analytics": "unknown"}, exchange_rate=Decimal("100.000000000000"))
    assert (told["consent"], told["exchange_rate"]) == ({"analytics": "unknown"}, "100")
    smallest = body(exchange_rate=Decimal("0.000000000001"))
    assert (smallest["exchange_rate"], "consent" in smallest) == ("0.000000000001", False)


@pytest.mark.parametrize("value", ["", "whsec_", "whsec_not base64!", "schlüssel", "whsec_YQ"])
def test_a_secret_that_is_no_key_is_the_set_ups_fault(
    configure: Configure, make_postback: MakePostback, value: str
) -> None:
    destination = configure(HOOK)
    with pytest.raises(SecretError, match="CRM_SECRET holds no signing secret") as refused:
        destination.request([element_of(destination, make_postback())], secrets={"CRM_SECRET": value}, sent_at=NOW)
    key = value.removeprefix("whsec_")
    assert not key or key not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["crm.example", "https://crm.example/{key}", "https://crm.example/a b", "https://c.example/#x"]
)
def test_a_url_that_cannot_be_called_is_refused(configure: Configure, url: str) -> None:
    with pytest.raises(DestinationError, match=r"^destinations\.partner: url: "):
        configure(HOOK.replace("https://crm.example/hook", url))


def test_it_is_told_everything_and_deduplicates_unless_told_otherwise(configure: Configure) -> None:
    can = configure(HOOK).capabilities
    assert (can.deduplicates, can.dedup_window, can.restatement, can.retraction, can.reinstatement) == (
        *(True, None),
        *(True, True, True),
    )
    assert configure(HOOK + "deduplicates = false\n").capabilities.deduplicates is False


READINGS = {
    Reading.ACCEPTED: [200, 201, 202, 204, 299],
    Reading.RETRY: [429, 503],
    Reading.CONFIGURATION: [301, 307, 308, 401, 403, 404, 405, 410],
    Reading.REJECTED: [400, 402, 406, 409, 413, 422, 451, 499],
    Reading.UNKNOWN: [100, 300, 302, 303, 304, 500, 502, 504, 599],
}


@pytest.mark.parametrize(("reading", "status"), [(reading, each) for reading in READINGS for each in READINGS[reading]])
def test_a_status_means_what_the_specification_says(configure: Configure, reading: Reading, status: int) -> None:
    (verdict,) = configure(HOOK).read(Reply(status, {}, b"{}"), [Element("k", Kind.CONVERSION, "{}")])
    assert (verdict.reading, verdict.reason) == (reading, f"HTTP {status}")


def test_a_receiver_of_its_own_mind_is_configured(configure: Configure) -> None:
    destination = configure(HOOK + "accepted_status = [202]\nrejected_status = [200]\nretry_status = [500]\n")
    readings = [
        destination.read(Reply(status, {}, b""), [Element("k", Kind.CONVERSION, "{}")])[0].reading
        for status in (202, 200, 500, 429, 404)
    ]
    assert readings == [Reading.ACCEPTED, Reading.REJECTED, Reading.RETRY, Reading.UNKNOWN, Reading.CONFIGURATION]
