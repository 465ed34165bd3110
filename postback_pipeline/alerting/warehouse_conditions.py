"""What the published copy of the warehouse shows to be wrong: sources that bring nothing, differences without a cause.

Belongs here: opening the copy, two questions to it, and their sentences. Does not belong here: figures that are out of
their usual range (`anomaly_conditions`), the warehouse that builds write (this would shut them out), any metric's
formula (dbt).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from postback_pipeline.alerting.anomaly_conditions import anomalies
from postback_pipeline.alerting.condition import Condition, Place, Seen
from postback_pipeline.alerting.wording import counted, hours, instant
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import Alerts, ConditionKind

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KINDS = frozenset({ConditionKind.STALE_SOURCE, ConditionKind.UNEXPLAINED, ConditionKind.ANOMALY})
#: The same copy is looked at again after so long: sources become stale by time alone.
_LOOK_AGAIN = timedelta(minutes=10)

_NEWEST = """
    select source, entity, max(loaded_at) from raw.files
    where loaded > 0 and same_as is null
    group by all
"""
#: Days cancel out, since what one lacks the next may have; events do not.
_UNEXPLAINED = """
    with by_event as (
        select destination, event_name, sum(conversions) as conversions
        from metrics.reconciliation_causes
        where cause = 'unexplained' and report_date >= ?
        group by all
    ),

    unexplained as (
        select
            destination,
            sum(abs(conversions)) as conversions,
            bool_or(conversions > 0) as is_more,
            bool_or(conversions < 0) as is_fewer
        from by_event
        group by all
    ),

    accepted as (
        select destination, sum(accepted_conversions) as conversions
        from metrics.reconciliation
        where reported_conversions is not null and report_date >= ?
        group by all
    )

    select
        destination,
        unexplained.conversions::bigint,
        case when is_more and is_fewer then 'more or fewer' when is_more then 'more' else 'fewer' end,
        coalesce(accepted.conversions, 0)::bigint
    from unexplained
    left join accepted using (destination)
    order by destination
"""


def warehouse_place(settings: Settings, now: datetime) -> Place:
    """The published copy, looked at for this deployment's settings at `now`, aware UTC."""
    file = settings.published_path

    def look(mark: str) -> Seen | None:
        current = _mark(file, now)
        if current == mark:
            return None
        return Seen(tuple(_conditions(file, settings, now)) if file.is_file() else (), current)

    return Place("published warehouse", KINDS, look)


def _mark(file: Path, now: datetime) -> str:
    # Not empty, which is no mark at all.
    if not file.is_file():
        return "no file"
    found = file.stat()
    return f"{found.st_ino}:{found.st_mtime_ns}:{found.st_size}:{int(now.timestamp() // _LOOK_AGAIN.total_seconds())}"


def _conditions(file: Path, settings: Settings, now: datetime) -> Iterator[Condition]:
    from postback_pipeline.sources.warehouse import open_warehouse

    with open_warehouse(file, read_only=True) as connection:
        yield from _stale(connection, settings, now)
        yield from _unexplained(connection, settings.alerts, now)
        if _has_table(connection, "metrics", "anomalies"):
            yield from anomalies(connection, now)


def _stale(connection: DuckDBPyConnection, settings: Settings, now: datetime) -> Iterator[Condition]:
    declared = {
        (source, entity): timedelta(hours=after)
        for source, each in settings.sources.items()
        for entity, after in each.stale_after_hours.items()
    }
    if not declared or not _has_table(connection, "raw", "files"):
        return
    newest = {(source, entity): at for source, entity, at in connection.execute(_NEWEST).fetchall()}
    for (source, entity), after in declared.items():
        at = newest.get((source, entity))
        if at is None or now - at > after:
            yield _stale_source(source, entity, at, after, now)


def _stale_source(source: str, entity: str, at: datetime | None, after: timedelta, now: datetime) -> Condition:
    never = f"Source {source} has never brought a row of {entity}"
    since = None if at is None else at + after
    said = never if at is None else f"Source {source} has brought no new {entity} for {hours(now - at)}"
    last = "" if at is None else f" The last ones came at {instant(at)}."
    return Condition(
        key=f"stale_source:{source}:{entity}",
        kind=ConditionKind.STALE_SOURCE,
        subject=source,
        sentence=f"{said}; {hours(after)} are what its settings allow.{last}",
        act="Look at what writes it; postback check; postback run",
        link=f"/assets/raw/{entity}",
        since=since,
        figures={"entity": entity, "allowed_hours": round(after / timedelta(hours=1), 2)},
    )


def unexplained_conditions(settings: Settings, now: datetime) -> list[Condition]:
    """One per destination whose report differs without a cause by more than the settings allow; `now` is aware UTC."""
    from postback_pipeline.sources.warehouse import open_warehouse

    with open_warehouse(settings.published_path, read_only=True) as connection:
        return list(_unexplained(connection, settings.alerts, now))


def _unexplained(connection: DuckDBPyConnection, alerts: Alerts, now: datetime) -> Iterator[Condition]:
    if not _has_table(connection, "metrics", "reconciliation_causes"):
        return
    since = (now - timedelta(days=alerts.unexplained_days)).date()
    for name, conversions, more, accepted in connection.execute(_UNEXPLAINED, [since, since]).fetchall():
        if conversions < alerts.unexplained_minimum or conversions <= alerts.unexplained_share * accepted:
            continue
        yield Condition(
            key=f"unexplained:{name}",
            kind=ConditionKind.UNEXPLAINED,
            subject=name,
            sentence=f"Over {counted(alerts.unexplained_days, 'day')} {name} reports {conversions:,} conversions"
            f" {more} than the {accepted:,} that it accepted, and no cause is known.",
            act="Query metrics.reconciliation_causes where cause = 'unexplained', by report_date and event_name",
            link="/assets/metrics/reconciliation_causes",
            figures={"unexplained": conversions, "accepted": accepted},
        )


def _has_table(connection: DuckDBPyConnection, schema: str, name: str) -> bool:
    """Whether there is such a table or view: a deployment that has not measured yet has fewer."""
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = ? and table_name = ?", [schema, name]
    )
    return found.fetchone() is not None
