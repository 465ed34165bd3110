"""Microsoft's offline conversions, adjustments and orders of reports, held against the models of its own package.

What those leave open is closed here: keys that they drop, types of adjustments, what an adjustment names, hashes.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Destination
from postback_pipeline.destinations.person import sha256_hex
from postback_pipeline.model import Kind
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.microsoft import ZONES, MicrosoftReport, MicrosoftReportOptions
from tests.destinations.samples import destination_of
from tests.judges.bodies import body_of
from tests.judges.hearing import Court
from tests.judges.postbacks import Case, cases, judged

SETTINGS = 'type = "microsoft_offline"\nmode = "test"\ncustomer_id = "1"\naccount_id = "2"\nenhanced_conversions = true'
CLICKS = {"msclkid": st.from_regex("[0-9a-f]{32}", fullmatch=True)}
GOALS = ("Offline purchase", "Käufe")


def may_be_told(case: Case) -> bool:
    """Without a click there is only the person, who did not agree."""
    return bool(case.postback.facts.identifiers) or case.postback.consent.get("ad_user_data") != "denied"


CONVERSIONS = cases(identifiers=CLICKS, events=GOALS, required=("email",)).filter(may_be_told)
ADJUSTMENTS = cases(
    identifiers=CLICKS, events=GOALS, kinds=(Kind.RESTATEMENT, Kind.RETRACTION), required=("email",)
).filter(may_be_told)
TYPES = {Kind.RESTATEMENT: "Restate", Kind.RETRACTION: "Retract"}


@pytest.fixture(scope="module")
def microsoft() -> Destination:
    return destination_of(SETTINGS)


@judged
@given(told=st.lists(CONVERSIONS, min_size=1, max_size=3))
def test_conversions_are_understood_whole(court: Court, microsoft: Destination, told: list[Case]) -> None:
    body = body_of(microsoft, *(case.postback for case in told))
    assert court.ask("microsoft.conversions", body) == body


@judged
@given(told=st.lists(ADJUSTMENTS, min_size=1, max_size=3))
def test_adjustments_are_understood_whole(court: Court, microsoft: Destination, told: list[Case]) -> None:
    body = body_of(microsoft, *(case.postback for case in told))
    assert court.ask("microsoft.adjustments", body) == body


@judged
@given(case=CONVERSIONS)
def test_what_the_models_leave_open_holds_for_conversions(microsoft: Destination, case: Case) -> None:
    (row,) = body_of(microsoft, case.postback)["OfflineConversions"]
    facts = case.postback.facts
    assert datetime.fromisoformat(row["ConversionTime"]) == facts.event_time.replace(microsecond=0)
    assert row["ConversionName"] == facts.receiver_event
    assert Decimal(repr(row["ConversionValue"])) == case.postback.value
    assert row["ConversionCurrencyCode"] == case.postback.currency
    assert row.get("MicrosoftClickId") == facts.identifiers.get("msclkid")
    denied = case.postback.consent.get("ad_user_data") == "denied"
    assert ("HashedEmailAddress" in row) is not denied
    if not denied:
        assert re.fullmatch("[0-9a-f]{64}", row["HashedEmailAddress"])
        assert row.get("HashedPhoneNumber") == (case.phone and sha256_hex(case.phone))


@judged
@given(case=ADJUSTMENTS)
def test_what_the_models_leave_open_holds_for_adjustments(microsoft: Destination, case: Case) -> None:
    (row,) = body_of(microsoft, case.postback)["OfflineConversionAdjustments"]
    facts = case.postback.facts
    told_at = facts.event_time.replace(microsecond=0)
    assert datetime.fromisoformat(row["ConversionTime"]) == told_at
    later = timedelta(seconds=case.postback.revision)
    assert datetime.fromisoformat(row["AdjustmentTime"]) == told_at + later > told_at
    assert row["AdjustmentType"] == TYPES[case.postback.kind]
    assert ("AdjustmentValue" in row) is ("AdjustmentCurrencyCode" in row) is (row["AdjustmentType"] == "Restate")
    if "AdjustmentValue" in row:
        assert Decimal(repr(row["AdjustmentValue"])) == case.postback.value
    assert ("MicrosoftClickId" in row) is not ("HashedEmailAddress" in row)


@judged
@given(zone=st.sampled_from(sorted(ZONES.values())), first=st.dates(date(2020, 1, 1), date(2035, 1, 1)))
def test_the_order_of_a_report_is_understood_whole(court: Court, zone: str, first: date) -> None:
    options = MicrosoftReportOptions(customer_id="1", currency="EUR")
    days = Days(first, first + timedelta(days=29), ZoneInfo(zone))
    ask = next(MicrosoftReport(options, base="").conversation("2", days, ("Purchase",)))
    order = json.loads(ask.body)["ReportRequest"]
    assert court.ask("microsoft.goals_report", order) == order
    assert days.same_in(ZONES[order["Time"]["ReportTimeZone"]])
