"""Google Ads: which identifier is told, what cannot be adjusted, order of adjustments, validation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reply
from postback_pipeline.model import Kind, Postback
from tests.destinations.samples import secrets_of
from tests.destinations.write_golden import SENT_AT

MakePostback = Callable[..., Postback]
Configure = Callable[..., Destination]
TABLE = 'type = "google_ads"\ncustomer_id = "5550001111"\n'
CLICKS = {"gclid": "Cj0K_gclid-1", "gbraid": "0AAAA-gbraid", "wbraid": "CkEK-wbraid"}
ACCEPTED = b'{"results":[{"orderId":"o"}]}'


@pytest.fixture
def make(make_postback: MakePostback) -> MakePostback:
    """A conversion of an action."""

    def conversion(kind: Kind = Kind.CONVERSION, **changes: Any) -> Postback:
        return make_postback(kind, **{"receiver_event": "987", "identifiers": CLICKS, **changes})

    return conversion


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (("gclid", "gbraid", "wbraid"), "gclid"),
        (("gbraid", "wbraid"), "gbraid"),
        (("wbraid",), "wbraid"),
        ((), None),
    ],
)
def test_one_click_id_is_told(
    make: MakePostback, configure: Configure, known: tuple[str, ...], told: str | None
) -> None:
    row = json.loads(configure(TABLE).render(make(identifiers={name: CLICKS[name] for name in known})))
    assert row.keys() & CLICKS.keys() == ({told} if told else set())


def test_a_click_id_that_looks_like_none_gives_way_to_the_next(make: MakePostback, configure: Configure) -> None:
    rendered = configure(TABLE).rendered(make(identifiers={"gclid": "{gclid}", "gbraid": "0AAAA-gbraid"}))
    assert json.loads(rendered.text)["gbraid"] == "0AAAA-gbraid"
    assert [dropped.name for dropped in rendered.dropped] == ["gclid"]


def test_what_was_told_by_wbraid_cannot_be_adjusted(make: MakePostback, configure: Configure) -> None:
    for kind in (Kind.RESTATEMENT, Kind.RETRACTION):
        with pytest.raises(DestinationError, match="wbraid"):
            configure(TABLE).render(make(kind, identifiers={"wbraid": CLICKS["wbraid"]}))
        assert configure(TABLE).render(make(kind, identifiers={}))


def test_every_revision_is_adjusted_later_than_the_one_before(make: MakePostback, configure: Configure) -> None:
    rows = [json.loads(configure(TABLE).render(make(Kind.RESTATEMENT, revision=revision))) for revision in (2, 3, 70)]
    times = [row["adjustmentDateTime"] for row in rows]
    assert times == ["2026-03-03 07:00:02+00:00", "2026-03-03 07:00:03+00:00", "2026-03-03 07:01:10+00:00"]


def test_people_are_left_out_where_the_account_has_no_enhanced_conversions(
    make: MakePostback, configure: Configure
) -> None:
    destination = configure(TABLE + "user_identifiers = false\n")
    assert "userIdentifiers" not in json.loads(destination.render(make()))
    with pytest.raises(DestinationError, match="matched"):
        destination.render(make(identifiers={}))


@pytest.mark.parametrize("action", ["Purchase", "customers/1/conversionActions/2", ""])
def test_an_event_that_is_no_action_is_refused(make: MakePostback, configure: Configure, action: str) -> None:
    with pytest.raises(DestinationError, match="receiver_event"):
        configure(TABLE).render(make(receiver_event=action))


def test_mode_test_only_validates(make: MakePostback, configure: Configure) -> None:
    destination = configure('mode = "test"\n' + TABLE)
    element = Element("k", Kind.CONVERSION, destination.render(make()))
    request = destination.request([element], secrets=secrets_of(destination), sent_at=SENT_AT)
    assert json.loads(request.body)["validateOnly"] is True
    assert "login-customer-id" not in request.headers

    def read(body: bytes) -> list[str]:
        return [verdict.reading.value for verdict in destination.read(Reply(200, {}, body), [element, element])]

    error = b'{"errorCode":{"conversionUploadError":"EXPIRED_EVENT"},"location":{"fieldPathElements":[%s]}}'
    failure = b'{"partialFailureError":{"details":[{"@type":"x.GoogleAdsFailure","errors":[' + error + b"]}]}}"
    assert read(b"{}") == ["accepted", "accepted"]
    assert read(failure % b'{"fieldName":"conversions","index":1}') == ["accepted", "rejected"]
    assert read(failure % b"") == ["unknown", "unknown"]


def test_outside_of_mode_test_an_empty_reply_proves_nothing(make: MakePostback, configure: Configure) -> None:
    destination = configure('mode = "live"\n' + TABLE)
    element = Element("k", Kind.CONVERSION, destination.render(make()))
    assert [verdict.reading for verdict in destination.read(Reply(200, {}, b"{}"), [element])] == ["unknown"]
    assert [verdict.reading for verdict in destination.read(Reply(200, {}, ACCEPTED), [element])] == ["accepted"]


def test_the_address_for_tokens_is_https_and_checked(configure: Configure) -> None:
    with pytest.raises(DestinationError, match="token_url"):
        configure('mode = "live"\n' + TABLE + 'token_url = "http://tokens.example/t"\n')
    with pytest.raises(DestinationError, match="token_url"):
        configure(TABLE + 'token_url = "tokens.example"\n')


def test_mode_test_on_this_machine_asks_nobody_else_for_tokens(configure: Configure) -> None:
    sandbox = TABLE + 'base_url = "http://127.0.0.1:8787/as-google_ads"\n'
    own = 'token_url = "http://127.0.0.1:8787/as-google_ads/token"\n'
    with pytest.raises(DestinationError, match="token_url: mode test") as refusal:
        configure(sandbox)
    assert own.strip() in str(refusal.value)
    assert not configure(sandbox + own).at_test_facility
    assert configure('mode = "live"\nallow_http = true\n' + sandbox).grant is not None
