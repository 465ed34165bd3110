"""Personal attributes as receivers may see them: normalised, then SHA-256 in lower-case hex.

Belongs here: the rules that most receivers share. A receiver with its own rules (a plus sign before the phone number,
dots dropped from the e-mail) keeps them in its adapter: one hash is never shared across receivers that differ.
"""

from __future__ import annotations

import hashlib
import re

_NO_DIGIT = re.compile(r"[^0-9]")


def email_sha256(email: str | None) -> str | None:
    """Trimmed and lower-cased, then hashed; None for nothing."""
    return _sha256((email or "").strip().lower())


def phone_sha256(phone: str | None) -> str | None:
    """Reduced to the digits 0-9, then hashed; None for nothing."""
    return _sha256(_NO_DIGIT.sub("", phone or ""))


def _sha256(text: str) -> str | None:
    return hashlib.sha256(text.encode("utf-8")).hexdigest() if text else None
