"""How postbacks of the ledger are shown.

Belongs here: lists of postbacks, and the story of one. Does not belong here: choosing them. A postback's payload is
never shown; its identifiers are named, not quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from postback_pipeline.cli.output import print_fields, print_table, readable

if TYPE_CHECKING:
    from postback_pipeline.ledger import Story

#: Characters of a reply that are shown; `--json` shows all that was kept.
REPLY_SHOWN = 80


def print_postbacks(stories: Sequence[Story]) -> None:
    """One line per postback."""
    from postback_pipeline.ledger.steps import postbacks_table

    table = postbacks_table(stories)
    print_table(table.columns, table.rows, title=table.title)


def print_story(story: Story) -> None:
    """All about one postback: its facts, attempts and changes."""
    typer.echo()
    typer.echo(
        f"{readable(story.destination)}: revision {story.revision}, {story.kind} of {readable(story.value)}"
        f" {readable(story.currency)}, {story.state}{f' ({readable(story.reason)})' if story.reason else ''}"
    )
    print_fields(
        {
            "postback": story.postback_id,
            "conversion": story.conversion_key,
            "event there": story.receiver_event,
            "event id": story.event_id,
            "transaction id": story.transaction_id,
            "reported before": story.previous_value,
            "event time": story.event_time,
            "click": story.click_id,
            "clicked": story.clicked_at,
            "identifiers": story.identifiers,
            "why": story.reason_code,
            "created": story.created_at,
            "due": story.due_at,
            "expires": story.expires_at,
            "payload": "erased" if story.element_erased else None,
        }
    )
    print_table(
        ("attempt", "started", "finished", "outcome", "phase", "status", "reason", "reply", "note"),
        [
            (
                each.number,
                each.started_at,
                each.finished_at,
                each.outcome or "under way",
                each.phase,
                each.http_status,
                each.reason,
                (each.reply_head or "")[:REPLY_SHOWN],
                "recorded too late" if each.stale else "duplicate" if each.duplicate else None,
            )
            for each in story.attempts
        ],
        title="  Attempts",
    )
    print_table(
        ("at", "from", "to", "attempt", "outcome", "reason", "by"),
        [
            (each.at, each.from_state, each.to_state, each.attempt, each.outcome, each.reason, each.actor)
            for each in story.history
        ],
        title="  Changes",
    )
