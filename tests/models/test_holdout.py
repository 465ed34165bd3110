"""Experiments in the models: how many units are held out, that it does not depend on anything else, and what leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE, Deployment
from tests.models.market import START

DEFINITIONS = {
    "conversions": "event_name,source_entity,qualifying_statuses\npurchase,orders,paid|shipped\n",
    "routes": """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes,start_at
google,purchase,purchase,click,gclid,30,,2026-01-01
meta,purchase,Purchase,click,gclid,30,,2026-01-01
""",
    "click_id_parameters": "parameter,identifier,network\ngclid,gclid,google\n",
}
HEADER = "experiment,destination,event_name,unit,share,salt,start_at,end_at,region_pairs\n"
QUARTER = HEADER + "quarter,google,purchase,user,0.25,autumn,2026-01-05,2026-01-20,\n"
DESTINATIONS = {"google": ADJUSTABLE, "meta": ADJUSTABLE}
PERSONS = 10_000


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtProcess]:
    """One dbt for all builds of this module."""
    with DbtProcess(tmp_path_factory.mktemp("dbt")) as process:
        yield process


def order(number: int, person: int, day: float, **more: Any) -> dict[str, Any]:
    """A paid order of a person who came by a click of Google."""
    return {
        "order_id": f"o{number}",
        "user_id": f"u{person}",
        "gclid": f"g{number}",
        "ordered_at": (START + timedelta(days=day)).isoformat(),
        "status": "paid",
        "amount": "20.00",
        "currency": "EUR",
        **more,
    }


def told(deployment: Deployment, destination: str = "google") -> set[str]:
    """The conversions that the receiver ever heard of."""
    rows = deployment.query(
        f"select distinct conversion_key from raw.ledger_history where destination = '{destination}'"
    )
    return {key for (key,) in rows}


def test_the_wished_share_of_ten_thousand_persons_is_held_out_whatever_the_order_and_the_builds(
    dbt: DbtProcess, tmp_path: Path
) -> None:
    orders = [order(number, number % PERSONS, 5 + number % 10) for number in range(PERSONS + 2_000)]
    groups = []
    for name, pieces in (("at_once", [orders[::-1]]), ("in_steps", [orders[::2], orders[1::2]])):
        deployment = Deployment(tmp_path / name, dbt, DESTINATIONS, {**DEFINITIONS, "experiments": QUARTER})
        for number, piece in enumerate(pieces):
            deployment.file("orders", f"piece{number}", piece)
            deployment.build(START + timedelta(days=18, hours=number))
        groups.append(
            deployment.query(
                "select conversion_key, destination, experiment_unit, is_held_out, reason_code from marts.decisions"
                " order by all"
            )
        )
    assert groups[0] == groups[1]
    at_google = [row for row in groups[0] if row[1] == "google"]
    held_out = {unit for _, _, unit, is_held_out, _ in at_google if is_held_out}
    units = {unit for _, _, unit, _, _ in at_google}
    assert len(units) == PERSONS
    # Four standard deviations of a draw of 10,000.
    assert abs(len(held_out) / PERSONS - 0.25) < 0.0174
    # A person is in one group with all orders, and the other destination is told of everybody.
    assert {(held_out.__contains__(unit), reason) for _, _, unit, _, reason in at_google} == {
        (True, "holdout"),
        (False, "eligible"),
    }
    assert {row[4] for row in groups[0] if row[1] == "meta"} == {"eligible"}


def test_what_is_held_out_is_never_told_nor_its_reversal_nor_after_the_end(dbt: DbtProcess, tmp_path: Path) -> None:
    deployment = Deployment(tmp_path, dbt, DESTINATIONS, {**DEFINITIONS, "experiments": QUARTER})
    # Each person orders before, during and after the experiment.
    deployment.file("orders", "before", [order(person, person, 2) for person in range(200)])
    deployment.file("orders", "during", [order(1_000 + person, person, 8) for person in range(200)])
    deployment.build(START + timedelta(days=9))
    deployment.accept_outbox(START + timedelta(days=9))
    held_out = {
        key
        for (key,) in deployment.query(
            "select conversion_key from marts.decisions where destination = 'google' and reason_code = 'holdout'"
        )
    }
    assert 30 < len(held_out) < 70
    assert all(int(key.removeprefix("purchase:o")) >= 1_000 for key in held_out)
    everything = {f"purchase:o{number}" for number in (*range(200), *range(1_000, 1_200))}
    assert told(deployment) == everything - held_out
    assert told(deployment, "meta") == everything

    # Half of them are refunded, and later the experiment ends.
    deployment.file(
        "refunds",
        "refunds",
        [
            {
                "refund_id": f"r{person}",
                "order_id": f"o{1_000 + person}",
                "refunded_at": (START + timedelta(days=10)).isoformat(),
                "amount": "20.00" if person % 4 else "5.00",
                "currency": "EUR",
                "kind": "refund",
            }
            for person in range(0, 200, 2)
        ],
    )
    deployment.file("orders", "after", [order(2_000 + person, person, 25) for person in range(200)])
    for day in (11, 26, 60):
        deployment.build(START + timedelta(days=day))
        deployment.accept_outbox(START + timedelta(days=day))
    after = {f"purchase:o{number}" for number in range(2_000, 2_200)}
    assert told(deployment) == (everything - held_out) | after
    (sentence,) = deployment.query("select distinct sentence from marts.decisions where reason_code = 'holdout'")
    assert sentence == (
        "Experiment quarter holds it out, to measure what telling does; it is never told, nor is its reversal.",
    )


def test_what_was_told_before_an_experiment_was_written_down_stays_and_is_adjusted(
    dbt: DbtProcess, tmp_path: Path
) -> None:
    deployment = Deployment(tmp_path, dbt, DESTINATIONS, dict(DEFINITIONS))
    deployment.file("orders", "early", [order(person, person, 6) for person in range(40)])
    deployment.build(START + timedelta(days=7))
    deployment.accept_outbox(START + timedelta(days=7))
    deployment.define(experiments=QUARTER)
    deployment.file("orders", "late", [order(100 + person, person, 8) for person in range(40)])
    deployment.build(START + timedelta(days=9))
    assert deployment.query("select count(*) from outbox.postbacks where computed_against > 0") == [(0,)]
    deployment.accept_outbox(START + timedelta(days=9))
    reasons = deployment.query(
        "select source_id < 'o1', reason_code, count(*) > 0 from marts.decisions where destination = 'google'"
        " and is_held_out and try_cast(substr(source_id, 2) as integer) < 40 group by all"
    )
    assert {reason for _, reason, _ in reasons} == {"eligible"}
    (one,) = deployment.query(
        "select min(source_id) from marts.decisions where destination = 'google' and is_held_out"
        " and try_cast(substr(source_id, 2) as integer) < 40"
    )
    refund = {"refund_id": "r", "order_id": one[0], "amount": "20.00", "currency": "EUR", "kind": "refund"}
    deployment.file("refunds", "r", [{**refund, "refunded_at": (START + timedelta(days=10)).isoformat()}])
    deployment.build(START + timedelta(days=11))
    assert deployment.query("select conversion_key, destination, desired_value from outbox.postbacks order by all") == [
        (f"purchase:{one[0]}", name, 0) for name in ("google", "meta")
    ]
