"""What a receiver's contract says of identifiers and persons decides, also about what was decided before it said so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from postback_pipeline.destinations.person import e164, lower_email
from tests.models.dbt_process import DbtProcess
from tests.models.deployment import STAYING, Deployment, Row
from tests.models.market import META, START

DEFINITIONS = {
    "conversions": "event_name,source_entity,qualifying_statuses\npurchase,orders,paid\nrenewal,orders,shipped\n",
    "routes": """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes,start_at
meta,purchase,Purchase,click_or_identity,fbclid|fbp,30,,2026-01-01
own,renewal,renewal,identity,,30,,2026-01-01
""",
    "click_id_parameters": "parameter,identifier,network\nfbclid,fbclid,meta\n",
}
#: An order for each case, with the reason and the identifiers before and after its receiver says what it takes.
CASES: dict[str, tuple[Row, str, str, str, str]] = {
    "malformed-click-is-newer": ({"session_id": "s1"}, "eligible", '{"fbclid":"x"}', "eligible", '{"fbclid":"good"}'),
    "only-malformed-click": ({"session_id": "s2"}, "eligible", '{"fbclid":"x"}', "no_usable_identifier", ""),
    "malformed-stored": ({"fbp": "none"}, "eligible", '{"fbp":"none"}', "no_usable_identifier", ""),
    "malformed-beside-person": ({"fbp": "none", "phone": "1234567"}, "eligible", '{"fbp":"none"}', "eligible", ""),
    "malformed-person": ({"email": "n/a", "phone": "0"}, "eligible", "", "no_usable_identifier", ""),
    "person": ({"email": "ada@example.com"}, "eligible", "", "eligible", ""),
    "nothing": ({}, "no_match", "", "no_match", ""),
}


def phones() -> Iterator[Row]:
    """Numbers of every country in all ways of writing them, as far as adapters can use them."""
    forms = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
    for country in phonenumbers.SUPPORTED_REGIONS:
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(country, kind)
            written = [phonenumbers.format_number(number, form) for form in forms] if number else []
            for phone in {*written, *(each.replace("+", "00") for each in written)}:
                if e164(country)(phone):
                    yield {"country": country, "phone": phone}


def addresses() -> Iterator[Row]:
    """Addresses of odd forms that adapters can use."""
    for email in ("Ada@Example.COM", " a@b.c ", "a+b.c@d-e.f.museum", "ä@münchen.example", "!#$%@1.2", '"a"@b.c\t'):
        assert lower_email(email)
        yield {"email": email}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A shop with an order for each case, whose receivers take anything."""
    folder = tmp_path_factory.mktemp("usable")
    with DbtProcess(folder) as dbt:
        deployment = Deployment(folder / "shop", dbt, {"meta": "", "own": ""}, DEFINITIONS)
        clicks = [click("c1", "s1", "good", 1), click("c2", "s1", "x", 2), click("c3", "s2", "x", 1)]
        deployment.file("clicks", "clicks", clicks)
        orders = [order(name, **case[0]) for name, case in CASES.items()]
        deployment.file("orders", "orders", [*orders, order("renewed", status="shipped", email="n/a")])
        persons = [*phones(), *addresses()]
        assert len(persons) > 1_000
        deployment.file("orders", "persons", [order(f"person-{n}", **each) for n, each in enumerate(persons)])
        yield deployment


def click(name: str, session: str, fbclid: str, day: int) -> Row:
    at = START + timedelta(days=day)
    url = f"https://shop.example/?fbclid={fbclid}"
    return {"click_id": name, "session_id": session, "clicked_at": at.isoformat(), "landing_url": url}


def order(name: str, status: str = "paid", **more: Any) -> Row:
    at = (START + timedelta(days=3)).isoformat()
    return {"order_id": name, "ordered_at": at, "status": status, "amount": "10.00", "currency": "EUR", **more}


def decided(deployment: Deployment) -> dict[str, tuple[str, str]]:
    """The reason of each decision, and the identifiers that are to leave with it."""
    rows = deployment.query(
        """
        select decisions.source_id, decisions.reason_code, coalesce(nullif(postbacks.identifiers, '{}'), '')
        from marts.decisions left join outbox.postbacks using (conversion_key, destination)
        where decisions.reason_code <> 'not_qualified' and not starts_with(decisions.source_id, 'person-')
        """
    )
    return {source_id: (reason, identifiers) for source_id, reason, identifiers in rows}


def persons_of_use(deployment: Deployment) -> list[tuple[Any, ...]]:
    """The reasons that were found for persons whom adapters can use."""
    return deployment.query(
        """
        select distinct reason_code from marts.decisions
        where starts_with(source_id, 'person-') and destination = 'meta'
        """
    )


def test_a_postback_without_anything_usable_is_a_decision_once_the_receiver_says_what_it_takes(
    shop: Deployment,
) -> None:
    shop.build(START + timedelta(days=4))
    expected = {name: case[1:3] for name, case in CASES.items()}
    assert decided(shop) == {**expected, "renewed": ("eligible", "")}

    shop.configure({"meta": META, "own": ""})
    shop.build(START + timedelta(days=4, hours=1))
    expected = {name: case[3:] for name, case in CASES.items()}
    assert decided(shop) == {**expected, "renewed": ("eligible", "")}
    assert persons_of_use(shop) == [("eligible",)]
    step_by_step = shop.contents()

    shop.build(START + timedelta(days=4, hours=1), full=True)
    at_once = shop.contents()
    for table in STAYING:
        assert step_by_step[table] == at_once[table], table
    verdicts = shop.query("select click_id, verdict from marts.decision_candidates where destination = 'meta'")
    assert sorted(verdicts) == [("c1", "won"), ("c2", "unusable_identifier"), ("c3", "unusable_identifier")]
