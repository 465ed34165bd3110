"""The request that tells a receiver of elements, as text without secrets.

Belongs here: making it, and hiding what is secret in it. Does not belong here: what a request looks like (the adapter),
hiding what is personal (`redaction`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postback_pipeline.destinations.base import Destination, Element

#: Two values that stand in for every secret: letters and digits that are also base64, and the same in a URL.
_STAND_INS = ("S3CRETAAAAAAAAAAAAAAAAAAAAAAAAAA", "S3CRETBBBBBBBBBBBBBBBBBBBBBBBBBB")


@dataclass(frozen=True, slots=True)
class Previewed:
    """One request as text, without secrets."""

    destination: str
    keys: tuple[str, ...]
    method: str
    url: str
    headers: dict[str, str]
    body: str


def preview_request(destination: Destination, elements: Sequence[Element], *, sent_at: datetime) -> Previewed:
    """The request for these elements, with `{secret:NAME}` in place of every secret.

    It is made twice with different stand-ins: what differs beyond the stand-ins themselves was computed from a secret.
    """
    one, other = (
        destination.request(elements, secrets=_stand_ins(destination, stem), sent_at=sent_at) for stem in _STAND_INS
    )
    headers = {name: _hidden(destination, value, other.headers.get(name, "")) for name, value in one.headers.items()}
    return Previewed(
        destination=destination.name,
        keys=tuple(element.key for element in elements),
        method=one.method,
        url=_hidden(destination, one.url, other.url),
        headers=headers,
        body=_hidden(destination, one.body.decode(errors="replace"), other.body.decode(errors="replace")),
    )


def _stand_ins(destination: Destination, stem: str) -> dict[str, str]:
    return {name: f"{stem[:-4]}{number:04d}" for number, name in enumerate(_secrets_of(destination))}


def _secrets_of(destination: Destination) -> tuple[str, ...]:
    """What `request` finds among the secrets: an access token stands for what it is got with."""
    from postback_pipeline.destinations.oauth import ACCESS_TOKEN

    return (*destination.secret_names, *([ACCESS_TOKEN] if destination.grant else []))


def _hidden(destination: Destination, one: str, other: str) -> str:
    names = [f"secret:{name}".replace("::", ":") for name in _secrets_of(destination)]
    for name, first, second in zip(
        names, *(_stand_ins(destination, stem).values() for stem in _STAND_INS), strict=True
    ):
        one, other = one.replace(first, f"{{{name}}}"), other.replace(second, f"{{{name}}}")
    return one if one == other else f"{{computed with {', '.join(names)}}}"
