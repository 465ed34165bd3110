"""The regions of a geo experiment as series, from the warehouse's tables.

Belongs here: reading them; a day without a conversion is zero. Does not belong here: what is made of them
(`regions.py`).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from postback_pipeline.experiments.comparison import Numbers
from postback_pipeline.experiments.regions import PairSeries

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

#: The column of `metrics.experiment_region_days` that an outcome compares.
COLUMNS = {
    "platform_conversions": "known_conversions",
    "platform_value": "known_value",
    "backend_conversions": "conversions",
    "backend_value": "value",
}
#: Part of a day would look like a bad day: only days that lie wholly before the start, or wholly in it, count.
_WINDOW = """
    select
        cast(watched_from as date), cast(start_at as date),
        cast(start_at + interval 1 day - interval 1 microsecond as date), cast(least(end_at, as_of) as date)
    from (
        select
            start_at, end_at, start_at - (end_at - start_at) + interval 1 day - interval 1 microsecond as watched_from,
            (select max(as_of) from raw.build_context) as as_of
        from raw.experiments where experiment = ?
    )
"""
_PLACES = """
    select
        lower(trim(places.region)) as region, cast(conversions.action_at as date) as day, conversions.currency,
        conversions.net_value, decisions.is_pixel_reported
    from marts.conversions as conversions
    inner join staging.stg_{entity} as places
        on conversions.identity_seen = places.seen and conversions.identity_row = places.file_row
    left join marts.decisions as decisions
        on decisions.conversion_key = conversions.conversion_key and decisions.destination = ?
    where
        conversions.source_entity = '{entity}' and conversions.status in ('qualified', 'partly_reversed')
        and conversions.event_name in (select event_name from raw.routes where destination = ?)
        and (? is null or conversions.event_name = ?) and conversions.action_at >= ? and conversions.action_at < ?
"""
#: What a region's day shows of an outcome where nothing is told by the server: the platform knows by its pixel alone.
_UNTOLD = {
    "platform_conversions": "count(*) filter (is_pixel_reported)",
    "platform_value": "sum(net_value) filter (is_pixel_reported and currency = main_currency)",
    "backend_conversions": "count(*)",
    "backend_value": "sum(net_value) filter (currency = main_currency)",
}
_ENTITIES = ("orders", "leads", "subscription_events", "app_events", "pixel_events")


def read_history(
    connection: DuckDBPyConnection,
    destination: str,
    event_name: str | None,
    first: date,
    until: date,
    *,
    outcome: str = "backend_conversions",
) -> dict[str, Numbers]:
    """An outcome per region and day, from `first` to before `until` (UTC), of what the destination wants.

    As held-out regions would show it. Amounts are in the currency of most of the conversions.
    """
    places = " union all ".join(_PLACES.format(entity=entity) for entity in _ENTITIES)
    arguments = [destination, destination, event_name, event_name, first, until] * len(_ENTITIES)
    rows = connection.execute(
        f"""
        with placed as materialized ({places}),
        main as (
            select currency as main_currency from placed
            where currency is not null group by 1 order by count(*) desc, 1 limit 1
        )
        select region, day, cast(coalesce({_UNTOLD[outcome]}, 0) as double)
        from placed left join main on true where region <> '' group by 1, 2
        """,
        arguments,
    ).fetchall()
    history: dict[str, Numbers] = {}
    for region, day, amount in rows:
        series = history.setdefault(region, np.zeros((until - first).days))
        series[(day - first).days] = amount
    return history


def read_series(connection: DuckDBPyConnection, experiment: str, outcome: str) -> list[PairSeries]:
    """One series per pair, in the order of pairs; amounts in the currency of most of the experiment's days."""
    before, before_until, during, during_until = _days(connection, experiment)
    column = COLUMNS[outcome]
    in_money = column.endswith("value")
    rows = connection.execute(
        f"""
        select pair, experiment_group, acted_on, cast(sum({column}) as double)
        from metrics.experiment_region_days
        where experiment = ? and (not ? or currency = (
            select currency from metrics.experiment_region_days where experiment = ?
            group by 1 order by count(*) desc, 1 limit 1
        ))
        group by 1, 2, 3
        """,
        [experiment, in_money, experiment],
    ).fetchall()
    amounts = {(pair, group, day): amount for pair, group, day, amount in rows}
    pairs = connection.execute(
        "select distinct pair from raw.experiment_regions where experiment = ? order by 1", [experiment]
    ).fetchall()

    def series(pair: int, group: str, first: date, until: date) -> Numbers:
        days = [first + timedelta(days=number) for number in range((until - first).days)]
        return np.array([amounts.get((pair, group, day), 0.0) for day in days])

    if before >= before_until or during >= during_until:
        return []
    return [
        PairSeries(
            *(series(pair, "told", *window) for window in ((before, before_until), (during, during_until))),
            *(series(pair, "held_out", *window) for window in ((before, before_until), (during, during_until))),
        )
        for (pair,) in pairs
    ]


def _days(connection: DuckDBPyConnection, experiment: str) -> tuple[date, date, date, date]:
    row = connection.execute(_WINDOW, [experiment]).fetchone()
    if row is None:
        raise LookupError(experiment)
    return row[0], row[1], row[2], row[3]
