"""`postbacks.toml` -> typed settings. Secrets appear only as names of environment variables.

Belongs here: what a deployment configures, where its files lie, and clear sentences about what is wrong with it.
Does not belong here: conversion rules and routes (`definitions/*.csv`), receivers' rules (their adapter validates
its own options), reading a secret's value (whoever uses it does, at the last moment).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from postback_pipeline.model import PostbackError
from postback_pipeline.settings.alerts import Alerts
from postback_pipeline.settings.anomalies import Anomalies
from postback_pipeline.settings.fields import Name, Strict, TimeZone
from postback_pipeline.settings.reports import ReportSettings

CONFIG_VARIABLE = "POSTBACK_CONFIG"
HOME_VARIABLE = "POSTBACK_HOME"
DEFAULT_CONFIG = "postbacks.toml"
#: Names of the variables that came from a `.env` file, for this process and those it starts.
FOLLOWED_VARIABLE = "POSTBACK_FROM_ENV_FILE"


class SettingsError(PostbackError):
    """The settings file is missing, unreadable or wrong; the text names file and field."""


class Paths(Strict):
    """Where things lie, relative to `POSTBACK_HOME`."""

    landing: str = "landing"
    warehouse: str = "warehouse.duckdb"
    #: Its own folder and the same file name: a DuckDB view names its catalog, which is the file's stem.
    published: str = "published/warehouse.duckdb"
    reports: str = "reports"


class LedgerSettings(Strict):
    """A SQLite file below `POSTBACK_HOME`, or the environment variable that holds a database URL."""

    file: str = "ledger.sqlite"
    url_env: str | None = None


class Source(Strict):
    """What a source declares about its rows, whatever way they come in."""

    #: The wall clock of its timestamps that carry no zone. None: such timestamps go to quarantine.
    time_zone: TimeZone | None = None
    #: Whether a refund of ten is written as 10 or as -10.
    refund_sign: Literal["positive", "negative"] = "positive"
    #: Values of identity columns that identify nobody ("guest", "0").
    placeholder_ids: tuple[str, ...] = ()
    #: entity -> {its column: the contract's column}.
    rename: dict[str, dict[str, str]] = Field(default_factory=dict)
    #: entity -> hours after which no new row of it is worth an alert.
    stale_after_hours: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)


class FolderSource(Source):
    """Files under `<path>/<entity>/`."""

    kind: Literal["folder"]
    #: Relative to `POSTBACK_HOME`; default: the landing folder.
    path: str | None = None
    #: A CSV file whose last line has no line break may have been cut short; "optional" accepts it.
    final_newline: Literal["required", "optional"] = "required"


class Query(Strict):
    """How one entity is read from a database."""

    sql: str
    #: The result's column that grows whenever a row changes; None: everything is read every time.
    updated_at: str | None = None
    #: How far behind the newest seen `updated_at` a load reads again, for rows that committed late.
    overlap_minutes: int = Field(default=60, ge=0)


class DatabaseSource(Source):
    """Queries on a database; each gives the columns of the landing contract."""

    kind: Literal["database"]
    #: Environment variable with the SQLAlchemy URL; PostgreSQL as `postgresql+psycopg2://`.
    url_env: str
    queries: dict[str, Query]
    rows_per_read: int = Field(default=50_000, ge=1)


AnySource = Annotated[FolderSource | DatabaseSource, Field(discriminator="kind")]


#: Where nothing is said: the landing folder.
LANDING: dict[str, FolderSource | DatabaseSource] = {"landing": FolderSource(kind="folder")}


class Guard(Strict):
    """When an enqueue is too large to leave without a person's approval (per destination)."""

    #: Enqueues up to this many postbacks are never stopped.
    minimum: int = Field(default=1_000, ge=0)
    #: More than this many times the daily volume of the trailing days stops.
    multiple: float = Field(default=10.0, gt=0)
    trailing_days: int = Field(default=28, ge=1)
    #: More than this share of retractions stops, once there are `retraction_minimum` of them.
    retraction_share: float = Field(default=0.3, ge=0, le=1)
    retraction_minimum: int = Field(default=50, ge=0)


