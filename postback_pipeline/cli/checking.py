"""`postback check`: whether this deployment could run now.

Belongs here: one finding per thing that must be right, each made by asking the part that would complain later. Does
not belong here: repairing anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json, readable
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.destinations.base import Destination
    from postback_pipeline.ledger import LedgerIdentity
    from postback_pipeline.settings import Settings

#: Written by `dbt parse`, which `make setup` runs.
MANIFEST = Path(__file__).parents[2] / "dbt_project" / "target" / "manifest.json"


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether one thing is right, and a sentence about it."""

    subject: str
    ok: bool
    says: str


def check(
    destination: Annotated[
        str | None,
        typer.Argument(help="Only this one, and one sample through its vendor's test facility.", show_default=False),
    ] = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Check settings, definitions, secrets, ledger and warehouse. Exit code 1 if anything is wrong.

    With a destination: its settings and secrets, and one made-up conversion to the vendor's own test facility (or to a
    sandbox on loopback), with the request and the reply. Nothing that counts is sent, in mode live neither.
    """
    if destination is not None:
        _check_one(destination, json, config)
        return
    findings = list(_findings(config))
    _show(findings, json)
    if not all(each.ok for each in findings):
        raise typer.Exit(1)


def _check_one(name: str, json: bool, config: Path | None) -> None:
    from postback_pipeline.cli.sampling import print_sampled, sample

    settings = read_settings(config)
    if name not in settings.destinations:
        known = ", ".join(settings.destinations) or "none"
        raise PostbackError(f"{name!r} is not a destination of {settings.file}, which has {known}.")
    built, findings = _destinations(settings)
    if built is not None:
        findings = [*findings, *_definitions(settings, built), *_secrets_of(built[name])]
    sampled = sample(name, settings) if all(each.ok for each in findings) else None
    if sampled is not None:
        findings.append(Finding("sample", sampled.ok, sampled.says))
    if json:
        print_json({"findings": findings, "sample": sampled})
    else:
        _show(findings, json)
        if sampled is not None:
            print_sampled(sampled)
    if not all(each.ok for each in findings):
        raise typer.Exit(1)


def _show(findings: list[Finding], json: bool) -> None:
    if json:
        print_json(findings)
    else:
        width = max(len(each.subject) for each in findings)
        for each in findings:
            typer.echo(f"{'ok   ' if each.ok else 'WRONG'}  {each.subject:<{width}}  {readable(each.says)}")


def _findings(config: Path | None) -> Iterator[Finding]:
    try:
        settings = read_settings(config)
    except PostbackError as error:
        yield from _wrong("settings", error)
        return
    yield Finding("settings", True, f"{settings.file}, environment {settings.environment}, home {settings.home}")
    built, found = _destinations(settings)
    yield from found
    if built is not None:
        yield from _definitions(settings, built)
        yield from _secrets(settings, built)
    yield from _reports(settings)
    yield from _landing(settings)
    identity, found = _ledger(settings)
    yield from found
    yield from _warehouse(settings, identity)
    yield Finding(
        "dbt", MANIFEST.is_file(), f"{MANIFEST}" if MANIFEST.is_file() else f"{MANIFEST} is missing. Run: make setup"
    )


def _wrong(subject: str, error: PostbackError) -> Iterator[Finding]:
    for sentence in str(error).splitlines():
        yield Finding(subject, False, sentence)


def _destinations(settings: Settings) -> tuple[dict[str, Destination] | None, list[Finding]]:
    from postback_pipeline.destinations import build_destinations

    try:
        built = build_destinations(settings)
    except PostbackError as error:
        return None, list(_wrong("destinations", error))
    modes = [f"{name} ({settings.destinations[name].mode.value})" for name in built]
    return built, [Finding("destinations", True, ", ".join(modes) or "none is configured: nothing will be sent")]


def _definitions(settings: Settings, built: dict[str, Destination]) -> Iterator[Finding]:
    from postback_pipeline.sources.definitions import read_definitions

    try:
        read = read_definitions(settings.definitions_path, destinations=built)
    except PostbackError as error:
        yield from _wrong("definitions", error)
        return
    counts = f"{len(read.conversions)} conversions, {len(read.routes)} routes"
    yield Finding("definitions", True, f"{settings.definitions_path}: {counts}")


def _secrets(settings: Settings, built: dict[str, Destination]) -> Iterator[Finding]:
    for each in built.values():
        yield from _secrets_of(each)
    for name, source in settings.sources.items():
        if source.kind == "database":
            yield _secret(source.url_env, f"source {name}")
    for name, channel in settings.alerts.channels.items():
        for variable in channel.variables:
            yield _secret(variable, f"alert channel {name}")


def _secrets_of(destination: Destination) -> Iterator[Finding]:
    for name in destination.secret_names:
        yield _secret(name, f"destination {destination.name}")


def _secret(name: str, user: str) -> Finding:
    is_set = bool(os.environ.get(name))
    return Finding(
        "secrets", is_set, f"{name} for {user}" + ("" if is_set else " is not set. Set the environment variable.")
    )


def _reports(settings: Settings) -> Iterator[Finding]:
    from postback_pipeline.platforms.reports import build_reports

    try:
        built = build_reports(settings)
    except PostbackError as error:
        yield from _wrong("reports", error)
        return
    for name, report in built.items():
        days = f"the last {report.lookback_days} days of {report.zone.key}"
        who = f"{report.platform.title}, {', '.join(report.settings.accounts)}: {days}"
        whose = f"for {report.settings.destination}"
        asks = "" if report.asks else ", which is in mode test: nobody is asked"
        yield Finding(f"report {name}", True, f"{who}, {whose}{asks}")
        for variable in report.secret_names:
            yield _secret(variable, f"report {name}")


def _landing(settings: Settings) -> Iterator[Finding]:
    for name, source in settings.sources.items():
        if source.kind == "folder":
            folder = settings.home / (source.path or settings.paths.landing)
            says = str(folder) if folder.is_dir() else f"{folder} is missing. Create it, or change the source's path."
            yield Finding(f"source {name}", folder.is_dir(), says)


def _ledger(settings: Settings) -> tuple[LedgerIdentity | None, list[Finding]]:
    from postback_pipeline.ledger import open_ledger

    try:
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            identity = ledger.identity
    except PostbackError as error:
        return None, list(_wrong("ledger", error))
    return identity, [Finding("ledger", True, f"{identity.ledger_id} of environment {identity.environment}")]


def _warehouse(settings: Settings, identity: LedgerIdentity | None) -> Iterator[Finding]:
    if not settings.published_path.is_file():
        yield Finding("warehouse", True, f"{settings.published_path} is not there yet: the first run publishes it")
        return
    from duckdb import Error

    from postback_pipeline.sources.build_context import refuse_foreign_ledger
    from postback_pipeline.sources.warehouse import open_warehouse

    try:
        with open_warehouse(settings.published_path, read_only=True) as connection:
            built = connection.execute("select as_of, run_id from raw.build_context").fetchone()
            if identity is not None:
                refuse_foreign_ledger(connection, identity)
    except PostbackError as error:
        yield from _wrong("warehouse", error)
    except Error as error:
        cause = str(error).partition("\n")[0]
        yield Finding("warehouse", False, f"{settings.published_path} cannot be read: {cause}")
    else:
        said = f"built as of {readable(built[0])} UTC" if built else "not built yet"
        yield Finding("warehouse", True, f"{settings.published_path}, {said}")
