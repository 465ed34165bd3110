"""What is told of figures that left their usual range: one condition per destination and day, until it is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import duckdb
import pytest

from postback_pipeline.alerting.anomaly_conditions import anomalies
from postback_pipeline.alerting.condition import Condition
from postback_pipeline.anomalies.findings import Finding
from postback_pipeline.anomalies.judge import Judgement, judge
from postback_pipeline.anomalies.series import METRICS, Point, Series
from postback_pipeline.defs.anomaly_tables import write_judgements
from postback_pipeline.settings.alerts import ConditionKind

NOON = datetime(2026, 3, 30, 12, tzinfo=UTC)
YESTERDAY = date(2026, 3, 29)
FIRST = YESTERDAY.toordinal() - 69


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema metrics")
        yield connection


def judged(
    metric: str, usual: float, *then: float, destination: str = "meta", event: str = "purchase", weight: float = 200
) -> Judgement:
    """A series of seventy days to yesterday, the last of them unusual."""
    values = [usual] * (70 - len(then)) + [*then]
    points = [
        Point(date.fromordinal(FIRST + number), value, 1 if metric == "volume" else weight)
        for number, value in enumerate(values)
    ]
    currency = "EUR" if metric == "value_per_conversion" else ""
    return judge(Series(destination, event, METRICS[metric], points, currency))


def found(warehouse: duckdb.DuckDBPyConnection, *judgements: Judgement, now: datetime = NOON) -> list[Condition]:
    write_judgements(warehouse, judgements)
    return list(anomalies(warehouse, now))


def test_what_is_usual_is_nobodys_business(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert found(warehouse) == []
    assert found(warehouse, judged("match_rate", 0.8)) == []


def test_what_was_found_of_one_destination_and_day_is_one_condition(warehouse: duckdb.DuckDBPyConnection) -> None:
    meta, google = found(
        warehouse,
        judged("match_rate", 0.8, 0.2),
        judged("volume", 100.0, 0.0),
        judged("volume", 100.0, 0.0, destination="google"),
    )[::-1]
    assert (meta.key, meta.subject, meta.kind) == ("anomaly:meta:2026-03-29", "meta", ConditionKind.ANOMALY)
    assert meta.figures == {"found": 2, "certain": 2}
    assert meta.since == datetime(2026, 3, 29, tzinfo=UTC)
    assert "purchase: match rate 20.0% where 79.9% is expected" in meta.sentence
    assert "purchase: no conversions where 100 is expected" in meta.sentence
    assert google.key == "anomaly:google:2026-03-29"


def test_it_keeps_its_key_while_it_lasts_and_is_gone_when_the_figure_is_back(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    (first,) = found(warehouse, judged("match_rate", 0.8, 0.2, 0.2))
    (later,) = found(warehouse, judged("match_rate", 0.8, 0.2, 0.2, 0.2, 0.2))
    assert first.key == "anomaly:meta:2026-03-28"
    assert later.key == "anomaly:meta:2026-03-26"
    assert found(warehouse, judged("match_rate", 0.8, 0.2, 0.8)) == []


def test_what_nothing_was_heard_of_for_four_weeks_is_forgotten(warehouse: duckdb.DuckDBPyConnection) -> None:
    assert found(warehouse, judged("match_rate", 0.8, 0.2), now=datetime(2026, 4, 26, 12, tzinfo=UTC)) != []
    assert found(warehouse, judged("match_rate", 0.8, 0.2), now=datetime(2026, 4, 27, 12, tzinfo=UTC)) == []


def test_all_destinations_together_are_called_so_and_many_figures_are_counted(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    names = [f"event_{number}" for number in range(8)]
    (condition,) = found(
        warehouse, *(judged("match_rate", 0.8, 0.2, destination="(all)", event=name) for name in names)
    )
    assert condition.sentence.startswith("At all destinations together, since 2026-03-29: event_0: match rate")
    assert condition.sentence.endswith("; and 2 more figures.")


@pytest.mark.parametrize(
    ("metric", "usual", "then", "said"),
    [
        ("latency", 600.0, 40_000.0, "latency 11.1 h where 600 s is expected"),
        ("value_per_conversion", 40.0, 4_000.0, "value per conversion 4,000.00 EUR where 40.00 EUR is expected"),
        ("report_rate", 0.9, 1.8, "reported ÷ accepted 1.80 where 0.90 is expected"),
    ],
)
def test_figures_are_told_in_their_own_unit(
    warehouse: duckdb.DuckDBPyConnection, metric: str, usual: float, then: float, said: str
) -> None:
    (condition,) = found(warehouse, judged(metric, usual, then))
    assert f"purchase: {said}" in condition.sentence


def test_the_tables_hold_what_was_judged(warehouse: duckdb.DuckDBPyConnection) -> None:
    judgement = judged("match_rate", 0.8, 0.2)
    write_judgements(warehouse, [judgement])
    finding: Finding = judgement.findings[0]
    assert warehouse.execute("select metric, kind, since, value, ended_on from metrics.anomalies").fetchall() == [
        ("match_rate", "drop", finding.since, 0.2, None)
    ]
    assert warehouse.execute(
        "select count(*), count(expected), count(*) filter (where is_out) from metrics.usual_ranges"
    ).fetchall() == [(70, sum(each.sigmas is not None for each in judgement.days), 1)]
    write_judgements(warehouse, [])
    assert warehouse.execute("from metrics.anomalies").fetchall() == []
