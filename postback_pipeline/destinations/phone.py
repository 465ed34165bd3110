"""Telephone numbers in the one form that names a line anywhere: E.164.

Belongs here: reading what a person typed, by the phonenumbers library's rules; and a short way through them, since the
library's own takes longer than everything else about a postback together. Does not belong here: which form of a number
a receiver wants (`person`, adapters).
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, ValidationResult

#: An international number with the punctuation that people put into it; what is left of any number without it.
_INTERNATIONAL = re.compile(r"(?:\+|00)[\s().\-/0-9]+")
_PLAIN = re.compile(r"\+?[0-9 ().\-/]{2,40}")
_NO_PUNCTUATION = str.maketrans("", "", "+ ().-/")


def e164_of(typed: str, country: str | None) -> str | None:
    """`+4930123456`; None for what is no possible number, or lacks its area code.

    Args:
        typed: as a person typed it.
        country: where a number without a country's prefix is (ISO 3166-1 alpha-2, any case); None: it is nowhere.
    """
    typed = typed.strip()
    if typed.startswith("00"):
        typed = "+" + typed[2:]
    if _PLAIN.fullmatch(typed) and (found := _short_way(typed, country)):
        return found
    return by_library(typed, country)


def by_library(typed: str, country: str | None) -> str | None:
    """`e164_of` by the library alone, for a number whose 00 is a plus sign already."""
    region = None if _INTERNATIONAL.fullmatch(typed) or not country else country.upper()
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    # A number that is possible only inside its own area is no line of this world.
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class _Plan(NamedTuple):
    """What of a numbering plan decides plain numbers."""

    code: str
    #: Lengths of a number without the country's code and the prefix for calls inside the country.
    lengths: frozenset[int]
    #: The prefix; None where there is none. `rewrites`: the library makes another number of it than a shorter one.
    prefix: re.Pattern[str] | None
    rewrites: bool
    abroad: re.Pattern[str] | None
    national: re.Pattern[str]


def _short_way(typed: str, country: str | None) -> str | None:
    """Numbers that nothing but their digits decides; None where the library must be asked."""
    digits = typed.translate(_NO_PUNCTUATION)
    if typed[0] == "+":
        plan = _plan_of_code(digits[:1]) or _plan_of_code(digits[:2]) or _plan_of_code(digits[:3])
        digits = digits[len(plan.code) :] if plan else digits
    else:
        plan = _plan_of_region(country.upper()) if country else None
        # It may begin with a country's code or with the prefix for calls abroad.
        if plan and (digits.startswith(plan.code) or (plan.abroad and plan.abroad.match(digits))):
            return None
    if plan is None:
        return None
    if plan.prefix and (begins := plan.prefix.match(digits)):
        digits = digits[begins.end() :]
        if plan.rewrites or not plan.national.fullmatch(digits):
            return None
    return f"+{plan.code}{digits}" if len(digits) in plan.lengths else None


@cache
def _plan_of_code(code: str) -> _Plan | None:
    known = code.isdecimal() and phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if not known or code.startswith("0"):
        return None
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), known[0])
    return _plan(metadata) if metadata else None


@cache
def _plan_of_region(region: str) -> _Plan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.country_code is None:
        return None
    own, shared = _plan(metadata), _plan_of_code(str(metadata.country_code))
    # Possible is what the plan of all countries with this code says is.
    return own._replace(lengths=own.lengths & shared.lengths) if own and shared else None


def _plan(metadata: PhoneMetadata) -> _Plan | None:
    general = metadata.general_desc
    if general is None or general.national_number_pattern is None or metadata.country_code is None:
        return None
    prefix, abroad = metadata.national_prefix_for_parsing, metadata.international_prefix
    return _Plan(
        code=str(metadata.country_code),
        lengths=frozenset(general.possible_length),
        prefix=re.compile(prefix) if prefix else None,
        rewrites=bool(metadata.national_prefix_transform_rule),
        abroad=re.compile(abroad) if abroad else None,
        national=re.compile(general.national_number_pattern),
    )
