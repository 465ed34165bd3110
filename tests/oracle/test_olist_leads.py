"""Real leads with dates and long delays: who qualified, who was won, who is told of it and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE, Row
from tests.oracle.datasets import DEALS, LEADS
from tests.oracle.olist_leads import Lead, by_month, read_leads
from tests.oracle.real_deployment import RealDeployment, at

EXAMPLE = Path(__file__).parents[2] / "examples" / "lead_generation"
AS_OF = at("2018-06-01")
#: Which of a lead's origins carry whose click id.
PAID = {"paid_search": "gclid", "display": "irclickid", "referral": "irclickid", "other_publicities": "irclickid"}
#: On this day the clocks of São Paulo went from 23:59:59 to 01:00:00: there was no midnight.
NO_MIDNIGHT = "2017-10-15"
BY_MONTH = {
    "qualified_lead": {
        "2017-06": 4, "2017-07": 239, "2017-08": 386, "2017-09": 312, "2017-10": 416, "2017-11": 445, "2017-12": 200,
        "2018-01": 1_141, "2018-02": 1_028, "2018-03": 1_174, "2018-04": 1_352, "2018-05": 1_303,
    },
    "deal_won": {
        "2017-12": 3, "2018-01": 73, "2018-02": 113, "2018-03": 147, "2018-04": 207, "2018-05": 122, "2018-06": 57,
        "2018-07": 37, "2018-08": 33, "2018-09": 23, "2018-10": 21, "2018-11": 6,
    },
}  # fmt: skip
#: (destination, event, reason) -> leads.
DECISIONS = {
    ("google", "deal_won", "eligible"): 119,
    ("google", "deal_won", "no_match"): 424,
    ("google", "deal_won", "not_qualified"): 7_158,
    ("google", "deal_won", "on_hold"): 299,
    ("google", "qualified_lead", "eligible"): 1_586,
    ("google", "qualified_lead", "no_match"): 6_414,
    ("affiliate", "deal_won", "eligible"): 19,
    ("affiliate", "deal_won", "no_match"): 524,
    ("affiliate", "deal_won", "not_qualified"): 7_158,
    ("affiliate", "deal_won", "on_hold"): 299,
    ("affiliate", "qualified_lead", "before_start"): 2_002,
    ("affiliate", "qualified_lead", "eligible"): 292,
    ("affiliate", "qualified_lead", "no_match"): 5_160,
    ("affiliate", "qualified_lead", "on_hold"): 546,
}


def definitions() -> dict[str, str]:
    """Those of the example."""
    return {file.stem: file.read_text(encoding="utf-8") for file in (EXAMPLE / "definitions").glob("*.csv")}


def history(lead: Lead) -> Iterator[Row]:
    """The lead's rows in the landing contract; its dates become the first instant of the day."""
    contacted = f"{lead.contacted_on} {'01' if lead.contacted_on == NO_MIDNIGHT else '00'}:00:00"
    person = {"lead_id": lead.lead_id, "created_at": contacted, "click_id": lead.lead_id}
    yield {**person, "status": "new", "status_at": contacted}
    yield {**person, "status": "qualified", "status_at": contacted}
    if lead.won_at:
        yield {**person, "status": "closed_won", "status_at": lead.won_at}


def click(lead: Lead) -> Row:
    """The visit of the landing page that the lead came from."""
    parameter = PAID.get(lead.origin, "utm_content")
    contacted = f"{lead.contacted_on} {'01' if lead.contacted_on == NO_MIDNIGHT else '00'}:00:00"
    return {
        "click_id": lead.lead_id,
        "clicked_at": contacted,
        "landing_url": f"https://sell.example/{lead.landing_page}?utm_source={lead.origin}&{parameter}={lead.lead_id}",
    }


@pytest.fixture(scope="module")
def leads() -> list[Lead]:
    return read_leads(LEADS, DEALS)


@pytest.fixture(scope="module")
def market(home: Path, dbt: DbtProcess, leads: list[Lead]) -> RealDeployment:
    market = RealDeployment(
        home, dbt, {"google": ADJUSTABLE, "affiliate": ADJUSTABLE}, definitions(), zone="America/Sao_Paulo"
    )
    market.file("clicks", "all", [click(lead) for lead in leads])
    market.file("leads", "all", [row for lead in leads for row in history(lead)])
    market.build(AS_OF)
    return market


def test_every_lead_is_in_and_none_is_lost(market: RealDeployment, leads: list[Lead]) -> None:
    assert market.query("select count(*) from raw.quarantine") == [(0,)]
    assert market.counts("select status, count(*) from raw.leads group by 1") == {
        "new": 8_000,
        "qualified": 8_000,
        "closed_won": sum(lead.won_at is not None for lead in leads),
    }
    found = market.counts("select event_name, status, count(*) from marts.conversions group by 1, 2")
    assert found == {
        ("qualified_lead", "qualified"): 8_000,
        ("deal_won", "qualified"): 842,
        ("deal_won", "not_qualified"): 8_000 - 842,
    }


def test_lead_to_close_is_that_of_the_files(market: RealDeployment, leads: list[Lead]) -> None:
    (found,) = market.query(
        """
        select
            count(*) filter (event_name = 'deal_won'), count(*) filter (event_name = 'qualified_lead'),
            sum(net_value) filter (event_name = 'deal_won'), sum(net_value) filter (event_name = 'qualified_lead')
        from marts.conversions where status = 'qualified'
        """
    )
    won = sum(lead.won_at is not None for lead in leads)
    assert found == (won, len(leads), 400 * won, 25 * len(leads))
    assert won / len(leads) == 842 / 8_000


