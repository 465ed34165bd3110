"""Requests that hold many messages, `{"postbacks": [...]}`: each is logged, taken and answered for itself.

Belongs here: taking a batch apart and putting its answer together. Does not belong here: what becomes of one message
(`judge.py`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from postback_pipeline.sandbox.behaviour import Behaviour
from postback_pipeline.sandbox.entry import Entry
from postback_pipeline.sandbox.judge import Answer

#: The member of a body that holds the messages.
MEMBER = "postbacks"


def messages_of(entry: Entry) -> list[Entry] | None:
    """One entry per message of a batch, which names the request that brought it; None for a request of one message."""
    body = entry["body"]
    messages = body.get(MEMBER) if isinstance(body, dict) else None
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        return None
    return [{**entry, "body": each, "batch": entry["id"]} for each in messages]


def batch_answer(entries: Sequence[Entry], answers: Sequence[Answer], behaviour: Behaviour) -> tuple[Answer, list[str]]:
    """The reply to a batch, and the word for what became of each of its messages.

    The reply is one result per message, or one status for all of them, or nothing to make sense of.
    """
    if behaviour.one_bad_fails_all and any(answer.word == "rejected" for answer in answers):
        whole = Answer("rejected", behaviour.reject_status, b'{"error": "A message of this batch is not acceptable."}')
        return whole, [whole.word] * len(answers)
    words = [answer.word for answer in answers]
    for answer in answers:
        if answer.word == "garbage":
            return answer, words
    results: list[dict[str, Any]] = [
        {"key": entry["body"].get("key"), "status": word} for entry, word in zip(entries, words, strict=True)
    ]
    return Answer("accepted", 200, json.dumps({"results": results}).encode()), words
