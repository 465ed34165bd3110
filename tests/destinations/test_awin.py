"""Awin: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reading, Reply, Request
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "awin"\nadvertiser_id = "12345"\n'
LIVE = TABLE + 'mode = "live"\n'
CLICK = {"receiver_event": "NEW", "identifiers": {"awc": "12345_1772395200_5b2c8e3d41f0"}}


def request_of(destination: Destination, *elements: Element) -> Request:
    secrets = {"AWIN_API_KEY": "key", "AWIN_ACCESS_TOKEN": "token"}
    return destination.request(elements, secrets=secrets, sent_at=datetime(2026, 3, 2, tzinfo=UTC))


def test_in_mode_test_orders_say_so_and_adjustments_stay(configure: Configure, make_postback: MakePostback) -> None:
    destination, live = configure(TABLE), configure(LIVE)
    postback = make_postback(**CLICK)
    element = Element(postback.key, Kind.CONVERSION, destination.render(postback))
    assert json.loads(request_of(destination, element).body)["orders"][0]["isTest"] is True
    # What was rendered in mode test and left later is no test.
    assert "isTest" not in json.loads(request_of(live, element).body)["orders"][0]
    assert not destination.capabilities.retraction
    with pytest.raises(DestinationError, match="cannot be told a retraction in mode test"):
        destination.render(make_postback(Kind.RETRACTION, **CLICK))
    declined = Element("k", Kind.RETRACTION, live.render(make_postback(Kind.RETRACTION, **CLICK)))
    with pytest.raises(DestinationError, match="no test of amendments"):
        request_of(destination, declined)


def test_each_of_the_two_addresses_gets_its_own_credential_only(
    configure: Configure, make_postback: MakePostback
) -> None:
    live = configure(LIVE)
    order = Element("k", Kind.CONVERSION, live.render(make_postback(**CLICK)))
    amended = Element("k", Kind.RESTATEMENT, live.render(make_postback(Kind.RESTATEMENT, **CLICK)))
    told, adjusted = request_of(live, order).headers, request_of(live, amended).headers
    assert (told.get("x-api-key"), told.get("Authorization")) == ("key", None)
    assert (adjusted.get("x-api-key"), adjusted.get("Authorization")) == (None, "Bearer token")


def test_an_adjustment_names_the_time_that_the_order_was_told_with(
    configure: Configure, make_postback: MakePostback
) -> None:
    live = configure(LIVE)
    at = datetime(2026, 3, 2, 8, 0, 59, 999_999, tzinfo=UTC)
    order = json.loads(live.render(make_postback(**CLICK, event_time=at)))
    action = json.loads(live.render(make_postback(Kind.RETRACTION, event_time=at, identifiers={}, person={})))
    told = datetime.fromtimestamp(order["transactionTime"], UTC)
    assert action["transaction"]["transactionDate"] == told.strftime("%Y-%m-%dT%H:%M:%S") == "2026-03-02T08:00:59"


def test_the_reasons_that_publishers_read_are_the_user_s(configure: Configure, make_postback: MakePostback) -> None:
    live = configure(LIVE + 'decline_reason = "zurückgegeben"\n')
    assert json.loads(live.render(make_postback(Kind.RETRACTION)))["transaction"]["declineReason"] == "zurückgegeben"


def test_an_order_needs_a_click_and_a_reference_that_is_not_cut(
    configure: Configure, make_postback: MakePostback
) -> None:
    with pytest.raises(DestinationError, match="awc"):
        configure(LIVE).render(make_postback(identifiers={"awc": "{{awc}}"}))
    with pytest.raises(DestinationError, match="longer than 50 characters"):
        configure(LIVE).render(make_postback(**CLICK, transaction_id="o" * 51))


@pytest.mark.parametrize(
    ("taken", "refused", "reading"),
    [
        (2, 0, Reading.ACCEPTED),
        (0, 2, Reading.REJECTED),
        (1, 0, Reading.UNKNOWN),
        (0, 1, Reading.UNKNOWN),
        (1, 1, Reading.UNKNOWN),
    ],
)
def test_two_events_of_one_order_are_known_only_if_both_are_listed(
    configure: Configure, make_postback: MakePostback, taken: int, refused: int, reading: Reading
) -> None:
    live = configure(LIVE)
    two = [
        Element(group, Kind.CONVERSION, live.render(make_postback(**{**CLICK, "receiver_event": group})))
        for group in ("NEW", "EXTRA")
    ]
    order = {"orderReference": json.loads(two[0].text)["orderReference"]}
    body = json.dumps({"successfulOrders": [order] * taken, "failedOrders": [order] * refused}).encode()
    assert {verdict.reading for verdict in live.read(Reply(206, {}, body), two)} == {reading}
