"""PyPI `capi-param-builder-python`: the browser ids `fbc` and `fbp` that Meta's own builder makes and takes.

It judges their parts: four, or five with an appendix of 2 or 8 characters. It has nothing to say about persons.
"""

from __future__ import annotations

from typing import Any

from capi_param_builder import ParamBuilder


def cookies(case: dict[str, Any]) -> dict[str, str | None]:
    """What a visit to `host` with the parameters `query` and the cookies `cookies` leaves as `fbc` and `fbp`."""
    builder = ParamBuilder([case["site"]])
    builder.process_request(case["host"], case["query"], case["cookies"], None)
    return {"fbc": builder.get_fbc(), "fbp": builder.get_fbp()}
