"""The rows of `definitions/*.csv` as frozen values.

Belongs here: the types of rows and of the whole. Does not belong here: what a cell may hold (`definition_cells.py`,
`conversion_cells.py`), how a file is read (`definition_files.py`), rules between cells and rows
(`definition_rules.py`), what a definition *does* (dbt).

A column that has a default here may be left out of its file, and its cell may be empty; all others are required.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic.dataclasses import dataclass

from postback_pipeline.sources.conversion_cells import TestRulesCell, ValueKind, ValueRule, ValueRuleCell
from postback_pipeline.sources.definition_cells import (
    Amount,
    CurrencyCode,
    Days,
    Instant,
    Name,
    Names,
    Parameter,
    RegionPairs,
    Scope,
    Share,
    SomeDays,
    Template,
    Text,
    Texts,
    distinct,
    split,
)
from postback_pipeline.sources.source_entities import SOURCE_ENTITIES

#: From when on a definition holds that does not say it.
SINCE_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def _consent(cell: object) -> object:
    """What `strip` was called before: click ids left, personal attributes never did."""
    return "strip" if cell == "send" else cell


Purpose = Literal["ad_user_data", "ad_personalization", "analytics"]
Consent = Annotated[Literal["block", "strip", "flag"], BeforeValidator(_consent)]


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
    """A row of `conversions.csv`: when a business record is a conversion, and what it is worth.

    Several rows of one event are its versions, each from its `effective_from` until before the next one's.
    """

    event_name: Name
    source_entity: Literal["orders", "leads", "subscription_events", "app_events", "pixel_events"]
    #: Statuses, or the names of events.
    qualifying_statuses: Texts
    #: The first action time that it decides about.
    effective_from: Instant = SINCE_EVER
    #: The source's time columns: when the person acted, and when it began to count. Never None once it is read: the
    #: entity's own default then.
    action_at: str | None = None
    qualified_at: str | None = None
    #: Which of the two is its day in reports and partitions.
    occurred_at: Literal["action_at", "qualified_at"] = "action_at"
    value_rule: ValueRuleCell = ValueRule(ValueKind.GROSS)
    #: Only with `fixed`, which also needs `currency`.
    fixed_value: Amount | None = None
    #: Of the fixed value, and of records that carry no amount.
    currency: CurrencyCode | None = None
    #: Never None once it is read: the entity's own default then.
    zero_values: Literal["exclude", "allow"] | None = None
    #: Days after `qualified_at` before it may be reported to anyone.
    hold_days: Days = 0
    #: Whose word it is that the conversion happened.
    source_of_truth: Literal["server", "pixel"] = "server"
    #: Only the first conversion of each counts. None: every one.
    first_only_per: Literal["user_id", "email", "phone", "session_id", "device_id"] | None = None
    #: A record to which any of them applies is a test.
    test_rules: TestRulesCell = ()

    def __post_init__(self) -> None:
        """Says what the row left to its entity, so that both ways of writing it are the same."""
        entity = SOURCE_ENTITIES[self.source_entity]
        for column in ("action_at", "qualified_at", "zero_values"):
            if getattr(self, column) is None:
                object.__setattr__(self, column, getattr(entity, column))

    @property
    def definition_version(self) -> str:
        """Equal for rows that say the same, however they are written."""
        return _version(dataclasses.asdict(self))

    @property
    def value_version(self) -> str:
        """As `definition_version`, of the columns that decide the value only; without the values of plans."""
        return _version(
            {
                "value_rule": self.value_rule,
                "fixed_value": self.fixed_value,
                "currency": self.currency,
                "zero_values": self.zero_values,
            }
        )


@dataclass(frozen=True)
class PlanValue:
    """A row of `plan_values.csv`: what an event of a plan is worth."""

    event_name: Name
    #: As the record names it; case matters.
    plan: Text
    value: Amount
    currency: CurrencyCode


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
    scope: Scope = "network"
    #: Days on top of the definition's hold.
    hold_days: Days = 0
    #: Whether it waits for any hold, its own and the definition's.
    timing: Literal["after_hold", "real_time"] = "after_hold"
    event_time: Literal["action_at", "qualified_at"] = "action_at"
    #: What it is told in. None: the conversion's own.
    currency: CurrencyCode | None = None
    #: Each must be granted. The column must be there: an empty cell is a decision.
    consent_purposes: Annotated[tuple[Purpose, ...], BeforeValidator(split), AfterValidator(distinct)] = ()
    #: Told nothing; told without what is personal; or told with what the person said.
    consent_denied: Consent = "block"
    consent_unknown: Consent = "block"
    pixel_deduplication: PixelDeduplication = PixelDeduplication.NONE
    #: Only with `receiver`: the event id that the receiver's tag uses, such as `order-{order_id}`.
    event_id_template: Template = ""
    send_reversals: bool = True
    #: The first action time that is reported. None: the ledger's creation.
    start_at: Instant | None = None
    #: The first action time that is not reported any more. None: open.
    end_at: Instant | None = None

    @property
    def route_version(self) -> str:
        """Equal for rows that say the same, however they are written."""
        return _version(dataclasses.asdict(self))


class ExperimentUnit(StrEnum):
    """What is held out as a whole."""

    USER = "user"
    """Every conversion of a person (`user_id`); who is not named, each conversion by itself."""
    CONVERSION = "conversion"
    REGION = "region"
    """Every conversion whose record names the region; which ones is written down, not drawn."""


class Outcome(StrEnum):
    """What the groups are compared by."""

    BACKEND_CONVERSIONS = "backend_conversions"
    """Conversions after the one with which a unit entered; of a region, all of them."""
    BACKEND_VALUE = "backend_value"
    """The net value of these."""
    PLATFORM_CONVERSIONS = "platform_conversions"
    """Share of conversions that the destination knows of, by the server or by its own pixel."""
    PLATFORM_VALUE = "platform_value"
    """The same share, of value."""


@dataclass(frozen=True)
class Experiment:
    """A row of `experiments.csv`: conversions that a destination is not told, so that what telling does is seen."""

    experiment: Name
    destination: str
    unit: ExperimentUnit
    #: Action times, the first that takes part and the first that does not any more.
    start_at: Instant
    end_at: Instant
    #: None: every event that the destination wants.
    event_name: str | None = None
    #: Share of units that are held out. Required unless `unit` is `region`.
    share: Share | None = None
    #: Required unless `unit` is `region`. Experiments with the same one hold out the same units.
    salt: Text | None = None
    outcome: Outcome = Outcome.PLATFORM_CONVERSIONS
    #: Only with `region`, and required there.
    region_pairs: RegionPairs = ()

    @property
    def held_below(self) -> str | None:
        """Whose hash, in hex, begins with less than these eight digits is held out; None where that is written down."""
        return None if self.share is None else f"{min(round(self.share * 16**8), 16**8 - 1):08x}"


@dataclass(frozen=True, kw_only=True)
class ClickIdParameter:
    """A row of `click_id_parameters.csv`: an identifier, and the parameter of a landing URL that carries it."""

    #: As it stands in the URL; case matters. None: it never stands in one.
    parameter: Parameter | None = None
    identifier: Name
    network: Name
    #: For how long after its click a receiver still takes it. None: no limit is known.
    valid_days: SomeDays | None = None


@dataclass(frozen=True)
class Definitions:
    """The folder, whole and checked."""

    conversions: tuple[ConversionDefinition, ...]
    routes: tuple[Route, ...]
    click_id_parameters: tuple[ClickIdParameter, ...]
    plan_values: tuple[PlanValue, ...] = ()
    experiments: tuple[Experiment, ...] = ()


def _version(content: dict[str, object]) -> str:
    text = json.dumps(content, default=_spelled, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _spelled(value: object) -> str:
    # However many zeros were typed, it is the same amount.
    return f"{value:.4f}" if isinstance(value, Decimal) else str(value)
