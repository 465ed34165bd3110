"""Table `[alerts]`: what is worth an alert, who is told, by which channel, and when not.

Belongs here: the settings, and the names that they and all alerts use. Does not belong here: noticing a condition,
telling anybody (`alerting`).
"""

from __future__ import annotations

from datetime import time
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from postback_pipeline.settings.fields import Name, Strict, TimeZone, Variable


class ConditionKind(StrEnum):
    """What may be wrong; a channel may ask for some of these."""

    PAUSED = "paused"
    """A destination takes nothing until somebody acts."""
    FLOOD = "flood"
    """An enqueue waits for an approval."""
    PARKED = "parked"
    """Only a person can tell what the receiver believes."""
    CONFLICT = "conflict"
    """The receiver calls it a duplicate of something that we never sent."""
    REJECTED = "rejected"
    """The receiver said no for good."""
    EXPIRED = "expired"
    """The receiver's window closed, or the attempts were spent."""
    EXPIRING = "expiring"
    """It is queued, and its receiver's window closes soon."""
    REFUSED_ROWS = "refused_rows"
    """An enqueue could not make postbacks of some rows."""
    FAILED_RUN = "failed_run"
    """The newest run of a job failed."""
    FAILED_CHECK = "failed_check"
    """The newest evaluation of an asset check failed."""
    STALE_SOURCE = "stale_source"
    """Nothing new came for longer than its source declares."""
    UNEXPLAINED = "unexplained"
    """A platform's report differs from what it accepted, and no cause is known."""
    ANOMALY = "anomaly"
    """A measure left its usual range."""
    CHANNEL_DOWN = "channel_down"
    """A channel cannot be told; the others hear of it."""
    BLIND = "blind"
    """Something could not be looked at, so that nothing is known of it."""


class QuietHours(Strict):
    """From one wall clock time to another, over midnight if the second is the earlier one."""

    start: time = Field(alias="from")
    end: time = Field(alias="to")
    time_zone: TimeZone


class Channel(Strict):
    """What every way to tell somebody has."""

    #: Which kinds it is told of; default: all.
    conditions: tuple[ConditionKind, ...] = tuple(ConditionKind)
    only_urgent: bool = False
    #: Instead of those of `[alerts]`.
    quiet_hours: QuietHours | None = None


class SlackChannel(Channel):
    """An incoming webhook of Slack, or of what understands Slack's (Mattermost, Rocket.Chat, Discord's `/slack`)."""

    kind: Literal["slack"]
    #: The variable that holds the URL: who knows it can write there.
    url_env: Variable

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables that it needs."""
        return (self.url_env,)


class EmailChannel(Channel):
    """Mail through one's own server."""

    kind: Literal["email"]
    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65_535)
    #: `starttls` (587), `implicit` (465), or `none`, which only a server on this machine may have.
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username_env: Variable | None = None
    password_env: Variable | None = None
    sender: str = Field(pattern=r"^[^\s@]+@[^\s@]+$")
    recipients: tuple[Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$")], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _login_is_whole_and_safe(self) -> EmailChannel:
        if (self.username_env is None) != (self.password_env is None):
            raise ValueError("username_env and password_env go together")
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"tls: 'none' would tell {self.host} in clear; use 'starttls' or 'implicit'")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables that it needs."""
        return tuple(name for name in (self.username_env, self.password_env) if name)


class WebhookChannel(Channel):
    """JSON to an endpoint of one's own, signed as destination type `webhook` signs."""

    kind: Literal["webhook"]
    url: str
    secret_env: Variable
    #: The secret before a change; both sign until the endpoint knows the new one.
    previous_secret_env: Variable | None = None

    @model_validator(mode="after")
    def _url_can_be_called(self) -> WebhookChannel:
        require_safe_url(self.url)
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the environment variables that it needs, the newest secret first."""
        return tuple(name for name in (self.secret_env, self.previous_secret_env) if name)


AnyChannel = Annotated[SlackChannel | EmailChannel | WebhookChannel, Field(discriminator="kind")]


class Alerts(Strict):
    """What is worth an alert, and who is told."""

    #: Where people reach the Dagster UI; messages then link there.
    ui_url: str | None = None
    channels: dict[Name, AnyChannel] = Field(default_factory=dict)
    #: A condition that lasts is told again after so long.
    repeat_hours: float = Field(default=24.0, gt=0)
    #: A condition is over once it was not seen for so long: what comes and goes is one condition.
    over_after_minutes: float = Field(default=5.0, ge=0)
    #: These are told in quiet hours too.
    urgent: tuple[ConditionKind, ...] = (
        ConditionKind.PAUSED,
        ConditionKind.FLOOD,
        ConditionKind.EXPIRING,
        ConditionKind.FAILED_RUN,
        ConditionKind.BLIND,
    )
    quiet_hours: QuietHours | None = None
    #: What was rejected or expired counts for so long.
    refused_within_hours: float = Field(default=24.0, gt=0)
    #: What is queued counts as expiring from so long before its window closes ...
    expiring_within_hours: float = Field(default=12.0, gt=0)
    #: ... once it has been in the ledger for so long: what is about to be sent is not at risk.
    expiring_after_minutes: float = Field(default=30.0, ge=0)
    #: Unexplained conversions of a destination over so many days, as a share of the accepted ones, above which it is
    #: an alert, and how few are none.
    unexplained_days: int = Field(default=28, ge=1)
    unexplained_share: float = Field(default=0.05, ge=0)
    unexplained_minimum: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _ui_url_is_one(self) -> Alerts:
        if self.ui_url is not None and urlsplit(self.ui_url).scheme not in ("http", "https"):
            raise ValueError("ui_url must begin with http:// or https://")
        return self


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def require_safe_url(url: str) -> None:
    """Raises ValueError, without the URL in it, where it cannot be called, or only in clear over a network."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("the URL must be https://host/path")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError("the URL must begin with https://; http:// is for this machine")
