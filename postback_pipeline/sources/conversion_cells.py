"""The cells of `conversions.csv` that have a grammar of their own: what a conversion is worth, what marks a test order.

Belongs here: reading such a cell into a value. Does not belong here: kinds of cells that other files have, too
(`definition_cells.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from postback_pipeline.sources.definition_cells import choices, distinct, split, text

#: What a net value can leave out, in the order in which it is written.
PARTS = ("tax", "shipping", "discount")
#: What a test rule can look at.
FIELDS = ("email", "coupon", "user_id", "source_id", "phone", "ip")
_NET = "net_of_"


class ValueKind(StrEnum):
    """Where the value of a conversion comes from."""

    GROSS = "gross"
    """The record's amount."""
    NET = "net"
    """The record's amount less some of its parts; an absent part counts as zero."""
    FIXED = "fixed"
    """The definition's `fixed_value`."""
    PER_PLAN = "per_plan"
    """The value of the record's plan in `plan_values.csv`."""


@dataclass(frozen=True, slots=True)
class ValueRule:
    """What a conversion is worth."""

    kind: ValueKind
    #: The parts that a net value leaves out, in the order of `PARTS`.
    less: tuple[str, ...] = ()

    def __str__(self) -> str:
        return _NET + "_and_".join(self.less) if self.kind is ValueKind.NET else self.kind.value


@dataclass(frozen=True, slots=True)
class FieldPattern:
    """A record whose `field` looks like `pattern` is a test."""

    field: str
    #: For SQL's LIKE with a backslash as its escape character; lower case, to be compared with lower case.
    pattern: str

    def __str__(self) -> str:
        return f"{self.field} like {self.pattern}"


def read_value_rule(cell: object) -> object:
    """`gross`, `fixed`, `per_plan`, or `net_of_` and any of the parts, joined by `_and_` in any order."""
    if not isinstance(cell, str):
        return cell
    if cell.startswith(_NET):
        parts = cell.removeprefix(_NET).split("_and_")
        if set(parts) <= set(PARTS) and len(set(parts)) == len(parts):
            return ValueRule(ValueKind.NET, tuple(part for part in PARTS if part in parts))
    plain = [kind for kind in ValueKind if kind is not ValueKind.NET]
    if cell not in plain:
        raise ValueError(
            f"{cell!r} is unknown; it may be {choices([kind.value for kind in plain])}, or 'net_of_' and"
            f" {', '.join(PARTS)}, each once and joined by '_and_', such as 'net_of_tax_and_shipping'"
        )
    return ValueRule(ValueKind(cell))


def like_pattern(glob: str) -> str:
    r"""A glob (`*` any text, `?` one character) as a pattern for LIKE, in which every other character means itself.

    `%`, `_` and the backslash are escaped by a backslash; letters become lower case.
    """
    escaped = "".join("\\" + each if each in "\\%_" else each for each in glob.lower())
    return escaped.replace("*", "%").replace("?", "_")


def read_test_rule(rule: str) -> FieldPattern:
    """`email=*@example.com` and the like."""
    field, separator, glob = (part.strip() for part in text(rule).partition("="))
    if not separator or not glob:
        raise ValueError(f"{rule!r} is no rule; write one like email=*@example.com")
    if field not in FIELDS:
        raise ValueError(f"{field!r} is unknown; a rule may look at {choices(FIELDS)}")
    if not glob.strip("*"):
        raise ValueError(f"{rule!r} makes a test of everything; say more than *")
    return FieldPattern(field, like_pattern(glob))


def _read_test_rules(cell: object) -> object:
    return tuple(read_test_rule(rule) for rule in cells) if isinstance(cells := split(cell), tuple) else cell


def _in_order(rules: tuple[FieldPattern, ...]) -> tuple[FieldPattern, ...]:
    # They hold together, whatever order they are written in.
    return tuple(sorted(rules, key=str))


ValueRuleCell = Annotated[ValueRule, BeforeValidator(read_value_rule)]
TestRulesCell = Annotated[
    tuple[FieldPattern, ...], BeforeValidator(_read_test_rules), AfterValidator(distinct), AfterValidator(_in_order)
]
