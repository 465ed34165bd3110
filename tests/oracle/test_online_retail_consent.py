"""The real shop's year under stricter routes: consent, pixel, holds, starts and ends, lookbacks that differ."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE
from tests.oracle.datasets import LANDING
from tests.oracle.online_retail import Route, read
from tests.oracle.online_retail_decisions import Decided, Terms, decisions
from tests.oracle.real_deployment import RealDeployment, at

AS_OF = at("2010-12-20")
TERMS = (
    Terms(
        Route("google", "gclid"),
        starts=at("2010-01-01"),
        ends=at("2010-12-01"),
        asks_consent=True,
        unknown_blocks=True,
    ),
    Terms(Route("meta", "fbclid", lookback=timedelta(days=7)), asks_consent=True, suppresses=True),
    Terms(Route("impact", "irclickid", "partners"), hold=timedelta(days=30), suppresses=True),
    Terms(
        Route("microsoft", "msclkid", "partners", lookback=timedelta(days=10)),
        starts=at("2010-02-01"),
        ends=at("2010-11-01"),
        hold=timedelta(days=14),
    ),
)
DEFINITIONS = {
    "conversions": "event_name,source_entity,qualifying_statuses,hold_days\npurchase,orders,paid|shipped|completed,0\n",
    "routes": """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,scope,hold_days,consent_purposes,\
consent_denied,consent_unknown,pixel_deduplication,event_id_template,start_at,end_at
google,purchase,purchase,click,gclid,30,network,0,ad_user_data,block,block,none,,2010-01-01,2010-12-01
meta,purchase,Purchase,click,fbclid,7,network,0,ad_user_data,block,flag,suppress,px-{order_id},2009-12-01,
impact,purchase,sale,click,irclickid,30,group:partners,30,,block,block,suppress,px-{order_id},2009-12-01,
microsoft,purchase,sale,click,msclkid,10,group:partners,14,,block,block,none,,2010-02-01,2010-11-01
""",
    "click_id_parameters": """\
parameter,identifier,network,valid_days
gclid,gclid,google,90
fbclid,fbclid,meta,90
irclickid,irclickid,impact,
msclkid,msclkid,microsoft,90
""",
}
#: (destination, reason) -> orders.
DECISIONS = {
    ("google", "before_start"): 1_682,
    ("google", "after_end"): 834,
    ("google", "consent_denied"): 1_744,
    ("google", "consent_unknown"): 489,
    ("google", "eligible"): 5_856,
    ("google", "fully_reversed"): 82,
    ("google", "no_match"): 10_264,
    ("google", "zero_value"): 3_270,
    ("meta", "consent_denied"): 649,
    ("meta", "eligible"): 1_127,
    ("meta", "fully_reversed"): 14,
    ("meta", "no_match"): 17_811,
    ("meta", "pixel_reported"): 1_350,
    ("meta", "zero_value"): 3_270,
    ("impact", "eligible"): 2_355,
    ("impact", "fully_reversed"): 30,
    ("impact", "lost_to_other_route"): 302,
    ("impact", "no_match"): 13_622,
    ("impact", "on_hold"): 1_846,
    ("impact", "pixel_reported"): 2_796,
    ("impact", "zero_value"): 3_270,
    ("microsoft", "before_start"): 2_787,
    ("microsoft", "after_end"): 3_581,
    ("microsoft", "eligible"): 2_206,
    ("microsoft", "fully_reversed"): 22,
    ("microsoft", "lost_to_other_route"): 212,
    ("microsoft", "no_match"): 12_143,
    ("microsoft", "zero_value"): 3_270,
}


#: (destination, who saw it) -> events of the pixel; 1,724 carry no order id, 300 of them none in their own either.
PIXEL_REPORTS = {
    ("google", "both"): 11_961,
    ("google", "pixel"): 1_724,
    ("microsoft", "both"): 11_961,
    ("microsoft", "pixel"): 1_724,
    ("meta", "both"): 13_385,
    ("meta", "pixel"): 300,
    ("impact", "both"): 13_385,
    ("impact", "pixel"): 300,
}


@pytest.fixture(scope="module")
def shop(home: Path, dbt: DbtProcess) -> RealDeployment:
    shop = RealDeployment(
        home, dbt, {each.route.destination: ADJUSTABLE for each in TERMS}, DEFINITIONS, zone="Europe/London"
    )
    shop.bring(LANDING)
    shop.build(AS_OF)
    return shop


def test_every_decision_is_the_one_that_the_independent_program_takes(shop: RealDeployment) -> None:
    expected = decisions(LANDING, TERMS, AS_OF)
    found = {
        (order, destination): Decided(reason, click_id)
        for order, destination, reason, click_id in shop.query(
            "select source_id, destination, reason_code, click_id from marts.decisions"
        )
    }
    assert found == expected
    by_reason = Counter((destination, each.reason) for (_, destination), each in expected.items())
    assert by_reason == DECISIONS
    assert sum(by_reason.values()) == 24_221 * len(TERMS)


def test_every_pixel_report_is_one_that_the_backend_knows_or_the_pixel_alone(shop: RealDeployment) -> None:
    orders = {row["order_id"] for row in read(LANDING, "orders")}
    events = list(read(LANDING, "pixel_events"))
    expected: Counter[tuple[str, str]] = Counter()
    for event in events:
        # Two routes say how their tag's event ids are made; the others know an order by its own id only.
        named = event["event_id"].removeprefix("px-")
        for destination, known in (
            ("google", event.get("order_id")),
            ("microsoft", event.get("order_id")),
            ("meta", event.get("order_id", named)),
            ("impact", event.get("order_id", named)),
        ):
            expected[destination, "both" if known in orders else "pixel"] += 1
    found = shop.counts("select destination, seen_by, count(*) from marts.pixel_reports group by 1, 2")
    assert found == expected == PIXEL_REPORTS


def test_nothing_is_withheld_without_a_sentence(shop: RealDeployment) -> None:
    assert shop.query("select count(*) from marts.decisions where sentence is null or sentence like '%{%'") == [(0,)]


def test_what_may_not_leave_is_not_in_the_outbox(shop: RealDeployment) -> None:
    eligible = {each[0]: count for each, count in DECISIONS.items() if each[1] == "eligible"}
    assert shop.counts("select destination, count(*) from outbox.postbacks group by 1") == eligible
