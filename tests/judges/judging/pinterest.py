"""PyPI `openapi-schema-validator` with Pinterest's own description of the body of `POST ad_accounts/{id}/events`.

It judges what is required, that a value is a string, unknown fields, the number of events, and which identifiers
suffice. It does not judge the names of events and action sources, milliseconds given as seconds, and what is in the
value's string. The schema's origin is in `schemata/pinterest/README.md`.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

_SCHEMA = Path(__file__).parents[1] / "schemata" / "pinterest" / "conversion-events.derefd.schema.json"


def events(case: dict[str, Any]) -> dict[str, Any]:
    """The case itself. Raises ValueError with all that is wrong about it."""
    wrong = sorted(error.message for error in _validator().iter_errors(case))
    if wrong:
        raise ValueError("; ".join(wrong))
    return case


@cache
def _validator() -> OAS30Validator:
    return OAS30Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))
