"""The tables of schema `raw`: name -> column -> type.

Belongs here: their shape. Does not belong here: the landing contract's own columns (`contract.py`), creating a table
(`warehouse.py`), filling one.

A column may be added, also to a warehouse that exists; it is NULL in the rows that are there. None may be renamed or
change its type.
"""

from __future__ import annotations

from collections.abc import Mapping

from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.contract_types import Entity

#: What every row of an entity carries besides the contract's columns.
ORIGIN_COLUMNS = {
    "_source": "VARCHAR",
    "_file": "VARCHAR",
    "_row_number": "BIGINT",
    "_row_hash": "VARCHAR",
    "_seen": "BIGINT",
    "_loaded_at": "TIMESTAMPTZ",
    "_extra": "VARCHAR",
}

#: What loading knows about itself.
_LOADING: dict[str, dict[str, str]] = {
    "quarantine": {
        "entity": "VARCHAR",
        "file": "VARCHAR",
        "row_number": "BIGINT",
        "reason": "VARCHAR",
        "row": "VARCHAR",
        "source": "VARCHAR",
        "row_hash": "VARCHAR",
        "loaded_at": "TIMESTAMPTZ",
    },
    "files": {
        "source": "VARCHAR",
        "entity": "VARCHAR",
        "file": "VARCHAR",
        "size_bytes": "BIGINT",
        "sha256": "VARCHAR",
        "digest": "VARCHAR",
        "rows": "BIGINT",
        "loaded": "BIGINT",
        "quarantined": "BIGINT",
        "seen": "BIGINT",
        "loaded_at": "TIMESTAMPTZ",
        "same_as": "VARCHAR",
        "rules": "VARCHAR",
        "watermark": "VARCHAR",
    },
    # The keys of rows that were let go since a changed file no longer holds them; `seen` is the load that did it.
    "removed": {
        "entity": "VARCHAR",
        "seen": "BIGINT",
        "order_id": "VARCHAR",
        "refund_id": "VARCHAR",
        "click_id": "VARCHAR",
        "session_id": "VARCHAR",
        "user_id": "VARCHAR",
        "cart_id": "VARCHAR",
        "event_id": "VARCHAR",
        "lead_id": "VARCHAR",
        "subscription_id": "VARCHAR",
        "subject_type": "VARCHAR",
        "subject_id": "VARCHAR",
        "destination": "VARCHAR",
        "currency": "VARCHAR",
        "date": "DATE",
    },
}

