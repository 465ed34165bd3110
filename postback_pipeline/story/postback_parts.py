"""How the story of one postback reads: its facts, attempts and changes.

Belongs here: headings and labels. Does not belong here: choosing postbacks, how they look. A postback's payload is not
in it; its identifiers are named, not quoted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from postback_pipeline.story.part import Part
from postback_pipeline.story.readable import readable

if TYPE_CHECKING:
    from postback_pipeline.ledger import Story

#: Characters of a reply that are shown; `--json` shows all that was kept.
REPLY_SHOWN = 80


def postback_parts(story: Story, *, reply_shown: int = REPLY_SHOWN) -> Iterator[Part]:
    """All about one postback; times are UTC."""
    yield Part(
        f"{readable(story.destination)}: revision {story.revision}, {story.kind} of {readable(story.value)}"
        f" {readable(story.currency)}, {story.state}{f' ({readable(story.reason)})' if story.reason else ''}",
        facts={
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
        },
    )
    yield Part(
        "Attempts",
        1,
        columns=("attempt", "started", "finished", "outcome", "phase", "status", "reason", "reply", "note"),
        rows=[
            (
                each.number,
                each.started_at,
                each.finished_at,
                each.outcome or "under way",
                each.phase,
                each.http_status,
                each.reason,
                (each.reply_head or "")[:reply_shown],
                "recorded too late" if each.stale else "duplicate" if each.duplicate else None,
            )
            for each in story.attempts
        ],
    )
    yield Part(
        "Changes",
        1,
        columns=("at", "from", "to", "attempt", "outcome", "reason", "by"),
        rows=[
            (each.at, each.from_state, each.to_state, each.attempt, each.outcome, each.reason, each.actor)
            for each in story.history
        ],
    )
