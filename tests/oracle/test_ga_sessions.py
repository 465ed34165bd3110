"""Real sessions with real click ids: every gclid is read from its landing URL, every transaction finds its click."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE, Row
from tests.oracle.datasets import SESSIONS
from tests.oracle.ga_sessions import Session, owed_to, read_sessions
from tests.oracle.real_deployment import RealDeployment, at

LOOKBACK = timedelta(days=30)
#: US dollars, with and without shipping; the orders that a click is known of.
GROSS, NET, OWED = Decimal("5242.65"), Decimal("4876.65"), 3
#: A visit is a conversion too: so every landing URL is read.
DEFINITIONS = {
    "conversions": """\
event_name,source_entity,qualifying_statuses,value_rule,currency,zero_values
purchase,orders,completed,net_of_shipping,,exclude
visit,pixel_events,visit,gross,USD,allow
""",
    "routes": """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,scope,hold_days,consent_purposes,start_at
google,purchase,purchase,click,gclid|wbraid|gbraid,30,network,0,,2016-08-01
google,visit,visit,click,gclid,30,network,0,,2016-08-01
""",
    "click_id_parameters": """\
parameter,identifier,network,valid_days
gclid,gclid,google,90
wbraid,wbraid,google,90
gbraid,gbraid,google,90
""",
}


def landing_url(session: Session) -> str:
    """The page with what the session's own columns say of where it came from."""
    tags = {
        "utm_source": session.source,
        "utm_medium": session.medium,
        "utm_campaign": session.campaign,
        "utm_term": session.keyword,
        "gclid": session.gclid,
        "ref": session.path,
    }
    return (
        f"https://shop.example/?{urlencode({name: text for name, text in tags.items() if text}, quote_via=quote)}#top"
    )


def click(session: Session) -> Row:
    return {
        "click_id": f"landing-{session.session_id}",
        "clicked_at": session.started_at.isoformat(),
        "landing_url": landing_url(session),
        "session_id": session.session_id,
        "user_id": session.visitor,
    }


def visit(session: Session) -> Row:
    """Known by its session only: the visitor's other sessions are not its own."""
    return {
        "event_id": session.session_id,
        "event": "visit",
        "occurred_at": session.ended_at.isoformat(),
        "session_id": session.session_id,
    }


def order(session: Session) -> Row:
    return {
        "order_id": session.order_id,
        "ordered_at": session.ended_at.isoformat(),
        "status": "completed",
        "amount": str(session.total),
        "shipping": str(session.total - session.revenue),
        "currency": "USD",
        "session_id": session.session_id,
        "user_id": session.visitor,
    }


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return read_sessions(SESSIONS)


@pytest.fixture(scope="module")
def shop(home: Path, dbt: DbtProcess, sessions: list[Session]) -> RealDeployment:
    shop = RealDeployment(home, dbt, {"google": ADJUSTABLE}, DEFINITIONS)
    shop.file("clicks", "all", [click(each) for each in sessions])
    shop.file("pixel_events", "all", [visit(each) for each in sessions])
    shop.file("orders", "all", [order(each) for each in sessions if each.order_id])
    shop.build(at("2017-08-03"))
    return shop


def test_the_file_holds_what_is_known_of_it(sessions: list[Session]) -> None:
    assert len({each.session_id for each in sessions}) == len(sessions) == 2_738
    assert len({each.visit for each in sessions}) == 2_737
    assert len([each for each in sessions if each.gclid]) == 157
    assert len({each.gclid for each in sessions if each.gclid}) == 154
    assert len({each.order_id for each in sessions if each.order_id}) == 67


def test_every_gclid_is_read_as_it_stands_in_the_file_and_no_other(
    shop: RealDeployment, sessions: list[Session]
) -> None:
    assert shop.query("select count(*) from raw.quarantine") == [(0,)]
    found = {
        source_id: (reason, identifier, value)
        for source_id, reason, identifier, value in shop.query(
            """
            select source_id, reason_code, identifier, identifier_value from marts.decisions
            where event_name = 'visit'
            """
        )
    }
    assert found == {
        each.session_id: ("eligible", "gclid", each.gclid) if each.gclid else ("no_match", None, None)
        for each in sessions
    }
    assert len({value for _, _, value in found.values() if value}) == 154


def test_every_transaction_is_an_order_of_its_value_without_shipping(
    shop: RealDeployment, sessions: list[Session]
) -> None:
    found = {
        order_id: (gross, net)
        for order_id, gross, net in shop.query(
            "select source_id, gross_amount, net_value from marts.conversions where event_name = 'purchase'"
        )
    }
    assert found == {each.order_id: (each.total, each.revenue) for each in sessions if each.order_id}
    assert sum(gross for gross, _ in found.values()) == GROSS
    assert sum(net for _, net in found.values()) == NET


def test_every_order_is_owed_to_the_session_that_the_file_says(shop: RealDeployment, sessions: list[Session]) -> None:
    found = {
        order_id: (reason, click_id, value)
        for order_id, reason, click_id, value in shop.query(
            """
            select source_id, reason_code, click_id, identifier_value from marts.decisions
            where event_name = 'purchase'
            """
        )
    }
    expected = {}
    for each in sessions:
        if each.order_id:
            owed = owed_to(each, sessions, LOOKBACK)
            expected[each.order_id] = (
                ("eligible", f"landing-{owed.session_id}", owed.gclid) if owed else ("no_match", None, None)
            )
    assert found == expected
    assert [reason for reason, _, _ in found.values()].count("eligible") == OWED
