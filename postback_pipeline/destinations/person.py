"""Personal attributes as receivers may see them: normalised, then SHA-256 in lower-case hex.

Belongs here: normal forms that are the same for several receivers, each a function of its own that says exactly what
it does, and noting what could not be used. Does not belong here: which form a receiver wants: its adapter says so,
attribute by attribute, so that no hash is shared between receivers by accident.
"""

from __future__ import annotations

import hashlib
import re
import string
import unicodedata
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import NamedTuple

from postback_pipeline.destinations.phone import e164_of

_NO_DIGIT = re.compile(r"[^0-9]")
_HASHED = re.compile(r"[0-9a-fA-F]{64}")
#: One `@`, something before it, and a dot in what follows: what cannot be an address is dropped, not hashed.
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_COUNTRY = re.compile(r"[A-Za-z]{2}")

Normal = Callable[[str], str | None]


class Dropped(NamedTuple):
    """An identifier or attribute that could not be used, and why: a word of ours, never the value."""

    name: str
    reason: str


class Person:
    """A postback's attributes for one receiver; what could not be used is noted in `dropped`."""

    __slots__ = ("_attributes", "dropped")

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._attributes = attributes
        self.dropped: list[Dropped] = []

    def hashed(self, name: str, normal: Normal) -> str | None:
        """SHA-256 of the attribute's normal form; a value that is a hash already stays one. None for nothing usable."""
        value = self._attributes.get(name)
        if not value:
            return None
        if len(value) == 64 and _HASHED.fullmatch(value):
            return value.lower()
        form = normal(value)
        if not form:
            self.dropped.append(Dropped(name, "malformed"))
            return None
        return sha256_hex(form)

    def plain(self, name: str, normal: Normal = str.strip) -> str | None:
        """The attribute's normal form as it is, for receivers that want it in clear. None for nothing usable."""
        value = self._attributes.get(name)
        if not value:
            return None
        form = normal(value)
        if not form:
            self.dropped.append(Dropped(name, "malformed"))
        return form or None


def sha256_hex(text: str) -> str:
    """Of its UTF-8 bytes; a half character counts as it came in, since such a postback is refused anyway."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def lower_email(email: str) -> str | None:
    """Trimmed and lower-cased; None for what is no address."""
    form = email.strip().lower()
    return form if _EMAIL.fullmatch(form) else None


def gmail_email(email: str) -> str | None:
    """Google's form: as `lower_email`, and in addresses of Gmail without dots and without what follows a plus sign.

    As google-ads-datamanager-util 0.4.0 makes it.
    """
    form = lower_email(email)
    return _bare(form) if form and form.endswith(("@gmail.com", "@googlemail.com")) else form


def bare_email(email: str) -> str | None:
    """As `lower_email`, and without dots and without what follows a plus sign, at whatever domain."""
    form = lower_email(email)
    return _bare(form) if form else None


def _bare(form: str) -> str | None:
    local, _, domain = form.partition("@")
    local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def e164(country: str | None) -> Normal:
    """The normal form `+4930123456` of phone numbers; `country` (ISO 3166-1 alpha-2) is where one without prefix is."""
    return lambda phone: e164_of(phone, country)


def phone_digits(country: str | None) -> Normal:
    """The digits of E.164 without its plus sign: `4930123456`."""
    return lambda phone: (form := e164_of(phone, country)) and form[1:]


class _Kept(dict[int, int | None]):
    """Code points for `str.translate`: those of some of Unicode's general categories stay, by their first letters."""

    def __init__(self, categories: str) -> None:
        super().__init__()
        self._categories = categories

    def __missing__(self, point: int) -> int | None:
        kept = self[point] = point if unicodedata.category(chr(point))[0] in self._categories else None
        return kept


#: Letters and digits, with the marks that belong to them.
_LETTERS = _Kept("LM")
_LETTERS_AND_DIGITS = _Kept("LMN")


def letters(text: str) -> str | None:
    """Lower-cased letters of any script, with their marks (vowel signs ...): no digits, spaces or punctuation."""
    return text.lower().translate(_LETTERS) or None


def unpunctuated(text: str) -> str | None:
    """Lower-cased, without white space and the punctuation of ASCII: `Mary-Ann O'Neil 3rd` is `maryannoneil3rd`."""
    return "".join(text.lower().translate(_PUNCTUATION).split()) or None


def letters_and_digits(text: str) -> str | None:
    """Lower-cased letters and digits of any script, with their marks: no spaces or punctuation."""
    return text.lower().translate(_LETTERS_AND_DIGITS) or None


def lower(text: str) -> str | None:
    """Trimmed and lower-cased."""
    return text.strip().lower() or None


def country_code(text: str) -> str | None:
    """ISO 3166-1 alpha-2, lower-cased; None for a country's name."""
    form = text.strip()
    return form.lower() if _COUNTRY.fullmatch(form) else None


def version_4(text: str) -> str | None:
    """An IP address of version 4; None for any other."""
    try:
        return str(IPv4Address(text.strip()))
    except AddressValueError:
        return None


def email_sha256(email: str | None) -> str | None:
    """Trimmed and lower-cased, then hashed, whatever it is: for endpoints of one's own. None for nothing."""
    form = (email or "").strip().lower()
    return sha256_hex(form) if form else None


def phone_sha256(phone: str | None) -> str | None:
    """Reduced to the digits 0-9, then hashed, whatever they are: for endpoints of one's own. None for nothing."""
    form = _NO_DIGIT.sub("", phone or "")
    return sha256_hex(form) if form else None
