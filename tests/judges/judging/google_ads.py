"""PyPI `google-ads`: the messages of Google Ads' uploads, read from JSON with unknown fields refused.

They judge names of fields and enums, types of numbers, and that one of several identifiers is set. They do not judge
the form of a date and time, what is required, how many rows a request holds.
"""

from __future__ import annotations

from typing import Any

from google.ads.googleads.v25.services.types.conversion_adjustment_upload_service import (
    UploadConversionAdjustmentsRequest,
)
from google.ads.googleads.v25.services.types.conversion_upload_service import UploadClickConversionsRequest
from google.protobuf import json_format


def clicks(case: dict[str, Any]) -> Any:
    """A request of `uploadClickConversions` as the message says it."""
    return _said_by(UploadClickConversionsRequest, case)


def adjustments(case: dict[str, Any]) -> Any:
    """A request of `uploadConversionAdjustments` as the message says it."""
    return _said_by(UploadConversionAdjustmentsRequest, case)


def _said_by(message: Any, case: dict[str, Any]) -> Any:
    return json_format.MessageToDict(json_format.ParseDict(case, message.pb(message())))
