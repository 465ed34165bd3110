"""The rows of `definitions/*.csv` as frozen values, and what each of their cells may hold.

Belongs here: the types of cells, rows and the whole. Does not belong here: how a file is read
(`definition_files.py`), rules between rows (`definition_rules.py`), what a definition *does* (dbt).

A column that has a default here may be left out of its file, and its cell may be empty; all others are required.
Several values in a cell are separated by `|`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from datetime import UTC, datetime
from enum import StrEnum
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic.dataclasses import dataclass

#: What an `event_id_template` may name.
PLACEHOLDERS = ("order_id", "source_id", "transaction_id")
LONGEST_DAYS = 3_650


def _split(cell: object) -> object:
    return tuple(part.strip() for part in cell.split("|") if part.strip()) if isinstance(cell, str) else cell


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{', '.join(map(repr, repeated))} is there twice")
    return values


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError(f"{value!r} is not a name: a lower-case letter, then lower-case letters, digits, underscores")
    return value


def _scope(value: str) -> str:
    kind, separator, group = value.partition(":")
    if value == "network":
        return value
    if kind != "group" or not separator:
        raise ValueError(f"{value!r} is unknown; it may be 'network' or 'group:<name>'")
    return f"group:{_name(group)}"


def _instant(cell: object) -> object:
    """`2026-01-31` is midnight UTC; a time must carry its zone, or nobody knows which instant is meant."""
    if not isinstance(cell, str):
        return cell
    try:
        found = datetime.fromisoformat(cell)
    except ValueError as error:
        raise ValueError(f"{cell!r} is not a date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z") from error
    if found.tzinfo is None and len(cell) > len("2026-01-31"):
        raise ValueError(f"{cell!r} has no time zone; write it like 2026-01-31T09:00:00Z")
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _template(value: str) -> str:
    try:
        parts = list(Formatter().parse(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not a template: {error}") from error
    named = [name for _, name, _, _ in parts if name is not None]
    plain = all(not spec and conversion is None for _, _, spec, conversion in parts)
    if not plain or any(name not in PLACEHOLDERS for name in named):
        allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"{value!r} names something else than {allowed}")
    if not named:
        raise ValueError(f"{value!r} gives every conversion the same event id; name {{order_id}} or {{transaction_id}}")
    return value


def _text(value: str) -> str:
    if not value.isprintable() or len(value) > 200:
        raise ValueError("this is longer than 200 characters or holds characters that do not print")
    return value


def _parameter(value: str) -> str:
    # It becomes part of a pattern in a model's SQL.
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value):
        raise ValueError(f"{value!r} is not a query parameter of letters, digits, underscores and hyphens")
    return value


Names = Annotated[tuple[Annotated[str, AfterValidator(_name)], ...], BeforeValidator(_split), AfterValidator(_distinct)]
Name = Annotated[str, AfterValidator(_name)]
Text = Annotated[str, AfterValidator(_text)]
Days = Annotated[int, Field(ge=0, le=LONGEST_DAYS)]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Status = Literal["pending", "paid", "shipped", "completed"]
Purpose = Literal["ad_user_data", "ad_personalization", "analytics"]
OrderTime = Literal["ordered_at", "paid_at", "shipped_at", "updated_at"]


class ValueRule(StrEnum):
    """What a conversion is worth, from the order's columns; an absent tax or shipping counts as zero."""

    GROSS = "gross"
    NET_OF_TAX = "net_of_tax"
    NET_OF_TAX_AND_SHIPPING = "net_of_tax_and_shipping"


class MatchOn(StrEnum):
    """What a route needs in order to tell its receiver whose conversion it is."""

    CLICK = "click"
    IDENTITY = "identity"
    CLICK_OR_IDENTITY = "click_or_identity"


class PixelDeduplication(StrEnum):
    """What happens to a conversion that the receiver's own pixel may have reported."""

    NONE = "none"
    SUPPRESS = "suppress"
    RECEIVER = "receiver"


@dataclass(frozen=True)
class ConversionDefinition:
    """A row of `conversions.csv`: when a business record is a conversion, and what it is worth."""

    event_name: Name
    source_entity: Literal["orders"]
    #: Cancelled, failed and fraud are no choice: they take a conversion back.
    qualifying_statuses: Annotated[
        tuple[Status, ...], BeforeValidator(_split), AfterValidator(_distinct), Field(min_length=1)
    ]
    #: The source's time columns: when the person acted, and when it began to count.
    action_at: OrderTime = "ordered_at"
    qualified_at: OrderTime = "ordered_at"
    value_rule: ValueRule = ValueRule.GROSS
    zero_values: Literal["exclude", "allow"] = "exclude"
    #: Days after `qualified_at` before it may be reported to anyone.
    hold_days: Days = 0

    @property
    def definition_version(self) -> str:
        """Equal for rows that say the same, however they are written."""
        return _version(self)


@dataclass(frozen=True)
class Route:
    """A row of `routes.csv`: an event that a destination wants, and on which terms."""

    destination: str
    event_name: str
    receiver_event: Text
    match_on: MatchOn
    #: What it accepts, the best first. Required unless `match_on` is `identity`.
    identifiers: Names = ()
    #: Required unless `match_on` is `identity`.
    lookback_days: Days | None = None
    scope: Annotated[str, AfterValidator(_scope)] = "network"
    #: Days on top of the definition's hold.
    hold_days: Days = 0
    event_time: Literal["action_at", "qualified_at"] = "action_at"
    #: Each must be granted. The column must be there: an empty cell is a decision.
    consent_purposes: Annotated[tuple[Purpose, ...], BeforeValidator(_split), AfterValidator(_distinct)] = ()
    consent_denied: Literal["block"] = "block"
    consent_unknown: Literal["block", "send"] = "block"
    pixel_deduplication: PixelDeduplication = PixelDeduplication.NONE
    #: Only with `receiver`: the event id that the receiver's tag uses, such as `order-{order_id}`.
    event_id_template: Annotated[str, AfterValidator(_template)] = ""
    send_reversals: bool = True
    #: The first action time that is reported. None: the ledger's creation.
    start_at: Instant | None = None
    #: The first action time that is not reported any more. None: open.
    end_at: Instant | None = None

    @property
    def route_version(self) -> str:
        """Equal for rows that say the same, however they are written."""
        return _version(self)


@dataclass(frozen=True)
class ClickIdParameter:
    """A row of `click_id_parameters.csv`: a parameter of a landing URL that carries a click id."""

    #: As it stands in the URL; case matters.
    parameter: Annotated[str, AfterValidator(_parameter)]
    identifier: Name
    network: Name


@dataclass(frozen=True)
class Definitions:
    """The folder, whole and checked."""

    conversions: tuple[ConversionDefinition, ...]
    routes: tuple[Route, ...]
    click_id_parameters: tuple[ClickIdParameter, ...]


def _version(row: Any) -> str:
    content = json.dumps(dataclasses.asdict(row), default=str, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]
