"""What must hold between the cells and rows of `experiments.csv`, and between it and `routes.csv`.

Belongs here: rules that one cell alone cannot break. Does not belong here: what a cell may hold
(`definition_cells.py`), what may be edited once an experiment began (`experiment_edits.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from postback_pipeline.sources.definition_files import Table
from postback_pipeline.sources.definition_types import Experiment, ExperimentUnit, Outcome, Route

#: With fewer pairs an interval says next to nothing: it would have one degree of freedom.
LEAST_PAIRS = 3
_BACKEND = (Outcome.BACKEND_CONVERSIONS, Outcome.BACKEND_VALUE)

#: A column, and what is wrong in it.
Found = Iterator[tuple[str, str]]


def check_experiments(experiments: Table[Experiment], routes: Table[Route]) -> Iterator[str]:
    """One sentence per broken rule."""
    yield from experiments.repeated(("experiment",), "{} is there already in row {}; each experiment has its own name")
    yield from _routed(experiments, routes)
    for row_number, row in experiments.rows.items():
        found = [*_by_region(row)] if row.unit is ExperimentUnit.REGION else [*_by_hash(row)]
        if row.end_at < row.start_at:
            found.append(("end_at", "it lies before start_at"))
        yield from (experiments.mistake(row_number, column, what) for column, what in found)
    yield from _overlaps(experiments)


def _routed(experiments: Table[Experiment], routes: Table[Route]) -> Iterator[str]:
    wanted = {(cells.get("destination"), cells.get("event_name")) for cells in routes.cells.values()}
    if not routes.readable:
        return
    for row_number, cells in experiments.cells.items():
        destination, event = cells.get("destination"), cells.get("event_name")
        if destination and destination not in {routed for routed, _ in wanted}:
            what = f"{destination!r} has no route in {routes.file.name}, so there is nothing to hold out"
            yield experiments.mistake(row_number, "destination", what)
        elif destination and event and (destination, event) not in wanted:
            what = f"{destination!r} has no route of {event!r} in {routes.file.name}, so there is nothing to hold out"
            yield experiments.mistake(row_number, "event_name", what)


def _by_hash(row: Experiment) -> Found:
    for column in ("share", "salt"):
        if getattr(row, column) is None:
            yield column, f"a value is required here where the unit is '{row.unit.value}'"
    if row.region_pairs:
        yield "region_pairs", f"the unit is '{row.unit.value}'; write 'region' there, or nothing here"
    if row.unit is ExperimentUnit.CONVERSION and row.outcome in _BACKEND:
        yield (
            "outcome",
            f"'{row.outcome.value}' looks at what a unit does afterwards, and a conversion does nothing; write 'user'"
            " or 'region' as the unit, or an outcome of the platform",
        )


def _by_region(row: Experiment) -> Found:
    for column in ("share", "salt"):
        if getattr(row, column) is not None:
            yield column, "regions are held out as region_pairs says, not by a hash; leave this empty"
    if len(row.region_pairs) < LEAST_PAIRS:
        yield (
            "region_pairs",
            f"an interval needs at least {LEAST_PAIRS} pairs, such as held_out:twin|held_out:twin|held_out:twin",
        )


def _overlaps(experiments: Table[Experiment]) -> Iterator[str]:
    """Two experiments about one conversion could not be told apart."""
    rows = list(experiments.rows.items())
    for place, (row_number, row) in enumerate(rows):
        for earlier_number, earlier in rows[:place]:
            if _meet(row, earlier):
                yield experiments.mistake(
                    row_number,
                    "start_at",
                    f"it overlaps with {earlier.experiment!r} in row {earlier_number}, which holds out the same event"
                    f" at {row.destination!r}; let one end before the other starts",
                )
                break


def _meet(one: Experiment, other: Experiment) -> bool:
    same_event = one.event_name is None or other.event_name is None or one.event_name == other.event_name
    return (
        one.destination == other.destination
        and same_event
        and max(one.start_at, other.start_at) < min(one.end_at, other.end_at)
    )
