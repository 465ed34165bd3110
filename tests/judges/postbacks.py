"""Postbacks that a shop could have, as properties are tested with them: persons as people type them, money, consent.

Belongs here: what is the same for all receivers. Does not belong here: identifiers of one receiver, and what a judge is
asked: that stands beside its tests.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import phonenumbers
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from postback_pipeline.model import Facts, Kind, Postback

#: Digits after the dot.
CURRENCIES = {"EUR": 2, "USD": 2, "GBP": 2, "JPY": 0, "KWD": 3}
REGIONS = ("DE", "US", "GB", "FR", "IT", "BR", "JP", "IN", "AE", "AU")
DOMAINS = ("Example.COM", "gmail.com", "GoogleMail.com", "shop.example.co.uk", "xn--bcher-kva.example", "GMAIL.com")
#: Asking costs more than rendering: fewer examples, the first that fails is shown as it is.
judged = settings(
    max_examples=50,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
_START = datetime(2026, 1, 1, tzinfo=UTC)


class Case(NamedTuple):
    """A postback, and what its person's telephone number really is (E.164), whatever was typed."""

    postback: Postback
    phone: str | None


def _padded(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(str.__add__, st.sampled_from(["", " ", "\t"]), texts).flatmap(
        lambda text: st.sampled_from([text, text + " "])
    )


def emails() -> st.SearchStrategy[str]:
    """Addresses as typed: any case, dots, tags, spaces around."""
    local = st.from_regex(r"[A-Za-z0-9]{1,8}([._\-][A-Za-z0-9]{1,8}){0,2}(\+[a-z0-9.]{1,6})?", fullmatch=True)
    return _padded(st.builds(lambda name, domain: f"{name}@{domain}", local, st.sampled_from(DOMAINS)))


def names() -> st.SearchStrategy[str]:
    """Names in several scripts, with the punctuation and marks that names have."""
    letter = st.characters(categories=["Lu", "Ll", "Lo", "Mn", "Mc"], exclude_characters="İſ", max_codepoint=0xFFFF)
    word = st.text(letter, min_size=1, max_size=8).filter(lambda text: text[0].isalpha())
    joint = st.sampled_from([" ", "-", "'", ". ", "  "])
    return _padded(st.builds(lambda first, between, last: first + between + last, word, joint, word) | word)


class Phone(NamedTuple):
    """A telephone number as typed, its country, and what it is (E.164)."""

    typed: str
    country: str
    e164: str


@st.composite
def phones(draw: st.DrawFn) -> Phone:
    """Numbers of several countries: national, international, with 00, with punctuation."""
    country = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    e164 = phonenumbers.format_number(example, PhoneNumberFormat.E164)
    e164 = e164[:-4] + draw(st.text(string.digits, min_size=4, max_size=4))
    number = phonenumbers.parse(e164)
    typed = draw(
        st.sampled_from(
            [
                e164,
                "00" + e164[1:],
                phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL),
                phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL),
            ]
        )
    )
    return Phone(f" {typed} " if draw(st.booleans()) else typed, country, e164)


@st.composite
def persons(draw: st.DrawFn, required: Sequence[str]) -> tuple[dict[str, str], str | None]:
    """Attributes as typed, some of them; and the telephone number's E.164."""
    phone = draw(phones())
    typed = {
        "email": draw(emails()),
        "phone": phone.typed,
        "first_name": draw(names()),
        "last_name": draw(names()),
        "city": draw(names()),
        "region": draw(_padded(st.from_regex(r"[A-Za-z]{2}", fullmatch=True))),
        "postal_code": draw(st.sampled_from(["94025", " 94025-1234 ", "SW1A 1AA", "10115", "01310-100"])),
        "country": draw(st.sampled_from([phone.country, phone.country.lower()])),
        "ip": draw(st.ip_addresses().map(str)),
        "user_agent": draw(st.sampled_from(["Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone) ☃"])),
        "page_url": draw(st.sampled_from(["https://shop.example/thanks?o=7", "https://shop.example/danke?n=%C3%BC"])),
    }
    kept = draw(st.sets(st.sampled_from(sorted(typed)))) | set(required) if draw(st.booleans()) else set(typed)
    if "phone" in kept:
        kept.add("country")
    return {name: value for name, value in typed.items() if name in kept}, phone.e164 if "phone" in kept else None


def amounts(currency: str) -> st.SearchStrategy[Decimal]:
    """From the smallest unit to ten million."""
    digits = CURRENCIES[currency]
    return st.integers(1, 10**7).map(lambda units: Decimal(units).scaleb(-digits))


@st.composite
def cases(
    draw: st.DrawFn,
    *,
    identifiers: Mapping[str, st.SearchStrategy[str]],
    events: Sequence[str],
    kinds: Sequence[Kind] = (Kind.CONVERSION,),
    always: Sequence[str] = (),
    required: Sequence[str] = (),
) -> Case:
    """A postback of one of `kinds` with some of `identifiers`.

    Those named in `always`, and the attributes in `required`, are there every time.
    """
    kind = draw(st.sampled_from(list(kinds)))
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    before = None if kind is Kind.CONVERSION else draw(amounts(currency))
    person, phone = draw(persons(required))
    kept = draw(st.sets(st.sampled_from(sorted(identifiers)))) | set(always) if identifiers else set()
    event_time = _START + timedelta(microseconds=draw(st.integers(0, 10**13)))
    number = draw(st.integers(1, 10**9))
    facts = Facts(
        receiver_event=draw(st.sampled_from(list(events))),
        event_id=draw(st.none() | st.just(f"tag-{number}")),
        transaction_id=f"ORD-{number}",
        action_at=event_time,
        event_time=event_time,
        click_id="c-1",
        clicked_at=event_time - timedelta(hours=draw(st.integers(1, 160)), milliseconds=draw(st.integers(0, 999))),
        identifiers={name: draw(identifiers[name]) for name in sorted(kept)},
    )
    postback = Postback(
        destination="partner",
        conversion_key=f"purchase:ORD-{number}",
        event_name="purchase",
        revision=1 if kind is Kind.CONVERSION else 2,
        kind=kind,
        value=Decimal(0) if kind is Kind.RETRACTION else draw(amounts(currency)),
        previous_value=before,
        currency=currency,
        facts=facts,
        person=person,
        consent=draw(
            st.dictionaries(
                st.sampled_from(["ad_user_data", "ad_personalization"]), st.sampled_from(["granted", "denied"])
            )
        ),
    )
    return Case(postback, phone)
