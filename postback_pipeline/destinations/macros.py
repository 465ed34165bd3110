"""Macros in braces: what `{gclid}` or `{value}` stands for, and templates that fill them in exactly once.

Belongs here: the closed list of macros and the one-pass template. Does not belong here: how a value is encoded, which
the place in the request decides (`request_forms`), and secrets, which stay in the text as `{secret:NAME}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from postback_pipeline.destinations.base import DestinationError
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import email_sha256, phone_sha256
from postback_pipeline.destinations.times import iso, unix_milliseconds, unix_seconds
from postback_pipeline.model import Postback

_TOKEN = re.compile(r"\{([A-Za-z0-9_:.-]+)(\??)\}")
_SECRET = re.compile(rf"secret:({VARIABLE})")
_IDENTIFIER = re.compile(r"identifier:([a-z][a-z0-9_]*)")

Macro = Callable[[Postback], str | None]

#: Identifiers of the landing contract; any other is written `{identifier:name}`.
IDENTIFIERS = (
    *("gclid", "gbraid", "wbraid", "fbclid", "fbc", "fbp", "ga_client_id", "ttclid", "msclkid", "li_fat_id"),
    *("twclid", "epik", "rdt_cid", "sc_click_id", "irclickid", "cjevent", "awc", "subid", "dclid", "ran_site_id"),
)

#: Purposes of the landing contract. `{consent:PURPOSE}` is `granted`, `denied` or `unknown`, and has no value where the
#: route does not ask for that purpose.
CONSENT_PURPOSES = ("ad_user_data", "ad_personalization", "analytics")

#: Macros whose value is a number, so that a JSON body may hold them without quotes.
NUMERIC = frozenset(
    {"revision", "value", "previous_value", "delta"}
    | {f"{time}_{unit}" for time in ("event_time", "action_at", "clicked_at") for unit in ("unix", "ms")}
)


def _identifier(name: str) -> Macro:
    return lambda postback: postback.facts.identifiers.get(name)


def _person(name: str) -> Macro:
    return lambda postback: postback.person.get(name)


def _consent(purpose: str) -> Macro:
    return lambda postback: postback.consent.get(purpose)


def _times(name: str) -> dict[str, Macro]:
    def time(postback: Postback) -> datetime | None:
        found: datetime | None = getattr(postback.facts, name)
        return found

    def whole(form: Callable[[datetime], int]) -> Macro:
        return lambda postback: None if (at := time(postback)) is None else str(form(at))

    return {
        name: lambda postback: None if (at := time(postback)) is None else iso(at),
        f"{name}_unix": whole(unix_seconds),
        f"{name}_ms": whole(unix_milliseconds),
    }


def _previous(postback: Postback) -> str | None:
    return None if postback.previous_value is None else wire_amount(postback.previous_value, postback.currency)


#: Macro -> its value; None where this postback has none.
MACROS: Mapping[str, Macro] = {
    "conversion_key": lambda postback: postback.conversion_key,
    "key": lambda postback: postback.key,
    "revision": lambda postback: str(postback.revision),
    "kind": lambda postback: postback.kind.value,
    "transaction_id": lambda postback: postback.facts.transaction_id,
    "event": lambda postback: postback.facts.receiver_event,
    "event_name": lambda postback: postback.event_name,
    "event_id": lambda postback: postback.facts.event_id,
    "value": lambda postback: wire_amount(postback.value, postback.currency),
    "previous_value": _previous,
    "delta": lambda postback: wire_amount(postback.delta, postback.currency),
    "currency": lambda postback: postback.currency,
    **_times("event_time"),
    **_times("action_at"),
    **_times("clicked_at"),
    "click_id": lambda postback: postback.facts.click_id,
    "identifier": lambda postback: next(iter(postback.facts.identifiers.values()), None),
    **{name: _identifier(name) for name in IDENTIFIERS},
    "email_sha256": lambda postback: email_sha256(postback.person.get("email")),
    "phone_sha256": lambda postback: phone_sha256(postback.person.get("phone")),
    "ip": _person("ip"),
    "user_agent": _person("user_agent"),
    "page_url": _person("page_url"),
    **{f"consent:{purpose}": _consent(purpose) for purpose in CONSENT_PURPOSES},
}


@dataclass(frozen=True, slots=True)
class Slot:
    """One macro in a template; `optional` (`{gclid?}`) becomes empty where there is no value."""

    name: str
    value: Macro
    optional: bool


@dataclass(frozen=True, slots=True)
class Template:
    """Text with slots between its fixed pieces; `{secret:NAME}` counts as fixed."""

    pieces: tuple[str | Slot, ...]
    secrets: frozenset[str]

    def fill(self, postback: Postback, encode: Callable[[str], str]) -> str:
        """The text for a postback; what a value holds is never looked at again.

        Raises:
            DestinationError: a macro without a value, or a value that has no UTF-8 form. Never shows a value.
        """
        return "".join(piece if isinstance(piece, str) else _filled(piece, postback, encode) for piece in self.pieces)

    def sample(self, sample: Callable[[Slot], str]) -> str:
        """The text with samples in place of the macros, for checking what surrounds them."""
        return "".join(piece if isinstance(piece, str) else sample(piece) for piece in self.pieces)


def _filled(slot: Slot, postback: Postback, encode: Callable[[str], str]) -> str:
    value = slot.value(postback)
    if not value:
        if slot.optional:
            return ""
        raise DestinationError(
            f"The macro {{{slot.name}}} has no value for this conversion. Write {{{slot.name}?}} if it may be empty."
        )
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise DestinationError(f"The value of {{{slot.name}}} holds half a character and cannot be sent.") from None
    return encode(value)


def parse_template(text: str) -> Template:
    """Splits a template into fixed text and macros.

    Raises:
        ValueError: an unknown macro; the text lists the known ones.
    """
    pieces: list[str | Slot] = []
    secrets: set[str] = set()
    end = 0
    for token in _TOKEN.finditer(text):
        name, optional = token[1], token[2] == "?"
        if not optional and (secret := _SECRET.fullmatch(name)):
            secrets.add(secret[1])
            continue
        pieces += [text[end : token.start()], Slot(name, _macro(name), optional)]
        end = token.end()
    return Template((*pieces, text[end:]), frozenset(secrets))


def _macro(name: str) -> Macro:
    if custom := _IDENTIFIER.fullmatch(name):
        return _identifier(custom[1])
    if name not in MACROS:
        known = ", ".join(MACROS)
        raise ValueError(f"{{{name}}} is no macro. Known are {known}, identifier:NAME and secret:NAME")
    return MACROS[name]
