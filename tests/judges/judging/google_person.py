"""PyPI `google-ads-datamanager-util`: Google's own normal forms of persons, and their hashes.

It judges e-mail (the dots and tags of Gmail), the plus sign of telephone numbers, regions. It does not judge whether a
telephone number is one, and keeps the punctuation of names.
"""

from __future__ import annotations

from typing import Any

from google.ads.datamanager_util import Encoding, Formatter

_FORMATTER: Any = Formatter()


def attribute(case: dict[str, str]) -> dict[str, str | None]:
    """The normal form of `value` as the attribute `name` (`email_address` ...), and what is sent of it."""
    name, value = case["name"], case["value"]
    form: str = getattr(_FORMATTER, f"format_{name}")(value)
    process = getattr(_FORMATTER, f"process_{name}")
    hashed = name in ("email_address", "phone_number", "given_name", "family_name")
    return {"form": form, "sent": process(value, Encoding.HEX) if hashed else process(value)}
