"""CJ: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import DestinationError, Element, Reading, Reply
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "cj"\nenterprise_id = "7700123"\n'
LIVE = TABLE + 'mode = "live"\n'
CLICK = {"receiver_event": "987654", "identifiers": {"cjevent": "f5c7245cacf421yf81435f7f0b82c836"}}


def test_mode_test_goes_to_the_address_of_tests(configure: Configure, make_postback: MakePostback) -> None:
    for table, path in ((TABLE, "graphqltest"), (LIVE, "graphql")):
        destination = configure(table)
        element = Element("k", Kind.RETRACTION, destination.render(make_postback(Kind.RETRACTION, **CLICK)))
        request = destination.request([element], secrets={"CJ_ACCESS_TOKEN": "t"}, sent_at=datetime.now(UTC))
        assert request.url == f"https://tracking.api.cj.com/{path}"


def test_open_ended_actions_get_a_status(configure: Configure, make_postback: MakePostback) -> None:
    told: dict[Kind, list[str | None]] = {}
    for table in (LIVE, LIVE + "open_ended = true\n"):
        destination = configure(table)
        for kind in Kind:
            order = json.loads(destination.render(make_postback(kind, **CLICK)))
            told.setdefault(kind, []).append(order.get("status"))
    assert told == {
        Kind.CONVERSION: [None, None],
        Kind.RESTATEMENT: [None, "Pending"],
        Kind.RETRACTION: [None, "Declined"],
    }


def test_each_revision_is_an_update_after_the_one_before(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(LIVE)
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    times = [
        json.loads(destination.render(make_postback(Kind.RESTATEMENT, **CLICK, event_time=at, revision=revision)))
        for revision in (2, 3)
    ]
    assert [order["updateTime"] for order in times] == ["2026-03-02T08:00:01Z", "2026-03-02T08:00:02Z"]


def test_a_restatement_without_its_click_leaves_all_the_same(configure: Configure, make_postback: MakePostback) -> None:
    order = json.loads(configure(LIVE).render(make_postback(Kind.RESTATEMENT, receiver_event="987654", identifiers={})))
    assert "cjEvent" not in order
    assert order["amount"] == "99.95"
    with pytest.raises(DestinationError, match="cjevent"):
        configure(LIVE).render(make_postback(receiver_event="987654", identifiers={}))


def test_the_event_is_an_action_tracker_s_id(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="action tracker's id"):
        configure(LIVE).render(make_postback(**{**CLICK, "receiver_event": "purchase"}))


def answer(*taken: tuple[str, int], error: str = "") -> Reply:
    """An answer to new orders."""
    orders = [{"orderId": order, "actionTracker": {"id": tracker}} for order, tracker in taken]
    errors = [{"message": error}] if error else None
    return Reply(200, {}, json.dumps({"data": {"createOrders": {"orders": orders, "errors": errors}}}).encode())


def test_two_actions_of_one_order_have_a_verdict_each(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(LIVE)
    sale, trial = (
        Element(event, Kind.CONVERSION, destination.render(make_postback(**{**CLICK, "receiver_event": event})))
        for event in ("987654", "987655")
    )
    order = json.loads(sale.text)["orderId"]
    refusal = "Order may not have more than 100 items"
    one_of_two = answer((order, 987655), error=refusal)
    readings = [verdict.reading for verdict in destination.read(one_of_two, [sale, trial])]
    assert readings == [Reading.REJECTED, Reading.ACCEPTED]
    # The same action twice: which of them came back?
    readings = [verdict.reading for verdict in destination.read(one_of_two, [sale, trial, trial])]
    assert readings == [Reading.REJECTED, Reading.UNKNOWN, Reading.UNKNOWN]
    both = answer((order, 987655), (order, 987655))
    assert {verdict.reading for verdict in destination.read(both, [trial, trial])} == {Reading.ACCEPTED}
