"""JSON to an endpoint of one's own, signed by the Standard Webhooks specification as destination type `webhook` is.

Belongs here: the body's fields. Does not belong here: the signature's scheme (`destinations.standard_webhooks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from postback_pipeline.alerting.condition import AlertError
from postback_pipeline.alerting.course import Item
from postback_pipeline.alerting.http_post import post
from postback_pipeline.alerting.message import Message, ordered
from postback_pipeline.destinations.base import SecretError
from postback_pipeline.destinations.standard_webhooks import signed_request
from postback_pipeline.settings.alerts import WebhookChannel


async def send(message: Message, channel: WebhookChannel, secrets: Mapping[str, str], deadline: float) -> None:
    """Posts it, signed for this moment, within `deadline` seconds.

    Raises:
        AlertError: a variable holds no signing secret; it was not taken, or nobody knows.
    """
    try:
        request = signed_request(
            channel.url,
            orjson.dumps(webhook_body(message)),
            identity=message.identity,
            secret_names=channel.variables,
            secrets=secrets,
            sent_at=datetime.now(UTC),
        )
    except SecretError as error:
        raise AlertError(str(error)) from None
    await post(request.url, request.body or b"", request.headers, deadline)


def webhook_body(message: Message) -> dict[str, Any]:
    """All of the message, also what texts leave out."""
    return {
        "type": "alerts.test" if message.is_sample else "alerts",
        "timestamp": _iso(message.at),
        "environment": message.environment,
        "subject": message.subject,
        "alerts": [_alert(message, item) for item in ordered(message.items)],
    }


def _alert(message: Message, item: Item) -> dict[str, Any]:
    condition, held = item.held.condition, item.held
    return {
        "key": condition.key,
        "news": item.news.value,
        "kind": condition.kind.value,
        "subject": condition.subject,
        "severity": condition.severity.value,
        "sentence": condition.sentence,
        "since": _iso(held.since),
        "over_at": None if held.over_at is None else _iso(held.over_at),
        "figures": dict(condition.figures),
        "act": condition.act,
        "link": message.link_of(item),
    }


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
