"""Experiments as rows of `raw`, and what of them may be edited once they began.

Belongs here: those rows, and comparing them with what the last build was told. Does not belong here: rules that the
file breaks by itself (`experiment_rules.py`).

Who is held out follows from the row alone. An edit after the start would tell late what was held out, and hold out
units that were told: both ruin the experiment, and neither can be undone. So it is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from postback_pipeline.sources.definition_types import Experiment

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIXED = ("destination", "event_name", "unit", "share", "salt", "start_at", "regions")
_AGAIN = "give it an end_at and begin another experiment under another name"


def experiment_row(experiment: Experiment) -> dict[str, object]:
    """As `raw.experiments` holds it."""
    return {
        "experiment": experiment.experiment,
        "destination": experiment.destination,
        "event_name": experiment.event_name,
        "unit": experiment.unit.value,
        "outcome": experiment.outcome.value,
        "salt": experiment.salt,
        "held_below": experiment.held_below,
        "share": experiment.share,
        "start_at": experiment.start_at,
        "end_at": experiment.end_at,
    }


def region_rows(experiment: Experiment) -> Iterator[dict[str, object]]:
    """As `raw.experiment_regions` holds its pairs."""
    for pair, regions in enumerate(experiment.region_pairs, start=1):
        for region, is_held_out in zip(regions, (True, False), strict=True):
            yield {
                "experiment": experiment.experiment,
                "pair": pair,
                "region": region,
                "is_held_out": is_held_out,
            }


def edits_of_begun_experiments(connection: DuckDBPyConnection, experiments: Sequence[Experiment]) -> Iterator[str]:
    """One sentence per edit that would move who was held out, of experiments that began before the last whole build.

    A warehouse without one knows of no earlier row, and takes every one as it is.
    """
    mark = connection.execute("select as_of from raw.build_marks where as_of is not null").fetchone()
    if mark is None:
        return
    rows = {each.experiment: each for each in experiments}
    for before in _begun(connection, mark[0]):
        name = before["experiment"]
        now = rows.get(name)
        if now is None and before["end_at"] > before["start_at"]:
            yield (
                f"experiments.csv: {name!r} began on {_said(before['start_at'])} and is not there any more. Leave its"
                " row, or what was held out would be told late; its end_at ends it. To call it off and tell what"
                " receivers still take, write its start_at as its end_at first."
            )
        elif now is not None:
            yield from _edits(before, now, mark[0])


def _begun(connection: DuckDBPyConnection, as_of: datetime) -> list[dict[str, Any]]:
    relation = connection.execute(
        """
        select experiments.*, (
            select string_agg(region || case when is_held_out then ':' else '|' end, '' order by pair, not is_held_out)
            from raw.experiment_regions as regions where regions.experiment = experiments.experiment
        ) as regions
        from raw.experiments as experiments where start_at <= ?
        """,
        [as_of],
    )
    columns = [column[0] for column in relation.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]


def _edits(before: dict[str, Any], now: Experiment, as_of: datetime) -> Iterator[str]:
    name = now.experiment
    if before["end_at"] <= before["start_at"]:
        return
    after = {**experiment_row(now), "regions": "".join(f"{held}:{twin}|" for held, twin in now.region_pairs) or None}
    for column in _FIXED:
        if before[column] != after[column]:
            yield (
                f"experiments.csv, experiment {name!r}, column {'region_pairs' if column == 'regions' else column}: it"
                f" began on {_said(before['start_at'])}, so this stays as it was; {_AGAIN}."
            )
    if now.end_at in (before["end_at"], before["start_at"]):
        return
    if min(now.end_at, before["end_at"]) < as_of:
        yield (
            f"experiments.csv, experiment {name!r}, column end_at: an end may be moved while the old and the new one"
            f" lie ahead of the last build ({_said(as_of)}); it was {_said(before['end_at'])}."
        )


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
