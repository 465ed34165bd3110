"""Facts that SQL decides by and nobody edits -> `raw.destination_capabilities`, `raw.currencies` and others.

Belongs here: what the configured receivers can do and what they take, and the currencies that exist. Does not belong
here: what people edit (`definitions.py`), what came in (the landing).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from iso4217 import Currency

from postback_pipeline.destinations.base import Destination
from postback_pipeline.settings import DestinationSettings
from postback_pipeline.sources.replace import replace_tables

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def load_reference(
    connection: DuckDBPyConnection,
    destinations: Mapping[str, Destination],
    settings: Mapping[str, DestinationSettings],
) -> bool:
    """Replaces the tables in one transaction; `destinations` and `settings` have the same keys.

    Returns whether anything changed.
    """
    return replace_tables(
        connection,
        {
            "raw.destination_capabilities": [
                _capabilities_row(destination, settings[name]) for name, destination in destinations.items()
            ],
            "raw.destination_identifiers": [
                {"destination": name, "identifier": identifier, "pattern": pattern}
                for name, destination in destinations.items()
                for identifier, pattern in destination.contract.identifiers.items()
            ],
            "raw.destination_person_attributes": [
                {"destination": name, "attribute": attribute}
                for name, destination in destinations.items()
                for attribute in destination.contract.matches_person
            ],
            "raw.currencies": [{"currency": code, "minor_units": units} for code, units in currencies()],
        },
    )


#: Codes that ISO 4217 lists as historic denominations (list three) with the digits they had: orders and rates of their
#: time are in them. Those that the euro replaced, and those that were redenominated since there are reference rates.
_RETIRED = {
    **dict.fromkeys(("ATS", "BGN", "CYP", "DEM", "EEK", "FIM", "FRF", "GRD", "HRK", "IEP", "LTL", "LVL", "MTL"), 2),
    **dict.fromkeys(("NLG", "ROL", "SIT", "SKK"), 2),
    **dict.fromkeys(("BEF", "ESP", "ITL", "LUF", "PTE", "TRL"), 0),
}


def currencies() -> Iterator[tuple[str, int]]:
    """ISO 4217 codes with their number of minor-unit digits; those without one (gold, testing codes) are left out."""
    known = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
    yield from (_RETIRED | known).items()


def _capabilities_row(destination: Destination, settings: DestinationSettings) -> dict[str, object]:
    can = destination.capabilities
    return {
        "destination": destination.name,
        "type": destination.type,
        "mode": settings.mode.value,
        "report_time_zone": settings.report_time_zone,
        "deduplicates": can.deduplicates,
        "dedup_window_hours": _hours(can.dedup_window),
        "max_age_hours": _hours(can.max_age),
        "restatement": can.restatement,
        "retraction": can.retraction,
        "reinstatement": can.reinstatement,
        "increase": can.increase,
        "adjusts_pixel": can.adjusts_pixel,
        "judges_later": can.judges_later,
        "adjustment_min_age_hours": _hours(can.adjustment_min_age),
        "adjustment_max_age_hours": _hours(can.adjustment_max_age),
    }


def _hours(span: timedelta | None) -> float | None:
    return None if span is None else span / timedelta(hours=1)
