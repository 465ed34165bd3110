"""What must hold between the cells and rows of `conversions.csv`, and between it and `plan_values.csv`.

Belongs here: rules that one cell alone cannot break, also in a row of which another cell is wrong: all mistakes are
told at once. Does not belong here: what a cell may hold (`definition_cells.py`, `conversion_cells.py`), what an entity
offers (`source_entities.py`), rules about routes (`route_rules.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.conversion_cells import ValueKind, ValueRule, read_value_rule
from postback_pipeline.sources.definition_cells import choices, instant, split
from postback_pipeline.sources.definition_files import Table
from postback_pipeline.sources.definition_types import SINCE_EVER, ConversionDefinition, PlanValue
from postback_pipeline.sources.source_entities import SOURCE_ENTITIES, SourceEntity

Cells = Mapping[str, str]
#: A column, and what is wrong in it.
Found = Iterator[tuple[str, str]]


def check_conversions(conversions: Table[ConversionDefinition], plan_values: Table[PlanValue]) -> Iterator[str]:
    """One sentence per broken rule."""
    yield from _versions(conversions)
    for row_number, cells in conversions.cells.items():
        found = [*_value(cells)]
        entity = SOURCE_ENTITIES.get(cells.get("source_entity", ""))
        if entity is not None:
            found += _vocabulary(cells, entity)
        if row_number in conversions.rows:
            found += _columns(conversions.rows[row_number])
        yield from (conversions.mistake(row_number, column, what) for column, what in found)
    yield from _plans(conversions, plan_values)


def _versions(conversions: Table[ConversionDefinition]) -> Iterator[str]:
    """The rows of one event follow one another in time, and are about one entity."""
    before: dict[str, tuple[int, datetime, str]] = {}
    for row_number, cells in conversions.cells.items():
        event, start, entity = cells.get("event_name"), _effective_from(cells), cells.get("source_entity", "")
        if not event or start is None:
            continue
        earlier = before.get(event)
        before[event] = row_number, start, entity
        if earlier is None:
            continue
        number, earlier_start, earlier_entity = earlier
        if start == earlier_start:
            yield conversions.mistake(
                row_number,
                "effective_from",
                f"{event!r} is defined already in row {number} from the same moment on; give the day from which this"
                " row holds instead",
            )
        elif start < earlier_start:
            yield conversions.mistake(
                row_number,
                "effective_from",
                f"it lies before that of row {number}; write the rows of {event!r} in the order in which they hold",
            )
        if entity == earlier_entity:
            yield from _same_action(conversions, row_number, number)
        else:
            yield conversions.mistake(
                row_number,
                "source_entity",
                f"{event!r} is made of {earlier_entity!r} in row {number}; name another event for {entity!r}",
            )


def _same_action(conversions: Table[ConversionDefinition], row_number: int, earlier: int) -> Iterator[str]:
    """A definition holds by the time of the act: by two different ones a record could fall under both, or neither."""
    here, there = conversions.rows.get(row_number), conversions.rows.get(earlier)
    if here is not None and there is not None and here.action_at != there.action_at:
        yield conversions.mistake(
            row_number,
            "action_at",
            f"it is {there.action_at!r} in row {earlier}; every row of an event has the same one, since effective_from"
            " goes by it. Name another event for another time",
        )


def _vocabulary(cells: Cells, entity: SourceEntity) -> Found:
    name = cells["source_entity"]
    statuses = split(cells.get("qualifying_statuses", ""))
    if entity.statuses is not None and isinstance(statuses, tuple):
        for status in statuses:
            if status not in entity.statuses:
                what = (
                    f"{status!r} is unknown, or none of {name} that can qualify; it may be {choices(entity.statuses)}"
                )
                yield "qualifying_statuses", what
    for column in ("action_at", "qualified_at"):
        if cells.get(column, entity.times[0]) not in entity.times:
            yield column, f"{cells[column]!r} is no time of {name}; it may be {choices(entity.times)}"
    rule = _value_rule(cells)
    if rule is None:
        return
    if foreign := [part for part in rule.less if part not in entity.parts]:
        yield "value_rule", f"{name} have no {choices(foreign)}, so their value is 'gross'"
    if rule.kind is ValueKind.PER_PLAN and not entity.has_plans:
        with_plans = choices([each for each, entity in SOURCE_ENTITIES.items() if entity.has_plans])
        yield "value_rule", f"{name} name no plan; only {with_plans} can be worth something per plan"


def _value(cells: Cells) -> Found:
    rule = _value_rule(cells)
    if rule is None:
        return
    if rule.kind is ValueKind.FIXED:
        if "fixed_value" not in cells:
            yield "fixed_value", "value_rule is 'fixed'; give the value"
        if "currency" not in cells:
            yield "currency", "value_rule is 'fixed'; give the currency of fixed_value"
    elif "fixed_value" in cells:
        yield "fixed_value", f"value_rule is '{rule}', which uses none; write 'fixed' there, or nothing here"


def _columns(row: ConversionDefinition) -> Found:
    """What a rule looks at must be a column of its entity."""
    columns = ENTITIES[row.source_entity].by_name
    if row.first_only_per is not None and row.first_only_per not in columns:
        yield "first_only_per", f"{row.source_entity} have no column {row.first_only_per!r}"
    for field in dict.fromkeys(rule.field for rule in row.test_rules):
        if field != "source_id" and field not in columns:
            yield "test_rules", f"{row.source_entity} have no column {field!r}"


def _plans(conversions: Table[ConversionDefinition], plan_values: Table[PlanValue]) -> Iterator[str]:
    yield from plan_values.repeated(("event_name", "plan"), "{} has a value already in row {}")
    events = {cells.get("event_name") for cells in conversions.cells.values()}
    for row_number, cells in plan_values.cells.items():
        event = cells.get("event_name")
        if event and event not in events and conversions.readable:
            what = f"{event!r} is not defined in {conversions.file.name}"
            yield plan_values.mistake(row_number, "event_name", what)
    if not plan_values.readable:
        return
    valued = {cells.get("event_name") for cells in plan_values.cells.values()}
    for row_number, cells in conversions.cells.items():
        rule, event = _value_rule(cells), cells.get("event_name")
        if rule is None or rule.kind is not ValueKind.PER_PLAN or event in valued:
            continue
        missing = "has no row of this event" if plan_values.exists else "is not there"
        yield conversions.mistake(
            row_number,
            "value_rule",
            f"'per_plan' takes its values from {plan_values.file.name}, which {missing}; write a row for every plan",
        )


def _value_rule(cells: Cells) -> ValueRule | None:
    """The row's rule; None if its cell is wrong, which is told already."""
    try:
        rule = read_value_rule(cells.get("value_rule", ValueKind.GROSS.value))
    except ValueError:
        return None
    return rule if isinstance(rule, ValueRule) else None


def _effective_from(cells: Cells) -> datetime | None:
    """The moment from which the row holds; None if its cell is wrong, which is told already."""
    if "effective_from" not in cells:
        return SINCE_EVER
    try:
        start = instant(cells["effective_from"])
    except ValueError:
        return None
    return start if isinstance(start, datetime) else None
