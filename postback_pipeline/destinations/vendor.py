"""Receivers with a host and a contract of their own: what their adapters share.

Belongs here: options that every one has, where it sends, and which mode may reach what. Does not belong here: one
vendor's rules.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from functools import lru_cache
from ipaddress import ip_address
from typing import ClassVar, Self
from urllib.parse import urlsplit

from pydantic import Field

from postback_pipeline.destinations.base import Capabilities, Destination, DestinationError, Rendered
from postback_pipeline.destinations.options import BaseOptions, origin_of, parse_options, require_https
from postback_pipeline.destinations.person import Dropped, Person
from postback_pipeline.destinations.request_forms import check_fixed_url
from postback_pipeline.model import Facts, Postback
from postback_pipeline.settings import DestinationSettings, Mode


class VendorOptions(BaseOptions):
    """The options that every vendor's adapter has. A field whose name ends in `_env` names a secret's variable."""

    base_url: str | None = Field(
        default=None,
        description="Scheme and host to send to instead of the vendor's own: a gateway, or the sandbox, which at"
        " http://127.0.0.1:8787/as-TYPE answers as the vendor does.",
    )
    phone_country: str | None = Field(
        default=None,
        pattern="^[A-Z]{2}$",
        description="Where telephone numbers without a country's prefix are from, if the record names no country:"
        " ISO 3166-1 alpha-2, such as DE.",
    )

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Names of the environment variables that hold this destination's secrets."""
        named = (getattr(self, field) for field in type(self).model_fields if field.endswith("_env"))
        return tuple(name for name in named if name)

    @property
    def urls(self) -> dict[str, str]:
        """Where else than to its receiver this destination goes, by the option that says so: fields `..._url`."""
        names = (field for field in type(self).model_fields if field.endswith("_url") and field != "base_url")
        return {name: url for name in names if (url := getattr(self, name))}


class Vendor(Destination):
    """One vendor's receiver.

    Args:
        name: the destination's.
        options: checked.
        base: scheme and host that it sends to, without a slash at its end.
        testing: its requests go to the vendor's own test facility and must say so.
    """

    options_type: ClassVar[type[VendorOptions]] = VendorOptions
    #: The vendor's own scheme and host, where it is the same for every account; see `home_of`.
    home: ClassVar[str]
    can: ClassVar[Capabilities]

    def __init__(self, name: str, options: VendorOptions, *, base: str, testing: bool) -> None:
        self.name = name
        self.options = options
        self.base = base
        self.at_test_facility = testing
        self.origins = (origin_of(base),)
        self.secret_names = options.secret_names
        self.capabilities = self.can

    @classmethod
    def home_of(cls, options: VendorOptions) -> str:
        """The vendor's scheme and host for this account."""
        return cls.home

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Why mode `test` cannot use the vendor's own facility; empty where it can."""
        return f"{cls.contract.title} has no test facility"

    @classmethod
    def from_settings(cls, name: str, settings: DestinationSettings) -> Self:
        """Checks options and mode; DestinationError names the option that is wrong."""
        options = parse_options(cls.options_type, name, settings)
        base = (options.base_url or cls.home_of(options)).rstrip("/")
        for field, url in {"base_url": base, **options.urls}.items():
            try:
                check_fixed_url(url)
            except ValueError as error:
                raise DestinationError(f"destinations.{name}: {field}: {error}.") from error
            require_https(name, field, origin_of(url), settings, options)
        testing = settings.mode is Mode.TEST and not _is_loopback(base)
        if testing and (problem := cls.untestable(options)):
            raise DestinationError(
                f"destinations.{name}: mode: {problem}. Mode test reaches loopback and the vendor's own test facility"
                f' only: set base_url = "http://127.0.0.1:8787/as-{cls.type}", where `postback sandbox` answers as the'
                ' vendor does, or mode = "live".'
            )
        built = cls(name, options, base=base, testing=testing)
        if settings.mode is Mode.TEST and not testing and built.grant and not _is_loopback(built.grant.url):
            raise DestinationError(
                f"destinations.{name}: token_url: mode test with a base_url on this machine would still ask"
                f" {origin_of(built.grant.url)} for access tokens. Let the sandbox give them, too: token_url ="
                f' "{base}/token".'
            )
        return built

    def render(self, postback: Postback) -> str:
        """The element alone."""
        return self.rendered(postback).text

    def rendered(self, postback: Postback) -> Rendered:
        """The element and what it leaves out. Raises DestinationError where the receiver cannot be told."""
        person = Person(postback.person)
        text = self.element(postback, person)
        # An attribute that is read twice is one that was left out.
        return Rendered(text, tuple(dict.fromkeys(person.dropped)))

    def identifier(self, facts: Facts, person: Person, name: str) -> str | None:
        """An identifier as the contract describes it; one that looks otherwise is noted in `person.dropped`."""
        value = facts.identifiers.get(name)
        if not value:
            return None
        if not _matches(self.contract.identifiers[name], value):
            person.dropped.append(Dropped(name, "malformed"))
            return None
        return value

    @abstractmethod
    def element(self, postback: Postback, person: Person) -> str:
        """The frozen element. What of `person` and identifiers is unusable is noted in `person.dropped`.

        Raises DestinationError where this receiver cannot be told; the sentence holds no personal data.
        """


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _matches(pattern: str, value: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _is_loopback(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
