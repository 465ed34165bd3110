"""What an experiment could see, before it starts: from as long a time of the past as it would last.

Belongs here: reading that past, and what follows from it. Does not belong here: the formulas (`power.py`,
`regions.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from postback_pipeline.experiments.comparison import Numbers
from postback_pipeline.experiments.power import detectable_mean, detectable_share
from postback_pipeline.experiments.region_series import read_history
from postback_pipeline.experiments.regions import Pair, PairSeries, detectable_change, match_regions
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_UNITS = """
    with past as (
        select
            case when ? = 'user' and conversions.user_id is not null then 'user:' || conversions.user_id
                else 'conversion:' || conversions.conversion_key end as unit,
            cast(conversions.net_value as double) as value, decisions.is_pixel_reported,
            row_number() over (partition by unit order by conversions.action_at, conversions.conversion_key) as place
        from marts.decisions as decisions
        inner join marts.conversions as conversions on decisions.conversion_key = conversions.conversion_key
        where
            decisions.destination = ? and (? is null or decisions.event_name = ?)
            and conversions.action_at >= ? and conversions.action_at < ?
            and (decisions.decision <> 'withhold' or decisions.reason_code in ('eligible', 'holdout', 'too_old'))
    )
    select
        cast(count(*) as double) as conversions, sum(value) as value,
        cast(count(*) filter (is_pixel_reported) as double) as pixel_conversions,
        coalesce(sum(value) filter (is_pixel_reported), 0) as pixel_value,
        cast(count(*) filter (place > 1) as double) as later_conversions,
        coalesce(sum(value) filter (place > 1), 0) as later_value
    from past group by unit order by unit
"""


@dataclass(frozen=True)
class Design:
    """What is planned, as a row of `experiments.csv` says it."""

    destination: str
    event_name: str | None
    unit: str
    outcome: str
    share: float | None
    start_at: datetime
    end_at: datetime
    #: (held out, told) of each pair.
    region_pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Plan:
    """What the past says. `detectable` is a difference told - held out, in the outcome's own unit."""

    past_from: datetime
    past_until: datetime
    units: int
    conversions: int
    #: Units, or conversions of held-out regions, that would not be told.
    held_out: int
    #: What the held-out group would show.
    baseline: float | None
    #: The least effect that is seen in four of five such experiments; None: none would be.
    detectable: float | None

    @property
    def detectable_lift(self) -> float | None:
        """The same as a share of the baseline."""
        return self.detectable / self.baseline if self.detectable is not None and self.baseline else None


def read_plan(connection: DuckDBPyConnection, design: Design) -> Plan:
    """Looks at the last days before the last build, or before the start where that is earlier."""
    as_of = _as_of(connection)
    until = min(as_of, design.start_at)
    window = until - (design.end_at - design.start_at), until
    return _by_region(connection, design, *window) if design.region_pairs else _by_unit(connection, design, *window)


def propose_pairs(
    connection: DuckDBPyConnection, destination: str, event_name: str | None, days: int, salt: str
) -> list[Pair]:
    """Regions that were alike in the last `days` whole days before the last build, as pairs, the best first."""
    until = _as_of(connection).date()
    return match_regions(read_history(connection, destination, event_name, until - timedelta(days=days), until), salt)


def _by_unit(connection: DuckDBPyConnection, design: Design, first: datetime, until: datetime) -> Plan:
    arguments = [design.unit, design.destination, design.event_name, design.event_name, first, until]
    found: dict[str, Any] = connection.execute(_UNITS, arguments).fetchnumpy()
    columns = {name: np.asarray(values, dtype=np.float64) for name, values in found.items()}
    units, share = len(columns["conversions"]), design.share or 0.0
    baseline, detectable = _seen(design.outcome, columns, units, share) if units > 1 else (None, None)
    return Plan(first, until, units, int(columns["conversions"].sum()), round(units * share), baseline, detectable)


def _seen(outcome: str, columns: dict[str, Numbers], units: int, share: float) -> tuple[float | None, float | None]:
    conversions, value = columns["conversions"], columns["value"]
    if outcome == "backend_conversions":
        again = float(np.mean(columns["later_conversions"] > 0))
        return again, detectable_share(again, units, share)
    if outcome == "backend_value":
        later = columns["later_value"]
        return float(later.mean()), detectable_mean(float(later.std(ddof=1)), units, share)
    if outcome == "platform_conversions":
        known = float(columns["pixel_conversions"].sum() / conversions.sum())
        return known, detectable_share(known, units, share)
    if value.sum() <= 0:
        return None, None
    ratio = float(columns["pixel_value"].sum() / value.sum())
    residuals = (columns["pixel_value"] - ratio * value) / value.mean()
    return ratio, detectable_mean(float(residuals.std(ddof=1)), units, share)


def _by_region(connection: DuckDBPyConnection, design: Design, first: datetime, until: datetime) -> Plan:
    # Twice as long: one half stands for the time before, the other for the experiment.
    days_from, days_until = (first - (until - first)).date(), until.date()
    empty = np.zeros((days_until - days_from).days)

    def history(outcome: str) -> dict[str, Numbers]:
        return read_history(connection, design.destination, design.event_name, days_from, days_until, outcome=outcome)

    untold, conversions = history(design.outcome), history("backend_conversions")
    # Before the start everybody is told, and the platform knows of what there is: so much varies then.
    varying = history(design.outcome.replace("platform_", "backend_"))
    pairs = [
        PairSeries(varying.get(told, empty), empty, varying.get(held_out, empty), empty)
        for held_out, told in design.region_pairs
    ]
    during = [_later_half(untold.get(region, empty)) for region, _ in design.region_pairs]
    return Plan(
        past_from=_midnight(days_from, first),
        past_until=_midnight(days_until, first),
        units=2 * len(pairs),
        conversions=int(sum(float(series.sum()) for series in conversions.values())),
        held_out=int(sum(_later_half(conversions.get(region, empty)).sum() for region, _ in design.region_pairs)),
        baseline=float(np.mean([series.mean() for series in during])),
        detectable=detectable_change(pairs),
    )


def _later_half(series: Numbers) -> Numbers:
    return series[len(series) // 2 :]


def _midnight(day: date, like: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=like.tzinfo)


def _as_of(connection: DuckDBPyConnection) -> datetime:
    row = connection.execute("select max(as_of) from raw.build_context").fetchone()
    if row is None or row[0] is None:
        raise PostbackError("Nothing was built yet, so there is no past to look at. Run: postback run")
    moment: datetime = row[0]
    return moment
