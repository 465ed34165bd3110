"""PyPI `google-ads-datamanager`: the message of Data Manager's `events:ingest`, read with unknown fields refused.

It judges names of fields and enums, types of numbers, and the form of instants (RFC 3339). It does not judge what is
required, nor the length of a hash.
"""

from __future__ import annotations

from typing import Any

from google.ads.datamanager_v1 import IngestEventsRequest
from google.protobuf import json_format


def ingest(case: dict[str, Any]) -> Any:
    """A request of `events:ingest` as the message says it."""
    return json_format.MessageToDict(json_format.ParseDict(case, IngestEventsRequest.pb(IngestEventsRequest())))
