"""Offline conversions: matching with and without click ids, adjustments by revision, the sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from postback_pipeline.destinations.base import Destination, DestinationError
from postback_pipeline.destinations.oauth import RefreshTokenGrant
from postback_pipeline.destinations.person import sha256_hex
from postback_pipeline.model import Kind, Postback
from tests.destinations.write_golden import SENT_AT

MakePostback = Callable[..., Postback]
Configure = Callable[..., Destination]
TABLE = 'type = "microsoft_offline"\ncustomer_id = "1"\naccount_id = "2"\nphone_country = "US"\n'
PEOPLE = TABLE + "enhanced_conversions = true\n"
CLICK = {"msclkid": "f894f652ea334e739002f7167ab8f8e3"}
PERSON = {"email": " Jane.Doe+news@Acme.example", "phone": "(425) 555-0100"}


@pytest.fixture
def make(make_postback: MakePostback) -> MakePostback:
    """A conversion with a click and a person."""

    def conversion(kind: Kind = Kind.CONVERSION, **changes: Any) -> Postback:
        return make_postback(kind, **{"identifiers": CLICK, "person": PERSON, **changes})

    return conversion


def test_people_are_told_only_where_the_goal_takes_them(make: MakePostback, configure: Configure) -> None:
    assert "HashedEmailAddress" not in json.loads(configure(TABLE).render(make()))
    row = json.loads(configure(PEOPLE).render(make()))
    assert row["HashedEmailAddress"] == sha256_hex("janedoe@acme.example")
    assert row["HashedPhoneNumber"] == sha256_hex("+14255550100")
    denied = json.loads(configure(PEOPLE).render(make(consent={"ad_user_data": "denied"})))
    assert denied.keys() & {"HashedEmailAddress", "HashedPhoneNumber"} == set()


def test_what_has_no_click_id_is_told_by_person_and_then_not_known_to_be_recognised(
    make: MakePostback, configure: Configure
) -> None:
    with pytest.raises(DestinationError, match="matched"):
        configure(TABLE).render(make(identifiers={}))
    for kind in Kind:
        row = json.loads(configure(PEOPLE).render(make(kind, identifiers={})))
        assert row.keys() & {"MicrosoftClickId", "HashedEmailAddress"} == {"HashedEmailAddress"}
    assert configure(TABLE).capabilities.deduplicates
    assert not configure(PEOPLE).capabilities.deduplicates


def test_an_adjustment_names_the_original_and_is_later_with_every_revision(
    make: MakePostback, configure: Configure
) -> None:
    destination, at = configure(TABLE), datetime(2026, 3, 2, 8, 0, 0, 999_999, tzinfo=UTC)
    told = json.loads(destination.render(make(event_time=at)))
    rows = [
        json.loads(destination.render(make(Kind.RESTATEMENT, event_time=at, revision=revision))) for revision in (2, 70)
    ]
    assert {row["ConversionTime"] for row in [told, *rows]} == {"2026-03-02T08:00:00Z"}
    assert [row["AdjustmentTime"] for row in rows] == ["2026-03-02T08:00:02Z", "2026-03-02T08:01:10Z"]
    retracted = json.loads(destination.render(make(Kind.RETRACTION)))
    assert retracted["AdjustmentType"] == "Retract" and "AdjustmentValue" not in retracted


def test_mode_test_goes_to_the_sandbox_and_nowhere_else(configure: Configure) -> None:
    destination = configure('mode = "test"\n' + TABLE)
    assert destination.at_test_facility
    assert destination.origins == ("https://campaign.api.sandbox.bingads.microsoft.com",)
    assert isinstance(destination.grant, RefreshTokenGrant)
    secrets = dict.fromkeys(destination.grant.secret_names, "x")
    asked = destination.grant.request(secrets=secrets, asked_at=SENT_AT)
    assert b"scope=https%3A%2F%2Fsi.ads.microsoft.com%2Fmsads.manage" in asked.body
    with pytest.raises(DestinationError, match="sandbox"):
        configure('mode = "test"\n' + TABLE + 'base_url = "https://gateway.example"\n')
