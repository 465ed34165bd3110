"""The shop whose orders everybody renders: persons and amounts, the same for our adapters and for vendors' packages.

Belongs here: what an order holds. Standard library only, since vendors' packages have an environment of their own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

_FIRST = ("Ada", "Zoë", "Jean-Luc", "María José", "Grace", "Łukasz", "Yuki", "Emma", "Noah", "Søren")
_LAST = ("Lovelace", "O'Neil", "García Márquez", "Hopper", "Müller", "Kowalski", "Tanaka", "Smith-Jones")
_PLACES = (
    ("DE", "BE", "Berlin", "10115", "+49 30 1{:06d}", "030 1{:06d}"),
    ("US", "CA", "San Francisco", "94025-1234", "+1 415 55{:05d}", "(415) 55{:05d}"),
    ("FR", "75", "Paris", "75001", "+33 6 12{:06d}", "06 12{:06d}"),
    ("GB", "LN", "London", "SW1A 1AA", "+44 7400 {:06d}", "07400 {:06d}"),
)


@dataclass(frozen=True)
class Order:
    """One order and who made it."""

    number: int
    cents: int
    click: str
    #: The telephone number with its country's prefix, however it was typed.
    phone: str
    person: dict[str, str]


def orders(count: int) -> Iterator[Order]:
    """Always the same ones; no two persons are alike. One number in ten is typed as at home, without its country."""
    chance = random.Random(7)
    for number in range(count):
        country, region, city, postal_code, abroad, at_home = chance.choice(_PLACES)
        digits = chance.randrange(10**4, 10**5)
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        international = abroad.format(digits)
        phone = international if chance.random() < 0.9 else at_home.format(digits)
        person = {
            "email": f" {first[:1]}.User+{number}@Example{number % 50}.com",
            "phone": phone,
            "first_name": first,
            "last_name": last,
            "city": city,
            "region": region,
            "postal_code": postal_code,
            "country": country,
            "ip": f"203.0.{number // 250 % 250}.{number % 250}",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari",
            "page_url": f"https://shop.example/thanks?order={number}",
        }
        click = f"IwAR0{number:012d}_abcdefghijklmnopqrstuvwxyz"
        yield Order(number, chance.randrange(100, 50_000), click, international, person)
