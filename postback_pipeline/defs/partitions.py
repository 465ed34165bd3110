"""The two ways in which work is cut: days of conversions, and destinations.

Belongs here: partitions and what a run's partitions mean as a window. Does not belong here: which partition runs when
(`automation`). https://docs.dagster.io/guides/build/partitions-and-backfills
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import dagster as dg

from postback_pipeline.settings import Settings

#: Dagster's names for what a run is about; it keeps its own constants private.
PARTITION_NAME_TAG = "dagster/partition"
ASSET_PARTITION_RANGE_START_TAG = "dagster/asset_partition_range_start"
ASSET_PARTITION_RANGE_END_TAG = "dagster/asset_partition_range_end"
#: Run tag of a build that is not about particular days: whatever is new is brought up to date, whatever its day.
OPEN_WINDOW = {"postback/window": "open"}


def days(settings: Settings) -> dg.DailyPartitionsDefinition:
    """UTC days of `occurred_at`; today's is open."""
    return dg.DailyPartitionsDefinition(start_date=settings.first_day.isoformat(), timezone="UTC", end_offset=1)


def destinations(settings: Settings) -> dg.StaticPartitionsDefinition:
    """One partition per configured destination."""
    return dg.StaticPartitionsDefinition(sorted(settings.destinations))


def window_of(tags: Mapping[str, str]) -> tuple[date, date] | None:
    """The days that a run with these tags is about, both included; None for all of them."""
    if OPEN_WINDOW.items() <= tags.items():
        return None
    day = tags.get(PARTITION_NAME_TAG)
    first, last = tags.get(ASSET_PARTITION_RANGE_START_TAG, day), tags.get(ASSET_PARTITION_RANGE_END_TAG, day)
    if first is None or last is None:
        return None
    return date.fromisoformat(first), date.fromisoformat(last)


def range_tags(first: date, last: date) -> dict[str, str]:
    """The tags of one run over all days from `first` to `last`, as Dagster's own backfills set them."""
    return {ASSET_PARTITION_RANGE_START_TAG: first.isoformat(), ASSET_PARTITION_RANGE_END_TAG: last.isoformat()}
