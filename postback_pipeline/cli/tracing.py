"""`postback trace`: the story of one order, lead, event or conversion, from the file it came in to the last attempt.

Belongs here: putting the warehouse's and the ledger's parts together, and printing them. Does not belong here: the
warehouse's part itself (`story/`). Nothing printed is personal data.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json
from postback_pipeline.cli.postbacks import print_story
from postback_pipeline.cli.story.answers import WarehouseStory, read_story
from postback_pipeline.cli.story.telling import tell
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from postback_pipeline.ledger import Story
    from postback_pipeline.settings import Settings


#: More than any conversion has in earnest.
MOST_POSTBACKS = 1_000


def trace(
    key: Annotated[
        str, typer.Argument(help="A conversion key (purchase:4711), or the source's own id of an order, lead or event.")
    ],
    json: Json = False,
    config: Config = None,
) -> None:
    """Tell the whole story of one order, lead, subscription, event or conversion."""
    settings = read_settings(config)
    notes: list[str] = []
    told = _from_warehouse(settings, key, notes)
    postbacks = _from_ledger(settings, told.keys or [key], notes)
    parts = dataclasses.asdict(told)
    as_of, _ = parts.pop("as_of"), parts.pop("keys")
    if not postbacks and not any(parts.values()):
        raise PostbackError("\n".join([f"Nothing is known of {key!r}.", *notes]))
    if json:
        print_json({"key": key, "as_of": as_of, **parts, "postbacks": postbacks, "notes": notes})
        return
    tell(told)
    typer.echo("Postbacks" if postbacks else "Postbacks: none")
    for story in postbacks:
        print_story(story)
    for note in notes:
        typer.echo(note, err=True)


def _from_warehouse(settings: Settings, key: str, notes: list[str]) -> WarehouseStory:
    from duckdb import BinderException, CatalogException, Error

    from postback_pipeline.sources.warehouse import open_warehouse

    published = settings.published_path
    if not published.is_file():
        notes.append(f"There is no published warehouse at {published} yet. Run: postback run")
        return WarehouseStory()
    try:
        with open_warehouse(published, read_only=True) as connection:
            return read_story(connection, key)
    except (BinderException, CatalogException):
        notes.append(f"The published warehouse {published} was built by another version. Run: postback run")
        return WarehouseStory()
    except Error as error:
        cause = str(error).partition("\n")[0]
        raise PostbackError(f"The published warehouse {published} cannot be read: {cause}") from error


def _from_ledger(settings: Settings, keys: list[str], notes: list[str]) -> list[Story]:
    from postback_pipeline.ledger import LedgerError, Selection, open_ledger

    try:
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            return list(ledger.newest(Selection(conversion_keys=keys), limit=MOST_POSTBACKS))
    except LedgerError as error:
        notes.append(str(error))
        return []
