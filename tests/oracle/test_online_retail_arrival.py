"""The real shop's year as it came: receivers accept, refunds follow, and the end is that of one whole build."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE
from tests.oracle.datasets import LANDING
from tests.oracle.online_retail import ROUTES, read_orders, report
from tests.oracle.online_retail_decisions import Terms, decisions, effects
from tests.oracle.real_deployment import RealDeployment, at

DEFINITIONS = Path(__file__).parents[2] / "examples" / "online_retail" / "definitions"
#: A build on each of these days has the files of the months before it.
BUILDS = ("2010-09-01", "2011-01-01")
TOLD = {"conversion": 23_123, "restatement": 216, "retraction": 12}


@pytest.fixture(scope="module")
def shop(home: Path, dbt: DbtProcess) -> RealDeployment:
    """Built in steps, each of them accepted whole before the next."""
    definitions = {file.stem: file.read_text(encoding="utf-8") for file in DEFINITIONS.glob("*.csv")}
    shop = RealDeployment(
        home, dbt, {route.destination: ADJUSTABLE for route in ROUTES}, definitions, zone="Europe/London"
    )
    arriving = home / "arriving"
    for day in BUILDS:
        for entity in ("clicks", "orders", "refunds"):
            (arriving / entity).mkdir(parents=True, exist_ok=True)
            for file in (LANDING / entity).iterdir():
                if file.name[:7] < day[:7]:
                    shutil.copyfile(file, arriving / entity / file.name)
        shop.bring(arriving)
        shop.build(at(day))
        assert shop.accept_outbox(at(day)) > 0
    shop.build(at(BUILDS[-1]))
    return shop


def test_what_was_told_in_the_end_is_what_the_independent_program_says(shop: RealDeployment) -> None:
    told = {
        (destination, key.removeprefix("purchase:")): value
        for destination, key, value in shop.query(
            """
            select destination, conversion_key, arg_max(value, revision) from raw.ledger_history
            where to_state = 'accepted' group by 1, 2
            """
        )
    }
    expected = {(row["destination"], row["order_id"]): Decimal(row["value"]) for row in report(LANDING)["expected"]}
    assert {key: value for key, value in told.items() if value > 0} == expected


def test_refunds_of_the_months_after_are_restated_or_retracted(shop: RealDeployment) -> None:
    found = shop.counts("select kind, count(*) from raw.ledger_history where to_state = 'accepted' group by 1")
    assert found == _told_step_by_step() == TOLD


def test_nothing_is_due_once_everything_was_told(shop: RealDeployment) -> None:
    assert shop.query("select count(*) from outbox.postbacks") == [(0,)]


def test_a_whole_build_of_the_same_files_is_the_same(shop: RealDeployment) -> None:
    in_steps = shop.contents()
    shop.build(at(BUILDS[-1]), full=True)
    whole = shop.contents()
    assert {table for table in whole if whole[table] != in_steps[table]} == set()


def _told_step_by_step() -> Counter[str]:
    """What each order's destinations are told at each build, from the files of the months before it."""
    orders = read_orders(LANDING)
    refunds = defaultdict(list)
    for effect in effects(LANDING).values():
        refunds[effect.order_id].append(effect)
    kinds: Counter[str] = Counter()
    for (order_id, _), decided in decisions(LANDING, [Terms(route) for route in ROUTES], at(BUILDS[-1])).items():
        if decided.reason not in ("eligible", "fully_reversed"):
            continue
        told = None
        for day in BUILDS:
            if f"{orders[order_id].ordered_at:%Y-%m}" < day[:7]:
                net = orders[order_id].amount - sum(each.applied for each in refunds[order_id] if each.month < day[:7])
                if told is None and net > 0:
                    kinds["conversion"] += 1
                elif told is not None and net != told:
                    kinds["restatement" if net > 0 else "retraction"] += 1
                told = net if told is not None or net > 0 else None
    return kinds
