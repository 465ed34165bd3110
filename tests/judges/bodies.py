"""What a destination would send, as the judges are shown it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from postback_pipeline.destinations.base import Destination, Element
from postback_pipeline.model import Postback
from tests.destinations.samples import secrets_of

SENT_AT = datetime(2026, 6, 2, 9, 30, tzinfo=UTC)


def body_of(destination: Destination, *postbacks: Postback) -> dict[str, Any]:
    """The JSON body of one request with these postbacks."""
    elements = [Element(each.key, each.kind, destination.render(each)) for each in postbacks]
    request = destination.request(elements, secrets=secrets_of(destination), sent_at=SENT_AT)
    body: dict[str, Any] = json.loads(request.body)
    return body
