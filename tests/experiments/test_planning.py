"""What a plan says of an experiment: from the past of the same destination and event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from postback_pipeline.experiments.planning import Design, propose_pairs, read_plan
from postback_pipeline.experiments.power import detectable_share
from postback_pipeline.sources.warehouse import create_raw_tables

AS_OF = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """300 persons in April, of whom a third buys twice; one half of all conversions is also seen by the pixel."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    create_raw_tables(connection)
    connection.execute("insert into raw.build_context (as_of) values (?)", [AS_OF])
    connection.execute("insert into raw.routes (destination, event_name) values ('d', 'purchase')")
    connection.execute(
        """
        create schema marts; create schema staging;
        create table marts.conversions as
            select
                'purchase:' || range as conversion_key, 'purchase' as event_name, 'orders' as source_entity,
                'u' || (range % 300) as user_id, 10.0::decimal(18, 4) as net_value, 'EUR' as currency,
                'qualified' as status,
                timestamptz '2026-04-02 00:00:00+00' + to_hours((range * 41 % 672)::bigint) as action_at,
                1 as identity_seen, range as identity_row
            from range(400);
        create table marts.decisions as
            select conversion_key, 'd' as destination, event_name, 'report' as decision, 'eligible' as reason_code,
                identity_row % 2 = 0 as is_pixel_reported
            from marts.conversions;
        insert into marts.decisions select conversion_key, 'other', event_name, 'report', 'eligible', false
            from marts.conversions;
        """
    )
    for entity in ("orders", "leads", "subscription_events", "app_events", "pixel_events"):
        rows = "select 1 as seen, range as file_row, ' R' || (range % 4) as region from range(400)"
        empty = "" if entity == "orders" else " limit 0"
        connection.execute(f"create table staging.stg_{entity} as {rows}{empty}")
    return connection


def design(unit: str, outcome: str, **more: object) -> Design:
    """Thirty days that begin in June."""
    start = datetime(2026, 6, 1, tzinfo=UTC)
    usual = {"event_name": "purchase", "share": 0.2, "start_at": start, "end_at": start + timedelta(days=30)}
    return Design(**{"destination": "d", "unit": unit, "outcome": outcome, **usual, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "outcome", "units", "baseline"),
    [
        ("user", "backend_conversions", 300, 1 / 3),
        ("user", "backend_value", 300, 10 / 3),
        ("user", "platform_conversions", 300, 0.5),
        ("user", "platform_value", 300, 0.5),
        ("conversion", "platform_conversions", 400, 0.5),
    ],
)
def test_a_plan_says_what_the_held_out_group_would_show_and_what_could_be_seen(
    warehouse: duckdb.DuckDBPyConnection, unit: str, outcome: str, units: int, baseline: float
) -> None:
    plan = read_plan(warehouse, design(unit, outcome))
    assert (plan.past_from, plan.past_until) == (AS_OF - timedelta(days=30), AS_OF)
    assert (plan.units, plan.conversions, plan.held_out) == (units, 400, round(units / 5))
    assert plan.baseline == pytest.approx(baseline)
    assert plan.detectable is not None and plan.detectable > 0
    if outcome == "platform_conversions":
        assert plan.detectable == detectable_share(0.5, units, 0.2)
    larger = read_plan(warehouse, design(unit, outcome, share=0.5))
    assert larger.detectable is not None and larger.detectable < plan.detectable


def test_a_past_without_anything_promises_nothing(warehouse: duckdb.DuckDBPyConnection) -> None:
    plan = read_plan(warehouse, design("user", "backend_value", destination="nobody"))
    assert (plan.units, plan.baseline, plan.detectable, plan.detectable_lift) == (0, None, None, None)


def test_pairs_are_proposed_and_planned_from_the_records_regions(warehouse: duckdb.DuckDBPyConnection) -> None:
    pairs = propose_pairs(warehouse, "d", "purchase", 28, "salt")
    assert sorted(region for pair in pairs for region in (pair.held_out, pair.told)) == ["r0", "r1", "r2", "r3"]
    assert propose_pairs(warehouse, "nobody", None, 28, "salt") == []
    named = tuple((pair.held_out, pair.told) for pair in pairs)
    short = {"share": None, "end_at": datetime(2026, 6, 8, tzinfo=UTC)}
    assert read_plan(warehouse, design("region", "backend_conversions", region_pairs=named, **short)).detectable is None
    third = (*named, ("r0", "r1"))
    plan = read_plan(warehouse, design("region", "backend_conversions", region_pairs=third, **short))
    assert plan.units == 6
    assert plan.detectable is not None and plan.detectable > 0


def test_a_plan_of_regions_is_in_the_outcomes_own_unit(warehouse: duckdb.DuckDBPyConnection) -> None:
    pairs = (("r0", "r1"), ("r2", "r3"), ("r0", "r3"))
    # One in another currency: it counts, and its amount does not.
    warehouse.execute("update marts.conversions set currency = 'USD', net_value = 1000 where identity_row = 0")
    plans = {
        outcome: read_plan(warehouse, design("region", outcome, region_pairs=pairs, share=None))
        for outcome in ("backend_conversions", "backend_value", "platform_conversions", "platform_value")
    }
    # Regions r0 and r2 are those of even numbers, which the pixel reports all of.
    counted, value = plans["backend_conversions"], plans["backend_value"]
    assert counted.baseline and value.baseline
    assert value.baseline == pytest.approx(10 * counted.baseline, rel=0.05)
    # All regions count alike; the missing amount is the only thing that varies.
    assert counted.detectable == 0
    assert value.detectable is not None and value.detectable > 0
    assert plans["platform_conversions"].baseline == counted.baseline
    assert plans["platform_value"].baseline == value.baseline
    assert {(plan.conversions, plan.held_out) for plan in plans.values()} == {(counted.conversions, counted.held_out)}
    only_told = read_plan(
        warehouse,
        design("region", "platform_value", region_pairs=(("r1", "r0"), ("r3", "r2"), ("r1", "r2")), share=None),
    )
    # What the pixel does not see is known of in regions that are told: as much as there is varies there.
    assert only_told.baseline == 0
    assert only_told.detectable is not None and only_told.detectable > 0