def test_months_are_those_of_the_shops_clock(market: RealDeployment, leads: list[Lead]) -> None:
    for event, expected in (
        ("qualified_lead", by_month(lead.contacted_on for lead in leads)),
        ("deal_won", by_month(lead.won_at for lead in leads)),
    ):
        found = market.counts(
            f"""
            select strftime(timezone('America/Sao_Paulo', occurred_at), '%Y-%m'), count(*) from marts.conversions
            where event_name = '{event}' and status = 'qualified' group by 1 order by 1
            """
        )
        assert found == expected == BY_MONTH[event]


def test_lead_to_close_of_each_month_of_contact(market: RealDeployment, leads: list[Lead]) -> None:
    found = {
        month: (won, qualified)
        for month, won, qualified in market.query(
            """
            select
                strftime(timezone('America/Sao_Paulo', action_at), '%Y-%m'),
                count(*) filter (event_name = 'deal_won'), count(*) filter (event_name = 'qualified_lead')
            from marts.conversions where status = 'qualified' group by 1 order by 1
            """
        )
    }
    won = by_month(lead.contacted_on for lead in leads if lead.won_at)
    contacted = by_month(lead.contacted_on for lead in leads)
    assert found == {month: (won.get(month, 0), count) for month, count in contacted.items()}
    assert found["2018-04"] == (183, 1_352)


def test_the_newest_status_of_a_lead_is_the_last_of_its_history(market: RealDeployment, leads: list[Lead]) -> None:
    found = market.counts(
        "select source_status, count(*) from marts.conversions where event_name = 'qualified_lead' group by 1"
    )
    # The one whose deal is dated before its first contact was heard of last as a qualified lead.
    won = sum(lead.won_at is not None and not lead.is_won_before_contact for lead in leads)
    assert found == {"qualified": 8_000 - won, "closed_won": won}


def test_a_deal_dated_before_its_lead_counts_and_is_told_with_the_rest(
    market: RealDeployment, leads: list[Lead]
) -> None:
    (odd,) = [lead for lead in leads if lead.is_won_before_contact]
    (found,) = market.query(
        f"""
        select status, qualified_at < action_at, strftime(timezone('America/Sao_Paulo', occurred_at), '%Y-%m-%d')
        from marts.conversions where event_name = 'deal_won' and source_id = '{odd.lead_id}'
        """
    )
    assert odd.won_at
    assert found == ("qualified", True, odd.won_at[:10])
    reasons = market.counts(
        f"""
        select destination, reason_code, event_time = action_at from marts.decisions
        where event_name = 'deal_won' and source_id = '{odd.lead_id}'
        """
    )
    # It came by organic search. No receiver would take an event from before the click.
    assert reasons == {("google", "no_match"): True, ("affiliate", "no_match"): True}
    assert market.query("select count(*) from marts.decisions where event_time < clicked_at") == [(0,)]


def test_a_midnight_that_there_was_not_is_named_and_not_guessed(
    tmp_path: Path, dbt: DbtProcess, leads: list[Lead]
) -> None:
    that_day = [lead for lead in leads if lead.contacted_on == NO_MIDNIGHT]
    assert len(that_day) == 7
    market = RealDeployment(tmp_path, dbt, {"google": "", "affiliate": ""}, definitions(), zone="America/Sao_Paulo")
    midnight = f"{NO_MIDNIGHT} 00:00:00"
    rows = [
        {"lead_id": lead.lead_id, "created_at": midnight, "status": "qualified", "status_at": midnight}
        for lead in that_day
    ]
    market.file("leads", "all", rows)
    market.load(AS_OF)
    sentence = "is a time that the clocks of America/Sao_Paulo skipped."
    assert market.counts("select reason, count(*) from raw.quarantine group by 1") == {
        f"created_at {sentence} status_at {sentence}": 7
    }


def test_every_decision_follows_from_the_files(market: RealDeployment, leads: list[Lead]) -> None:
    expected: Counter[tuple[str, str, str]] = Counter()
    for lead in leads:
        for destination, identifier in (("google", "gclid"), ("affiliate", "irclickid")):
            expected[destination, "qualified_lead", _lead_reason(lead, destination, identifier)] += 1
            expected[destination, "deal_won", _deal_reason(lead, identifier)] += 1
    found = market.counts("select destination, event_name, reason_code, count(*) from marts.decisions group by all")
    assert found == expected == DECISIONS


def _lead_reason(lead: Lead, destination: str, identifier: str) -> str:
    if destination == "affiliate" and lead.contacted_on < "2018-01-01":
        return "before_start"
    # A fortnight before the first of June, by the clock of São Paulo.
    if destination == "affiliate" and lead.contacted_on > "2018-05-17":
        return "on_hold"
    return "eligible" if PAID.get(lead.origin) == identifier else "no_match"


def _deal_reason(lead: Lead, identifier: str) -> str:
    if lead.won_at is None:
        return "not_qualified"
    if lead.won_at > "2018-05-01 21:00:00":
        return "on_hold"
    return "eligible" if PAID.get(lead.origin) == identifier else "no_match"
