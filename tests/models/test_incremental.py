"""However the same rows arrive, and in however many builds: the tables are what one full rebuild makes of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import STAYING, Deployment
from tests.models.market import DEFINITIONS, DESTINATIONS, META, START, Market

#: What marketing may do between two builds.
EDITS = (
    {"routes": DEFINITIONS["routes"].replace("gclid|wbraid,30", "gclid|wbraid,12")},
    {"routes": DEFINITIONS["routes"].replace("group:partners,3", "network,3")},
    {"routes": "\n".join(line for line in DEFINITIONS["routes"].splitlines() if not line.startswith("bing")) + "\n"},
    {"conversions": DEFINITIONS["conversions"].replace("exclude,2,server", "exclude,5,server")},
    {"conversions": DEFINITIONS["conversions"].replace("user_id,,ordered_at", ",,ordered_at")},
    {"plan_values": DEFINITIONS["plan_values"].replace("basic,10", "basic,11")},
    {"experiments": DEFINITIONS["experiments"] + "third,meta,,conversion,0.3,y,2026-01-01,2026-02-20,\n"},
    {"click_id_parameters": DEFINITIONS["click_id_parameters"].replace("google,25", "google,5")},
)
#: A build through dbt takes seconds, so examples are few and each of them has much in it.
FEW = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtProcess]:
    """One dbt for all builds of this module."""
    with DbtProcess(tmp_path_factory.mktemp("dbt")) as process:
        yield process


class Arrival:
    """The market's rows on their way: in pieces, some twice, some files rewritten later with fewer rows."""

    def __init__(self, deployment: Deployment, market: Market, chance: Random) -> None:
        self._deployment, self._chance = deployment, chance
        self._files: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._pieces: list[tuple[str, list[dict[str, Any]]]] = []
        for entity, rows in market.rows.items():
            shuffled, count = chance.sample(rows, len(rows)), chance.randint(1, 4)
            pieces = [(entity, shuffled[start::count]) for start in range(count)]
            self._pieces += pieces + [chance.choice(pieces)] * chance.randint(0, 1)
        chance.shuffle(self._pieces)

    def some(self, last: bool) -> None:
        """Brings a part of what is left; in the end all of it."""
        share = len(self._pieces) if last else self._chance.randint(0, len(self._pieces))
        for entity, rows in self._pieces[:share]:
            self._write((entity, f"file{len(self._files)}"), rows)
        del self._pieces[:share]

    def forget(self) -> None:
        """One file is written anew, with some of its rows."""
        if self._files:
            key = self._chance.choice(sorted(self._files))
            self._write(key, [row for row in self._files[key] if self._chance.random() < 0.7])

    def _write(self, key: tuple[str, str], rows: list[dict[str, Any]]) -> None:
        self._files[key] = rows
        self._deployment.file(*key, rows)


@FEW
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_any_arrival_built_in_any_steps_equals_one_full_rebuild(dbt: DbtProcess, seed: int) -> None:
    chance = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        deployment = Deployment(Path(folder), dbt, DESTINATIONS, dict(DEFINITIONS))
        arrival = Arrival(deployment, Market(chance), chance)
        as_of, steps = START + timedelta(days=20), chance.randint(2, 4)
        for step in range(steps):
            arrival.some(last=step == steps - 1)
            if step and chance.random() < 0.6:
                arrival.forget()
            if step and chance.random() < 0.5:
                deployment.define(**chance.choice(EDITS))
            if chance.random() < 0.3:
                deployment.configure({**DESTINATIONS, "meta": META})
            as_of += timedelta(days=chance.choice((0.5, 3, 12)))
            deployment.build(as_of)
            if chance.random() < 0.7:
                deployment.accept_outbox(as_of + timedelta(minutes=5))
        as_of += timedelta(days=chance.choice((0, 1, 20)))
        deployment.build(as_of)
        step_by_step = deployment.contents()

        dbt.run(deployment.warehouse, full=True)
        at_once = deployment.contents()
    for table in STAYING:
        assert step_by_step[table] == at_once[table], table
    assert at_once["marts.decisions"]


def reported(deployment: Deployment) -> dict[tuple[str, str], Any]:
    """What each destination believes: the value it accepted last; what it was never told of is not there."""
    rows = deployment.query(
        """
        select destination, conversion_key, arg_max(value, revision)
        from raw.ledger_history where to_state = 'accepted' group by all
        """
    )
    return {(destination, key): value for destination, key, value in rows if value}


def settle(deployment: Deployment, market: Market, chance: Random) -> dict[tuple[str, str], Any]:
    """Brings everything in any order, builds and delivers at any time, and goes on until nothing is due."""
    arrival, as_of = Arrival(deployment, market, chance), START + timedelta(days=90)
    for step in range(steps := chance.randint(1, 3)):
        arrival.some(last=step == steps - 1)
        as_of += timedelta(hours=1)
        deployment.build(as_of)
        if chance.random() < 0.7:
            deployment.accept_outbox(as_of)
    while deployment.accept_outbox(as_of):
        as_of += timedelta(hours=1)
        deployment.build(as_of)
    return reported(deployment)


SIMPLE = {
    "conversions": "event_name,source_entity,qualifying_statuses\npurchase,orders,paid|shipped\n",
    "routes": """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes,start_at
google,purchase,purchase,click,gclid|wbraid,30,,2026-01-01
""",
    "click_id_parameters": "parameter,identifier,network\ngclid,gclid,google\nwbraid,wbraid,google\n",
}
SIMPLE_DESTINATION = {"google": DESTINATIONS["google"].partition("dedup_window_hours")[0]}


@FEW
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_any_order_of_arrival_builds_and_deliveries_ends_at_the_same_reported_values(
    dbt: DbtProcess, seed: int
) -> None:
    chance = Random(seed)
    market = Market(chance)
    # By explicit facts alone: what merely stops qualifying, or turns out to be a test, stays as it was reported.
    market.rows = {entity: market.rows[entity] for entity in ("clicks", "orders", "refunds", "fx_rates")}
    for number, click in enumerate(market.rows["clicks"]):
        # Of two clicks of one id the one seen last holds: then arrival would decide, by contract.
        click["click_id"] = f"click{number}"
    for order in market.rows["orders"]:
        order.update(is_test=None, status="cancelled" if order["status"] == "cancelled" else "paid", currency="EUR")
        order["amount"] = f"{float(order['amount']) + 1:.2f}"
        # What an order says of the person and the time is the same in each of its versions.
        order.update({key: None for key in ("session_id", "cart_id", "click_id", "gclid", "fbc", "fbp")})
        order.update(user_id=f"u{int(order['order_id'][1:]) % 6}", ordered_at=(START + timedelta(days=30)).isoformat())
    outcomes = []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            deployment = Deployment(Path(folder), dbt, SIMPLE_DESTINATION, dict(SIMPLE))
            outcomes.append(settle(deployment, market, chance))
    assert outcomes[0] == outcomes[1]
