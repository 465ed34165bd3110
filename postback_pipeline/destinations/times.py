"""Instants as receivers write them.

Belongs here: the forms that several receivers share. Every argument is an aware datetime; every result is UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)
_MICROSECOND = timedelta(microseconds=1)


def iso(time: datetime) -> str:
    """`2026-01-02T03:04:05Z`: fractions of a second only where there are any."""
    return (time if time.tzinfo is UTC else time.astimezone(UTC)).isoformat()[: -len("+00:00")] + "Z"


def unix_seconds(time: datetime) -> int:
    """Whole seconds since 1970, rounded down."""
    return (time - _EPOCH) // _SECOND


def unix_milliseconds(time: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return (time - _EPOCH) // _MILLISECOND


def unix_microseconds(time: datetime) -> int:
    """Whole microseconds since 1970."""
    return (time - _EPOCH) // _MICROSECOND


def with_offset(time: datetime) -> str:
    """`2026-01-02 03:04:05+00:00`, rounded down to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S+00:00")
