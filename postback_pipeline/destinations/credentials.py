"""Keys and tokens out of the environment, as requests carry them.

Belongs here: telling a value that no vendor issued from one that a receiver can judge. Does not belong here: where a
credential goes (its adapter), signing keys with a form of their own (`standard_webhooks`).
"""

from __future__ import annotations

from collections.abc import Mapping

from postback_pipeline.destinations.base import SecretError


def credential(secrets: Mapping[str, str], name: str) -> str:
    """The value without the white space around it.

    Raises:
        SecretError: it is empty, or holds what no header can carry: that is nothing about the postbacks of a request.
    """
    value = secrets[name].strip()
    if not value:
        raise SecretError(f"{name} is empty.")
    if not (value.isascii() and value.isprintable()):
        raise SecretError(f"{name} holds characters that no key or token has.")
    return value
