"""`postback trace`: the story of one order, lead, event or conversion, from the file it came in to the last attempt.

Belongs here: printing it. Does not belong here: the story (`story`). Nothing printed is personal data.
"""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_json, print_part, readable
from postback_pipeline.model import PostbackError
from postback_pipeline.story.chapters import chapters
from postback_pipeline.story.postback_parts import postback_parts
from postback_pipeline.story.whole import read_whole


def trace(
    key: Annotated[
        str, typer.Argument(help="A conversion key (purchase:4711), or the source's own id of an order, lead or event.")
    ],
    json: Json = False,
    config: Config = None,
) -> None:
    """Tell the whole story of one order, lead, subscription, event or conversion."""
    story = read_whole(read_settings(config), key)
    if not story.is_known:
        raise PostbackError("\n".join([f"Nothing is known of {key!r}.", *story.notes]))
    if json:
        parts = dataclasses.asdict(story.warehouse)
        as_of, _ = parts.pop("as_of"), parts.pop("keys")
        print_json({"key": key, "as_of": as_of, **parts, "postbacks": story.postbacks, "notes": story.notes})
        return
    if story.warehouse.as_of is not None:
        typer.echo(f"As the build of {readable(story.warehouse.as_of)} UTC saw it. All times are UTC.")
        typer.echo()
    for part in chapters(story.warehouse):
        print_part(part)
    typer.echo("Postbacks" if story.postbacks else "Postbacks: none")
    for postback in story.postbacks:
        typer.echo()
        for part in postback_parts(postback):
            print_part(part)
    for note in story.notes:
        typer.echo(note, err=True)