class Delivery(Strict):
    """How the drain works; times in seconds."""

    lease_seconds: int = Field(default=30, ge=5)
    #: A run keeps claiming until nothing is due or this is spent.
    budget_seconds: int = Field(default=600, ge=1)
    claim_rows: int = Field(default=500, ge=1)
    #: How long the drain waits for a retry that comes due soon, rather than leaving it to the next run.
    linger_seconds: int = Field(default=5, ge=0)


class PersonalData(Strict):
    """How long personal data is kept where it is not needed any more."""

    #: The element of a postback that has been final for so many days is erased; then it cannot be replayed.
    erase_after_days: int = Field(default=90, ge=1, le=36_500)


class Retry(Strict):
    """Backoff with full jitter, and the budget of attempts."""

    first_seconds: float = Field(default=10.0, gt=0)
    max_seconds: float = Field(default=3_600.0, gt=0)
    max_attempts: int = Field(default=12, ge=1)


class Mode(StrEnum):
    """Whether a destination may reach real receivers."""

    TEST = "test"
    LIVE = "live"


class DestinationSettings(BaseModel):
    """What every destination has; its adapter validates the other fields as its own options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    mode: Mode = Mode.TEST
    #: IANA zone of the receiver's own reports.
    report_time_zone: TimeZone = "UTC"
    concurrency: int = Field(default=16, ge=1, le=1_000)
    #: Requests per second; None for no limit of ours.
    rate: float | None = Field(default=None, gt=0)
    #: The whole attempt, from resolving to the last byte of the reply.
    deadline_seconds: float = Field(default=15.0, gt=0, le=55)
    retry: Retry = Retry()

    @property
    def options(self) -> dict[str, Any]:
        """The fields that belong to the adapter."""
        return dict(self.model_extra or {})

    def with_options(self, options: Mapping[str, Any]) -> DestinationSettings:
        """The same destination with other options of its adapter."""
        own = {field: getattr(self, field) for field in type(self).model_fields}
        return type(self)(**own, **options)


class Settings(Strict):
    """One deployment."""

    environment: Name = "development"
    #: The first day that Dagster partitions conversions by, and the earliest `--from`. UTC.
    first_day: date = date(2020, 1, 1)
    #: Folder of the definitions, relative to the settings file.
    definitions: str = "definitions"
    paths: Paths = Paths()
    ledger: LedgerSettings = LedgerSettings()
    sources: dict[Name, AnySource] = Field(default_factory=lambda: dict(LANDING))
    destinations: dict[Name, DestinationSettings] = Field(default_factory=dict)
    reports: dict[Name, ReportSettings] = Field(default_factory=dict)
    guard: Guard = Guard()
    delivery: Delivery = Delivery()
    personal_data: PersonalData = PersonalData()
    alerts: Alerts = Alerts()
    anomalies: Anomalies = Anomalies()
    #: Set by `load_settings`.
    file: Path = Field(default=Path(DEFAULT_CONFIG), exclude=True)
    home: Path = Field(default=Path("data"), exclude=True)

    @model_validator(mode="after")
    def _lease_outlives_attempt(self) -> Settings:
        for name, destination in self.destinations.items():
            if destination.deadline_seconds >= self.delivery.lease_seconds:
                raise ValueError(
                    f"destinations.{name}.deadline_seconds must be shorter than delivery.lease_seconds"
                    f" ({self.delivery.lease_seconds}), or an attempt outlives its lease"
                )
        return self

    @model_validator(mode="after")
    def _reports_name_what_is_there(self) -> Settings:
        folders = [name for name, source in self.sources.items() if source.kind == "folder"]
        told_by: dict[str, str] = {}
        for name, report in self.reports.items():
            if report.destination not in self.destinations:
                raise ValueError(f"reports.{name}.destination: {report.destination!r} is no destination")
            # Their rows would take each other's place, or be added up, as their windows are named.
            if report.destination in told_by:
                raise ValueError(
                    f"reports.{name}.destination: reports.{told_by[report.destination]} tells of {report.destination}"
                    " already. Name further accounts there, or the other destination here"
                )
            told_by[report.destination] = name
            if not folders or report.source not in (None, *folders):
                raise ValueError(f"reports.{name}.source must be one of kind folder: {', '.join(folders) or 'none is'}")
        return self

    @model_validator(mode="after")
    def _changes_name_what_is_there(self) -> Settings:
        for number, change in enumerate(self.anomalies.changes, start=1):
            if change.destination is not None and change.destination not in self.destinations:
                raise ValueError(f"anomalies.changes, {number}: destination {change.destination!r} is no destination")
        return self

    def report_folder(self, name: str) -> Path:
        """Where the rows of report `name` land: files below it are platform reports of its source."""
        named = self.reports[name].source
        sources = (each for key, each in self.sources.items() if named in (None, key) and each.kind == "folder")
        return self.home / (next(sources).path or self.paths.landing)

    @property
    def warehouse_path(self) -> Path:
        """The DuckDB file that builds write; only a step of pool `warehouse` opens it."""
        return self.home / self.paths.warehouse

    @property
    def published_path(self) -> Path:
        """The copy that people and the command line read."""
        return self.home / self.paths.published

    @property
    def definitions_path(self) -> Path:
        """Folder of `conversions.csv`, `routes.csv`, `click_id_parameters.csv`."""
        return self.file.parent / self.definitions

    @property
    def ledger_mark_path(self) -> Path:
        """The file that says how far this deployment has seen its ledger; not to be backed up with it."""
        return self.home / "ledger_mark.json"

    @property
    def alert_memory_path(self) -> Path:
        """The file that knows which conditions hold, and which channel was told of them when."""
        return self.home / "alerts.sqlite"

    def ledger_url(self) -> str:
        """The ledger's SQLAlchemy URL.

        Raises:
            SettingsError: `ledger.url_env` names a variable that is not set.
        """
        if self.ledger.url_env is None:
            return f"sqlite:///{self.home / self.ledger.file}"
        return read_variable(self.ledger.url_env, "ledger.url_env", self.file)


def read_variable(name: str, field: str, file: Path) -> str:
    """The value of environment variable `name`, which settings field `field` of `file` asks for.

    Raises:
        SettingsError: it is unset or empty.
    """
    value = os.environ.get(name)
    if not value:
        raise SettingsError(f"{file}: {field} names the environment variable {name}, which is not set. Set it.")
    return value


def load_env_file(file: Path) -> None:
    """Brings `os.environ` up to date with the `.env` file beside a settings file, as often as it is called.

    What the environment holds already wins, unless it came from that file or is the same there: a value that is
    changed or removed in the file, such as a secret, is then changed or gone in processes that have been running for
    long, and in those that they start.
    """
    values = {name: value for name, value in dotenv_values(file.with_name(".env")).items() if value is not None}
    followed = set(os.environ.get(FOLLOWED_VARIABLE, "").split())
    for name in followed - values.keys():
        os.environ.pop(name, None)
    followed &= values.keys()
    for name, value in values.items():
        if name in followed or os.environ.get(name, value) == value:
            os.environ[name] = value
            followed.add(name)
    os.environ[FOLLOWED_VARIABLE] = " ".join(sorted(followed))


def load_settings(config: str | os.PathLike[str] | None = None) -> Settings:
    """Reads the settings file: `config`, else `$POSTBACK_CONFIG`, else `postbacks.toml` here.

    `home` is `$POSTBACK_HOME`, else the folder `data` beside the settings file.

    Raises:
        SettingsError: missing, not TOML, or wrong; the text names file and field.
    """
    file = Path(config or os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG).absolute()
    if not file.is_file():
        raise SettingsError(f"{file}: there is no such settings file. Name one with --config or {CONFIG_VARIABLE}.")
    home = Path(os.environ.get(HOME_VARIABLE) or file.parent / "data").absolute()
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        for reserved in ("file", "home"):
            if reserved in values:
                raise SettingsError(f"{file}: {reserved}: this is not a setting. Remove it.")
        return Settings(**values, file=file, home=home)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: this is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise SettingsError("\n".join(sentences(error, str(file)))) from error


def sentences(error: ValidationError, where: str) -> list[str]:
    """One sentence per mistake that pydantic found: where, field, what."""
    found = []
    for mistake in error.errors():
        field = ".".join(str(part) for part in mistake["loc"]) or "settings"
        found.append(f"{where}: {field}: {mistake['msg'].removeprefix('Value error, ')}.")
    return found
