"""Reads `outbox.postbacks`, the contract between dbt and Python, as values.

Belongs here: column -> field. Does not belong here: any decision about a row. It lives beside the assets because they
alone read the warehouse between dbt and the ledger.

Millions of rows come this way: amounts and times are asked for in the form that costs Python least, which is text and
UTC without a zone, and what most rows share is parsed once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from postback_pipeline.ledger import Belief, Outbox
from postback_pipeline.ledger.decision import belief_of
from postback_pipeline.model import Desired, Facts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

ROWS_PER_READ = 5_000
BELIEFS_PER_READ = 20_000

#: As much of a row as says what it says in short.
_BELIEFS = """
    select conversion_key, computed_against, desired_value = 0, zero_counts, fingerprint
    from outbox.postbacks
    where destination = ?
    order by conversion_key
"""

#: In the order in which `_desired` takes them apart.
_ROWS = """
    select
        conversion_key, event_name, desired_value::varchar, currency, fingerprint, computed_against, reason_code,
        zero_counts, keys_only, pixel_reported_value::varchar, not_before::timestamp, expires_at::timestamp,
        person, consent,
        receiver_event, event_id, transaction_id, action_at::timestamp, event_time::timestamp, click_id,
        clicked_at::timestamp, identifiers, definition_version, exchange_rate::varchar
    from outbox.postbacks
    where destination = ? and conversion_key in (select unnest(?::varchar[]))
    order by conversion_key
"""


class WarehouseOutbox:
    """One destination's rows, as `ledger.outbox.Outbox` wants them; lives as long as its connection."""

    def __init__(self, connection: DuckDBPyConnection, destination: str) -> None:
        self._connection = connection
        self._destination = destination

    def beliefs(self) -> Iterator[list[Belief]]:
        """What every row says, in short."""
        for rows in self._read(_BELIEFS, [self._destination], BELIEFS_PER_READ):
            yield [(key, against, belief_of(is_zero, counts, named)) for key, against, is_zero, counts, named in rows]

    def rows(self, keys: Collection[str]) -> Iterator[list[Desired]]:
        """The whole rows of these conversions."""
        if keys:
            for rows in self._read(_ROWS, [self._destination, list(keys)], ROWS_PER_READ):
                yield [_desired(self._destination, row) for row in rows]

    def _read(self, query: str, parameters: list[Any], size: int) -> Iterator[list[Any]]:
        # A cursor of its own: both are read side by side. What it reads is what was committed, whatever comes later.
        with self._connection.cursor() as cursor:
            cursor.execute("set TimeZone = 'UTC'")
            cursor.execute(query, parameters)
            while rows := cursor.fetchmany(size):
                yield rows


def read_outbox(connection: DuckDBPyConnection) -> dict[str, Outbox]:
    """The outbox of every destination that it names."""
    names = connection.execute("select distinct destination from outbox.postbacks order by all").fetchall()
    return {name: WarehouseOutbox(connection, name) for (name,) in names}


def _desired(destination: str, row: tuple[Any, ...]) -> Desired:
    key, event, value, currency, fingerprint, against, reason, zero, keys_only, pixel, earliest, latest, *rest = row
    person, consent, receiver_event, event_id, transaction_id, action_at, event_time, click_id, clicked_at, *last = rest
    identifiers, version, rate = last
    return Desired(
        destination=destination,
        conversion_key=key,
        event_name=event,
        desired_value=Decimal(value),
        currency=currency,
        fingerprint=fingerprint,
        computed_against=against,
        reason_code=reason,
        zero_counts=zero,
        pixel_reported_value=None if pixel is None else Decimal(pixel),
        not_before=_utc(earliest),
        expires_at=_utc(latest),
        facts=Facts(
            receiver_event=receiver_event,
            event_id=event_id,
            transaction_id=transaction_id,
            action_at=action_at.replace(tzinfo=UTC),
            event_time=event_time.replace(tzinfo=UTC),
            click_id=click_id,
            clicked_at=_utc(clicked_at),
            identifiers=_parsed(identifiers),
            definition_version=version,
            exchange_rate=None if rate is None else Decimal(rate),
        ),
        person={name: value for name, value in _parsed(person).items() if value is not None},
        consent=_parsed_once(consent),
        keys_only=keys_only,
    )


def _utc(naive: datetime | None) -> datetime | None:
    return None if naive is None else naive.replace(tzinfo=UTC)


def _parsed(text: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(text)
    return found


@lru_cache(maxsize=1_024)
def _parsed_once(text: str) -> Mapping[str, str]:
    return _parsed(text)
