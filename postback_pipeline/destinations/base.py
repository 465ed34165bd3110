"""The contract every destination fulfils: postbacks -> request, reply -> one verdict per postback.

Belongs here: the contract, its values, and nothing that is one receiver's. Adapters are pure: no I/O, no clock, no
environment; secrets and the time of sending are handed in when a request is made.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Self

from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.person import Dropped
from postback_pipeline.model import Kind, Later, Postback
from postback_pipeline.settings import DestinationSettings

if TYPE_CHECKING:
    from postback_pipeline.destinations.oauth import TokenGrant


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a receiver can do; loaded as `raw.destination_capabilities`, so that SQL decides by it too."""

    #: It drops a second message with our stable key (`Element.key`); and for how long (None: for ever).
    deduplicates: bool = False
    dedup_window: timedelta | None = None
    #: The oldest event time it takes; None for no limit.
    max_age: timedelta | None = None
    #: It can be told a new total, nothing at all, and a total again after nothing.
    restatement: bool = False
    retraction: bool = False
    reinstatement: bool = False
    #: A new total may be more than the one before; where it may not, only what was taken back can be told.
    increase: bool = True
    #: It can adjust what its own pixel reported.
    adjusts_pixel: bool = False
    #: The youngest and oldest event time at which it takes an adjustment.
    adjustment_min_age: timedelta | None = None
    adjustment_max_age: timedelta | None = None
    #: The most postbacks, and bytes of their elements (UTF-8), of one request; whether one bad postback can fail them
    #: all. A batch that is rejected as a whole is then sent in parts, down to the postbacks to blame.
    batch_rows: int = 1
    batch_bytes: int | None = None
    one_bad_fails_all: bool = False
    #: Postbacks of different kinds may travel in one request; where not, a drain sends them apart.
    mixes_kinds: bool = True
    #: Acceptance is only a receipt; the verdict follows.
    judges_later: bool = False

    def adjusts(self, kind: Kind) -> bool:
        """Whether it takes postbacks of this kind at all."""
        return {
            Kind.CONVERSION: True,
            Kind.RESTATEMENT: self.restatement,
            Kind.RETRACTION: self.retraction,
        }[kind]


class Element(NamedTuple):
    """A postback's own part of a request, frozen at enqueue and byte for byte the same on every attempt."""

    #: Stable over retries; what a deduplicating receiver deduplicates on.
    key: str
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """What goes on the wire. `url` and `headers` may hold secrets: neither is ever logged or stored."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    #: A reply that is longer, in bytes after decompression, is not read to its end; 0 for the usual limit.
    longest_reply: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whole: a reply whose body broke off never reaches an adapter."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Rendered(NamedTuple):
    """A postback's element, and what of it could not be told."""

    text: str
    dropped: tuple[Dropped, ...] = ()


class Reading(StrEnum):
    """What a receiver's reply means for one postback."""

    ACCEPTED = "accepted"
    """The documented acceptance was parsed."""
    DUPLICATE = "duplicate"
    """The receiver says it has this already."""
    REJECTED = "rejected"
    """A final no."""
    RETRY = "retry"
    """A documented "not now, and not processed"."""
    CONFIGURATION = "configuration"
    """Credentials or set-up are wrong: pauses the destination, says nothing about the postback."""
    UNKNOWN = "unknown"
    """Nothing documented: the receiver may have taken it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reading of a reply for one postback, with the receiver's own code where it gives one."""

    reading: Reading
    #: Short, free of personal data and secrets: a receiver's code or our own word for it.
    reason: str
    #: The receiver judged the request as a whole: which of its postbacks is to blame it did not say.
    on_request: bool = False
    #: With RETRY: how long this postback must wait as documented, where no Retry-After says another time. It says
    #: nothing about the others.
    wait: timedelta | None = None
    #: With ACCEPTED, of a receiver that judges later: by what it is asked for its verdict. At most 200 characters.
    receipt: str = ""
    #: With CONFIGURATION: it is the access token that is at fault, so that another one may be taken. A reply with
    #: status 401 says so by itself.
    credential: bool = False


@dataclass(frozen=True, slots=True)
class LaterVerdict:
    """A later verdict with the receiver's own reason, under the rules of `Verdict.reason`."""

    later: Later
    reason: str


class DestinationError(ValueError):
    """The options of a destination are wrong, or a postback cannot be rendered for it; a whole sentence."""


class SecretError(DestinationError):
    """A secret's value cannot be used. Pauses the destination; says nothing about the postback."""


class Destination(ABC):
    """One receiver as configured under one name. Instances are immutable and safe to share."""

    #: The word in `type = "..."`.
    type: ClassVar[str]
    #: What the receiver's documents say.
    contract: ClassVar[Contract]

    name: str
    capabilities: Capabilities
    #: Names of the environment variables whose values `request` needs.
    secret_names: tuple[str, ...]
    #: `scheme://host[:port]` it sends to: from the configuration, never from data.
    origins: tuple[str, ...]
    #: How an access token is got, where `request` needs one: it finds it among the secrets as `oauth.ACCESS_TOKEN`.
    grant: TokenGrant | None = None
    #: In mode `test`: its requests go to the vendor's own test facility, not to loopback.
    at_test_facility: bool = False

    @classmethod
    @abstractmethod
    def from_settings(cls, name: str, settings: DestinationSettings) -> Self:
        """Raises DestinationError where the options are wrong, with a sentence that names the option."""

    @abstractmethod
    def render(self, postback: Postback) -> str:
        """The frozen element of a postback, hashed and formatted by this receiver's rules.

        Raises DestinationError where this receiver cannot be told; the sentence holds no personal data.
        """

    def rendered(self, postback: Postback) -> Rendered:
        """`render`, with what had to be left out; raises as it does."""
        return Rendered(self.render(postback))

    @abstractmethod
    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """One request for up to `capabilities.batch_rows` elements; adds credentials, envelope and signature.

        Raises DestinationError where an element cannot be sent, SecretError where a secret's value is no good; neither
        text holds personal data or a secret.
        """

    @abstractmethod
    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """One verdict per element, in order. Never raises: what it does not understand is UNKNOWN."""

    def inquiry(self, receipt: str, *, secrets: Mapping[str, str], asked_at: datetime) -> Request:
        """Where it judges later: asks for its verdict on what was accepted under `receipt`."""
        raise NotImplementedError(f"{self.type} judges at once")

    def read_inquiry(self, reply: Reply, count: int) -> LaterVerdict | None:
        """The later verdict on the `count` postbacks of one receipt; None for a reply that is none. Never raises."""
        raise NotImplementedError(f"{self.type} judges at once")
