"""What a platform's file is: requests for a range of days, replies -> rows, as pure values.

A platform talks by a generator: it yields what to ask, is sent each reply that came back whole and well, and returns
the report. It reaches nothing by itself, never sees a secret in what it yields, and knows no clock: waiting, trying
again, tokens and the wire are the client's (`client.py`).

Belongs here: those values, and what every platform's file declares. Does not belong here: HTTP, files, the settings'
events (`events.py`), any platform.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from postback_pipeline.destinations.base import Reply
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, TokenGrant
from postback_pipeline.destinations.options import BaseOptions
from postback_pipeline.model import PostbackError
from postback_pipeline.platforms.days import Days


class PullError(PostbackError):
    """A report could not be read, and nothing of it is kept; the text holds no secret."""


class ReportOptions(BaseOptions):
    """The options that every platform has. A field whose name ends in `_env` names a secret's variable."""

    base_url: str | None = Field(
        default=None, description="Scheme and host to ask instead of the platform's own: a gateway, or a test's server."
    )

    @property
    def secret_names(self) -> tuple[str, ...]:
        """Names of the environment variables that hold this report's secrets."""
        return tuple(getattr(self, name) for name in type(self).model_fields if name.endswith("_env"))


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, without credentials: the client puts them on."""

    method: str
    #: Below the platform's own scheme and host, or whole.
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    #: Wait so long before asking: a job takes its time.
    after_seconds: float = 0.0
    #: False for an address that is a secret by itself, on whatever host a reply named it.
    with_credentials: bool = True


class Fault(StrEnum):
    """Why a reply is no answer."""

    PASSING = "passing"
    """Ask again later."""
    CREDENTIALS = "credentials"
    """The token is over, or wrong."""
    FINAL = "final"
    """Asking again changes nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a reply; `code` is the platform's own, or `HTTP 500`, and may be shown."""

    fault: Fault
    code: str


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What a platform shows for one day and one of its own events; several of the same are added up."""

    day: date
    event: str
    conversions: Decimal
    #: In major units of `currency`; None where the platform tells counts only.
    value: Decimal | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What a platform says about what it was sent: of which subject, which measure, how much or which word."""

    subject: str
    measure: str
    said: str | float


@dataclass(frozen=True, slots=True)
class Report:
    """All of a conversation about one account."""

    rows: tuple[ReportRow, ...]
    #: IANA zone of its days, where the platform tells; and the one currency of its values.
    time_zone: str | None = None
    currency: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()


Conversation = Generator[Ask, Reply, Report]


class Platform(ABC):
    """One platform's report.

    Args:
        options: checked.
        base: scheme and host that are asked, without a slash at the end.
    """

    #: What `platform` in `[reports.NAME]` says.
    name: ClassVar[str]
    title: ClassVar[str]
    #: Where its contract stands.
    documentation: ClassVar[str]
    #: Its own scheme and host.
    home: ClassVar[str]
    options_type: ClassVar[type[ReportOptions]] = ReportOptions
    #: What an account is, and what its id looks like in whole.
    account: ClassVar[str]
    account_pattern: ClassVar[str]
    #: How many closed days it restates, as far as we read them again.
    lookback_days: ClassVar[int]
    #: What a day is: when something was converted, clicked ...
    day: ClassVar[str]
    #: By which window it attributes; stands in every row as `attribution_window`.
    window: ClassVar[str]
    #: What its report calls an event.
    event: ClassVar[str]
    #: Requests per second and account.
    rate: ClassVar[float] = 2.0
    #: Facts that no text of the platform confirmed, each behind a constant or method of its file.
    unverified: ClassVar[tuple[str, ...]] = ()

    def __init__(self, options: ReportOptions, *, base: str) -> None:
        self.options = options
        self.base = base

    @property
    def grant(self) -> TokenGrant | None:
        """How an access token is asked for; None where the environment holds what requests carry."""
        return None

    def event_of(self, receiver_event: str) -> str:
        """What its report calls the event that routes call `receiver_event`."""
        return receiver_event

    def authorized(self, ask: Ask, secrets: Mapping[str, str]) -> Ask:
        """The request with its credentials; a grant's token is among `secrets` as ACCESS_TOKEN.

        Raises:
            SecretError: a secret is no good.
        """
        name = ACCESS_TOKEN if self.grant else self.options.secret_names[0]
        return with_headers(ask, {"Authorization": f"Bearer {credential(secrets, name)}"})

    def problem(self, reply: Reply) -> Problem | None:
        """What is wrong with a reply; None for one that answers."""
        return problem_of(reply.status)

    @abstractmethod
    def conversation(self, account: str, days: Days, events: tuple[str, ...]) -> Conversation:
        """Asks for these days of one account. `events` are the platform's names that anybody wants to know of.

        Raises PullError where a reply is not as documented.
        """


def with_headers(ask: Ask, headers: Mapping[str, str]) -> Ask:
    """The request with more headers."""
    return replace(ask, headers={**ask.headers, **headers})


def problem_of(status: int) -> Problem | None:
    """What a status alone says."""
    if 200 <= status < 300:
        return None
    if status in (401, 403):
        return Problem(Fault.CREDENTIALS, f"HTTP {status}")
    is_passing = status in (408, 425, 429) or status >= 500
    return Problem(Fault.PASSING if is_passing else Fault.FINAL, f"HTTP {status}")
