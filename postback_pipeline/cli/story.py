"""What the published warehouse knows about one order, lead or conversion.

Belongs here: the questions and their answers as plain rows. Does not belong here: printing (`tracing.py`), the ledger's
part. No answer holds an e-mail address, a phone number, an IP address or a landing URL: columns are named one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = dict[str, Any]

#: What is told of the marts' rows.
_CONVERSION = (
    *("conversion_key", "event_name", "source_id", "status", "source_status", "value", "net_value", "reversed_amount"),
    *("currency", "action_at", "qualified_at", "occurred_at", "held_until", "is_over_refunded", "definition_version"),
)
_DECISION = (
    *("conversion_key", "destination", "decision", "reason_code", "click_id", "clicked_at", "matched_by", "identifier"),
    *("consent_state", "desired_value", "reported_value", "currency", "eligible_at", "is_pixel_reported"),
)

_CONVERSIONS = """
    select * from marts.conversions
    where conversion_key = $key or source_id = $key
    order by conversion_key
"""

_ORDERS = """
    select
        order_id, status, amount, currency, tax, shipping, discount, ordered_at, paid_at, shipped_at, updated_at,
        is_test, click_id, _file as file, _row_number as row_number, _loaded_at as loaded_at
    from raw.orders
    where order_id = any($order_ids)
    order by updated_at nulls first, _seen, _row_number
"""

_REFUNDS = """
    select refund_id, order_id, kind, amount, currency, refunded_at, _file as file, _row_number as row_number
    from raw.refunds
    where order_id = any($order_ids)
    order by refunded_at, refund_id
"""

_QUARANTINE = """
    select entity, file, row_number, reason, loaded_at
    from raw.quarantine
    where entity in ('orders', 'refunds') and try_cast("row" as json) ->> 'order_id' = any($order_ids)
    order by loaded_at, file, row_number
"""

_REVERSALS = """
    select reversal_id, kind, status, amount, applied_amount, excess_amount, currency, reversed_at
    from marts.reversals
    where conversion_key = any($keys)
    order by reversed_at, reversal_id
"""

_DECISIONS = "select * from marts.decisions where conversion_key = any($keys) order by conversion_key, destination"

# Clicks that share an identity key with the order, also those that no route could use, with the routes whose window
# they lie in.
_CLICKS = """
    with versions as (select * from raw.orders where order_id = any($order_ids)),
    shared as (
        select
            clicks.*,
            case
                when click_id in (select click_id from versions) then 'click_id'
                when session_id in (select session_id from versions) then 'session_id'
                when cart_id in (select cart_id from versions) then 'cart_id'
                when user_id in (select user_id from versions) then 'user_id'
            end as shares
        from raw.clicks as clicks
        qualify shares is not null and row_number() over (partition by click_id order by _seen desc) = 1
    )
    select
        shared.click_id,
        shared.clicked_at,
        shared.shares,
        shared.campaign,
        (
            select list(distinct identifier order by identifier) from raw.click_id_parameters
            where contains(shared.landing_url, parameter || '=')
        ) as carries,
        (
            select list(distinct routes.destination order by routes.destination)
            from raw.routes as routes
            inner join marts.conversions as conversions
                on routes.event_name = conversions.event_name and conversions.conversion_key = any($keys)
            where shared.clicked_at
                between conversions.action_at - to_days(routes.lookback_days) and conversions.action_at
        ) as in_window_of
    from shared
    order by shared.clicked_at desc
    limit 100
"""


@dataclass(frozen=True)
class WarehouseStory:
    """The answers, each a list of rows; empty where nothing is known."""

    #: Keys of the conversions it is about, and of those it could be about in the ledger.
    keys: list[str] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    quarantine: list[Row] = field(default_factory=list)
    conversions: list[Row] = field(default_factory=list)
    reversals: list[Row] = field(default_factory=list)
    clicks: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)


def read_story(connection: DuckDBPyConnection, key: str) -> WarehouseStory:
    """All about `key`: a conversion key (`purchase:4711`), or a source's own id (`4711`)."""
    conversions = _only(_CONVERSION, _rows(connection, _CONVERSIONS, key=key))
    events = [row["event_name"] for row in _rows(connection, "select event_name from raw.conversion_definitions")]
    keys = [row["conversion_key"] for row in conversions] or [key, *(f"{event}:{key}" for event in events)]
    without_event = key.partition(":")[2] if key.partition(":")[0] in events else key
    order_ids = [row["source_id"] for row in conversions] or [key, without_event]
    return WarehouseStory(
        keys=keys,
        orders=_rows(connection, _ORDERS, order_ids=order_ids),
        refunds=_rows(connection, _REFUNDS, order_ids=order_ids),
        quarantine=_rows(connection, _QUARANTINE, order_ids=order_ids),
        conversions=conversions,
        reversals=_rows(connection, _REVERSALS, keys=keys),
        clicks=_rows(connection, _CLICKS, order_ids=order_ids, keys=keys),
        decisions=_only(_DECISION, _rows(connection, _DECISIONS, keys=keys)),
    )


def _only(columns: tuple[str, ...], rows: list[Row]) -> list[Row]:
    return [{column: row[column] for column in columns if column in row} for row in rows]


def _rows(connection: DuckDBPyConnection, query: str, **values: object) -> list[Row]:
    found = connection.execute(query, values)
    columns = [column[0] for column in found.description or []]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
