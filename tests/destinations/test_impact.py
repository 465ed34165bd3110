"""impact.com: what its golden requests do not show."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from postback_pipeline.destinations.base import DestinationError, LaterVerdict, Reply
from postback_pipeline.model import Kind, Later
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "impact"\nmode = "live"\naccount_sid = "IRyMQiCNtwrt1804207G3t8Pn6NyzfyDw1"\ncampaign_id = "1000"\n'
CLICK = {"receiver_event": "8180", "identifiers": {"irclickid": "QiiWXOVnrQ3SQHl24jQjyxBG"}}


def judged(configure: Configure, body: object, status: int = 200) -> LaterVerdict | None:
    """What a submission's answer means."""
    return configure(TABLE).read_inquiry(Reply(status, {}, json.dumps(body).encode()), 1)


def test_it_asks_for_the_submission_that_it_was_given(configure: Configure) -> None:
    request = configure(TABLE).inquiry("A-4632dba3", secrets={"IMPACT_AUTH_TOKEN": "t"}, asked_at=datetime.now(UTC))
    wanted = "https://api.impact.com/Advertisers/IRyMQiCNtwrt1804207G3t8Pn6NyzfyDw1/APISubmissions/A-4632dba3"
    assert (request.method, request.url, request.body) == ("GET", wanted, b"")
    assert request.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("body", "later", "reason"),
    [
        ({"Status": "Queued", "ErrorType": ""}, Later.PENDING, "Queued"),
        ({"Status": "In Progress", "ErrorType": None}, Later.PENDING, "In Progress"),
        ({"Status": "Complete", "ErrorType": ""}, Later.PROCESSED, "Complete"),
        ({"Status": "Complete"}, Later.PROCESSED, "Complete"),
        (
            {"Status": "Complete", "ErrorType": "Contract Error", "ErrorReason": "CONTRACT_NOT_FOUND UNCLAIMED"},
            Later.REJECTED,
            "CONTRACT_NOT_FOUND",
        ),
        ({"Status": "Complete", "ErrorType": "Contract Error", "ErrorReason": ""}, Later.REJECTED, "Contract_Error"),
        ({"Status": "Complete", "ErrorType": "é@", "ErrorReason": ["?"]}, Later.REJECTED, "ErrorType"),
        # The order is there, whoever told it, and can be adjusted.
        (
            {"Status": "Complete", "ErrorType": "Validation", "ErrorReason": "CONV_DUPLICATE"},
            Later.PROCESSED,
            "CONV_DUPLICATE",
        ),
    ],
)
def test_the_verdict_is_the_submission_s(configure: Configure, body: Any, later: Later, reason: str) -> None:
    assert judged(configure, body) == LaterVerdict(later, reason)


@pytest.mark.parametrize(
    ("body", "status"), [({"Status": "Complete"}, 404), ({"Status": "Gone"}, 200), ([], 200), ({"Status": 7}, 200)]
)
def test_what_is_no_submission_is_no_verdict(configure: Configure, body: object, status: int) -> None:
    assert judged(configure, body, status) is None


def test_the_reason_of_a_reversal_is_the_user_s(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(TABLE + 'disposition_code = "ITEM_RETURNED"\n')
    form = parse_qs(destination.render(make_postback(Kind.RETRACTION, **CLICK)))
    assert form["DispositionCode"] == ["ITEM_RETURNED"]
    with pytest.raises(DestinationError, match="The reason that partners see"):
        configure(TABLE + 'disposition_code = "BECAUSE"\n')


@pytest.mark.parametrize("kind", [Kind.RESTATEMENT, Kind.RETRACTION])
def test_an_adjustment_needs_no_click(kind: Kind, configure: Configure, make_postback: MakePostback) -> None:
    form = parse_qs(configure(TABLE).render(make_postback(kind, receiver_event="8180", identifiers={}, person={})))
    assert (form["ActionTrackerId"], form["OrderId"]) == (["8180"], ["ORD/7 ü"])


def test_a_conversion_needs_a_click_of_the_form_that_is_issued(
    configure: Configure, make_postback: MakePostback
) -> None:
    for identifiers in ({}, {"irclickid": "{click id}"}):
        with pytest.raises(DestinationError, match="irclickid"):
            configure(TABLE).render(make_postback(receiver_event="8180", identifiers=identifiers))


@pytest.mark.parametrize("event", ["purchase", "٨١٨٠", ""])
def test_the_event_is_an_event_type_s_id(event: str, configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="event type's id"):
        configure(TABLE).render(make_postback(**{**CLICK, "receiver_event": event}))


def test_an_order_that_would_be_cut_is_refused(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="longer than 64 characters"):
        configure(TABLE).render(make_postback(**CLICK, transaction_id="o" * 65))