#: What people edit, and facts that nobody edits.
_DEFINITIONS: dict[str, dict[str, str]] = {
    # One row per event and version; a version holds from `effective_from` until before `effective_until`.
    "conversion_definitions": {
        "event_name": "VARCHAR",
        "source_entity": "VARCHAR",
        "effective_from": "TIMESTAMPTZ",
        "effective_until": "TIMESTAMPTZ",
        "qualifying_statuses": "VARCHAR",
        "action_at": "VARCHAR",
        "qualified_at": "VARCHAR",
        "occurred_at": "VARCHAR",
        "value_rule": "VARCHAR",
        "less_tax": "BOOLEAN",
        "less_shipping": "BOOLEAN",
        "less_discount": "BOOLEAN",
        "fixed_value": "DECIMAL(18,4)",
        "currency": "VARCHAR",
        "zero_values": "VARCHAR",
        "hold_days": "INTEGER",
        "source_of_truth": "VARCHAR",
        "first_only_per": "VARCHAR",
        "definition_version": "VARCHAR",
        "value_version": "VARCHAR",
    },
    # `pattern` is for LIKE with a backslash as its escape, in lower case.
    "test_order_rules": {"definition_version": "VARCHAR", "field": "VARCHAR", "pattern": "VARCHAR"},
    "plan_values": {"event_name": "VARCHAR", "plan": "VARCHAR", "value": "DECIMAL(18,4)", "currency": "VARCHAR"},
    "routes": {
        "destination": "VARCHAR",
        "event_name": "VARCHAR",
        "receiver_event": "VARCHAR",
        "match_on": "VARCHAR",
        "identifiers": "VARCHAR",
        "lookback_days": "INTEGER",
        "scope": "VARCHAR",
        "hold_days": "INTEGER",
        "timing": "VARCHAR",
        "event_time": "VARCHAR",
        "currency": "VARCHAR",
        "consent_purposes": "VARCHAR",
        "consent_denied": "VARCHAR",
        "consent_unknown": "VARCHAR",
        "pixel_deduplication": "VARCHAR",
        "event_id_template": "VARCHAR",
        "send_reversals": "BOOLEAN",
        "start_at": "TIMESTAMPTZ",
        "end_at": "TIMESTAMPTZ",
        "route_version": "VARCHAR",
    },
    # `parameter` is NULL for an identifier that never stands in a URL; `valid_days` is NULL where there is no limit.
    "click_id_parameters": {
        "parameter": "VARCHAR",
        "identifier": "VARCHAR",
        "network": "VARCHAR",
        "valid_days": "INTEGER",
    },
    # `held_below`: the first eight hex digits of the hash of the first unit that is not held out; NULL for regions.
    "experiments": {
        "experiment": "VARCHAR",
        "destination": "VARCHAR",
        "event_name": "VARCHAR",
        "unit": "VARCHAR",
        "outcome": "VARCHAR",
        "salt": "VARCHAR",
        "held_below": "VARCHAR",
        "share": "DECIMAL(10,9)",
        "start_at": "TIMESTAMPTZ",
        "end_at": "TIMESTAMPTZ",
    },
    "experiment_regions": {
        "experiment": "VARCHAR",
        "pair": "INTEGER",
        "region": "VARCHAR",
        "is_held_out": "BOOLEAN",
    },
    "destination_capabilities": {
        "destination": "VARCHAR",
        "type": "VARCHAR",
        "mode": "VARCHAR",
        "report_time_zone": "VARCHAR",
        "deduplicates": "BOOLEAN",
        "dedup_window_hours": "DOUBLE",
        "max_age_hours": "DOUBLE",
        "restatement": "BOOLEAN",
        "retraction": "BOOLEAN",
        "reinstatement": "BOOLEAN",
        "increase": "BOOLEAN",
        "adjusts_pixel": "BOOLEAN",
        "judges_later": "BOOLEAN",
        "adjustment_min_age_hours": "DOUBLE",
        "adjustment_max_age_hours": "DOUBLE",
    },
    # Of receivers that say what they take. `pattern` is matched whole.
    "destination_identifiers": {"destination": "VARCHAR", "identifier": "VARCHAR", "pattern": "VARCHAR"},
    "destination_person_attributes": {"destination": "VARCHAR", "attribute": "VARCHAR"},
    "currencies": {"currency": "VARCHAR", "minor_units": "INTEGER"},
}

#: What ties builds to one another and to the ledger.
_BUILDS: dict[str, dict[str, str]] = {
    "build_context": {
        "as_of": "TIMESTAMPTZ",
        "window_start": "DATE",
        "window_end": "DATE",
        "previous_as_of": "TIMESTAMPTZ",
        "run_id": "VARCHAR",
    },
    # One row: up to where the last build whose models all succeeded has seen everything.
    "build_marks": {"as_of": "TIMESTAMPTZ", "seen": "BIGINT", "ledger_seq": "BIGINT", "models": "VARCHAR"},
    # The rules that build was made with.
    "built_rules": {"event_name": "VARCHAR", "fingerprint": "VARCHAR"},
    "ledger_history": {
        "seq": "BIGINT",
        "at": "TIMESTAMPTZ",
        "postback_id": "BIGINT",
        "destination": "VARCHAR",
        "conversion_key": "VARCHAR",
        "event_name": "VARCHAR",
        "revision": "INTEGER",
        "kind": "VARCHAR",
        "value": "DECIMAL(18,4)",
        "previous_value": "DECIMAL(18,4)",
        "currency": "VARCHAR",
        "fingerprint": "VARCHAR",
        "transaction_id": "VARCHAR",
        "click_id": "VARCHAR",
        "event_time": "TIMESTAMPTZ",
        "action_at": "TIMESTAMPTZ",
        "from_state": "VARCHAR",
        "to_state": "VARCHAR",
        "attempt": "INTEGER",
        "outcome": "VARCHAR",
        "phase": "VARCHAR",
        "http_status": "INTEGER",
        "reason": "VARCHAR",
        "actor": "VARCHAR",
        "definition_version": "VARCHAR",
        "exchange_rate": "DECIMAL(28,12)",
    },
    "ledger_identity": {"ledger_id": "VARCHAR", "environment": "VARCHAR", "created_at": "TIMESTAMPTZ"},
}


def _entity_columns(entity: Entity) -> dict[str, str]:
    return {column.name: column.kind.value for column in entity.columns} | ORIGIN_COLUMNS


#: Every table of the schema.
RAW_TABLES: Mapping[str, Mapping[str, str]] = {
    **{name: _entity_columns(entity) for name, entity in ENTITIES.items()},
    **_LOADING,
    **_DEFINITIONS,
    **_BUILDS,
}
