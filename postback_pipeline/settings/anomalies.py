"""Table `[anomalies]`: what people know that makes a figure unusual without anything being wrong.

Belongs here: the settings, and the names of what is watched. Does not belong here: judging a figure (`anomalies`).
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field, field_validator, model_validator

from postback_pipeline.settings.fields import Strict, TimeZone


class Watched(StrEnum):
    """The metrics of `metrics.daily_series`, and the one that is made of `metrics.hourly_volume`."""

    VOLUME = "volume"
    MATCH_RATE = "match_rate"
    ACCEPTANCE_RATE = "acceptance_rate"
    DELIVERED_SHARE = "delivered_share"
    LATENCY = "latency"
    REFUND_RATE = "refund_rate"
    VALUE_PER_CONVERSION = "value_per_conversion"
    REPORT_RATE = "report_rate"
    PIXEL_SHARE = "pixel_share"
    PIXEL_DELAY = "pixel_delay"
    TIME_OF_DAY = "time_of_day"


class Change(Strict):
    """Something that people know of: from a day on a figure is another one, or between two days it is none."""

    start: date = Field(alias="from")
    #: The last day; None: it stays so.
    end: date | None = Field(default=None, alias="to")
    #: None: all of them.
    destination: str | None = None
    event_name: str | None = None
    metric: Watched | None = None
    #: For whoever reads the settings.
    why: str = ""

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Change:
        if self.end is not None and self.end < self.start:
            raise ValueError("to must not be before from")
        return self

    def concerns(self, destination: str, event_name: str, metric: str) -> bool:
        """Whether a series is meant."""
        return (
            self.destination in (None, destination)
            and self.event_name in (None, event_name)
            and self.metric in (None, metric)
        )


class Anomalies(Strict):
    """What is known of the calendar."""

    #: On whose public holidays trade rests: ISO 3166 code of a country (GB) or of a part of it (GB-ENG); empty: none.
    country: str = ""
    #: The clock that customers live by: an hour is late by it, in summer and in winter.
    time_zone: TimeZone = "UTC"
    changes: tuple[Change, ...] = ()

    @field_validator("country")
    @classmethod
    def _country_is_known(cls, value: str) -> str:
        if value:
            # Half a second of imports, for those alone who name one.
            from holidays import list_supported_countries

            name, _, part = value.partition("-")
            parts = list_supported_countries().get(name)
            if parts is None or (part and part not in parts):
                raise ValueError(f"{value}: no holidays are known of it; an ISO 3166 code like GB or GB-ENG is asked")
        return value
