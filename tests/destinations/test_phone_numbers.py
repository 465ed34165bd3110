"""Telephone numbers: what a person typed, in the form that names a line anywhere."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from postback_pipeline.destinations.phone import by_library, e164_of

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
FORMATS = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("+49 (30) 123-456", None, "+4930123456"),
        ("+49 (0)30 123456", None, "+4930123456"),
        ("0049 30 123456", "US", "+4930123456"),
        ("030 123456", "de", "+4930123456"),
        ("030 123456", None, None),
        ("(650) 555-1212", "US", "+16505551212"),
        ("1 650 555 1212", "US", "+16505551212"),
        ("011 49 30 123456", "US", "+4930123456"),
        # Without its area code it may be anybody's.
        ("555-1212", "US", None),
        ("+39 06 698 1234", None, "+39066981234"),
        ("06 698 1234", "IT", "+39066981234"),
        ("+81 3-1234-5678", None, "+81312345678"),
        ("+999 123456", None, None),
        ("+1 23", None, None),
        ("030 123456", "XX", None),
        ("call me", "DE", None),
        ("", "DE", None),
    ],
)
def test_numbers_have_one_form(typed: str, country: str | None, number: str | None) -> None:
    assert e164_of(typed, country) == number


def by_the_library(typed: str, country: str | None) -> str | None:
    typed = typed.strip()
    return by_library("+" + typed[2:] if typed.startswith("00") else typed, country)


@pytest.mark.parametrize("region", REGIONS)
def test_every_kind_of_number_of_every_country_is_read_as_the_library_reads_it(region: str) -> None:
    for kind in phonenumbers.PhoneNumberType.values():
        number = phonenumbers.example_number_for_type(region, kind)
        if number is None:
            continue
        for form in FORMATS:
            typed = phonenumbers.format_number(number, form)
            for country in (region, "US", "DE", None):
                assert e164_of(typed, country) == by_the_library(typed, country)


@settings(max_examples=500, deadline=None)
@given(
    typed=st.from_regex(r"(\+|00?|)[0-9]{1,4}[ \-/(.]?[0-9]{1,8}[ )\-]?[0-9]{0,7}", fullmatch=True)
    | st.text("+0123456789 ()-./ABx#", max_size=20),
    country=st.sampled_from(REGIONS) | st.none(),
)
@example(typed="+4900", country=None)
@example(typed="+1 1650 5551212", country=None)
@example(typed="+(0)49 30 123456", country=None)
def test_whatever_is_typed_is_read_as_the_library_reads_it(typed: str, country: str | None) -> None:
    assert e164_of(typed, country) == by_the_library(typed, country)
