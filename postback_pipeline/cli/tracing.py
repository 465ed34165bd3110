"""`postback trace`: the story of one order, lead or conversion, from the file it came in to the last attempt.

Belongs here: putting the warehouse's and the ledger's parts together, and printing them. Does not belong here: the
warehouse's part itself (`story.py`). Nothing printed is personal data.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_fields, print_json, print_table
from postback_pipeline.cli.postbacks import print_story
from postback_pipeline.cli.reasons import explain
from postback_pipeline.cli.story import Row, WarehouseStory, read_story
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.ledger import Story
    from postback_pipeline.settings import Settings


#: More than any conversion has in earnest.
MOST_POSTBACKS = 1_000


def trace(
    key: Annotated[str, typer.Argument(help="A conversion key (purchase:4711), or a source's own id (4711).")],
    json: Json = False,
    config: Config = None,
) -> None:
    """Tell the story of one order, lead or conversion."""
    settings = read_settings(config)
    notes: list[str] = []
    told = _from_warehouse(settings, key, notes)
    postbacks = _from_ledger(settings, told.keys or [key], notes)
    for decision in told.decisions:
        decision["sentence"] = explain(decision)
    parts = dataclasses.asdict(told)
    parts.pop("keys")
    if not postbacks and not any(parts.values()):
        raise PostbackError("\n".join([f"Nothing is known of {key!r}.", *notes]))
    if json:
        print_json({"key": key, **parts, "postbacks": postbacks, "notes": notes})
        return
    _print(parts, postbacks)
    for note in notes:
        typer.echo(note, err=True)


def _from_warehouse(settings: Settings, key: str, notes: list[str]) -> WarehouseStory:
    from duckdb import Error

    from postback_pipeline.sources.warehouse import open_warehouse

    if not settings.published_path.is_file():
        notes.append(f"There is no published warehouse at {settings.published_path} yet. Run: postback run")
        return WarehouseStory()
    try:
        with open_warehouse(settings.published_path, read_only=True) as connection:
            return read_story(connection, key)
    except Error as error:
        cause = str(error).partition("\n")[0]
        raise PostbackError(f"The published warehouse {settings.published_path} cannot be read: {cause}") from error


def _from_ledger(settings: Settings, keys: list[str], notes: list[str]) -> list[Story]:
    from postback_pipeline.ledger import LedgerError, Selection, open_ledger

    try:
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            return list(ledger.select(Selection(conversion_keys=keys), limit=MOST_POSTBACKS).stories)
    except LedgerError as error:
        notes.append(str(error))
        return []


def _print(parts: dict[str, list[Row]], postbacks: list[Story]) -> None:
    for conversion in parts["conversions"]:
        typer.echo(f"Conversion {conversion['conversion_key']}")
        print_fields({name.replace("_", " "): value for name, value in conversion.items()})
        typer.echo()
    for part, title in (
        ("orders", "Order, version by version"),
        ("refunds", "Refunds"),
        ("quarantine", "Rows in quarantine"),
        ("reversals", "Reversals applied"),
        ("clicks", "Clicks considered"),
    ):
        _print_rows(title, parts[part])
    _print_rows("Decisions", [{**row, "sentence": None} for row in parts["decisions"]])
    for decision in parts["decisions"]:
        typer.echo(f"  {decision['destination']}: {decision['sentence']}")
    typer.echo()
    typer.echo("Postbacks" if postbacks else "Postbacks: none")
    for story in postbacks:
        print_story(story)


def _print_rows(title: str, rows: list[Row]) -> None:
    """A table without the columns that are empty in every row."""
    columns = [name for name in (rows[0] if rows else {}) if any(row[name] is not None for row in rows)]
    print_table(
        [name.replace("_", " ") for name in columns], [[row[name] for name in columns] for row in rows], title=title
    )
    typer.echo()
