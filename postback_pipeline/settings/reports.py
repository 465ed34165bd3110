"""Tables `[reports.NAME]`: what platforms report, asked for by us instead of uploaded.

Belongs here: whose report it is, of which accounts, and how far back it is read again. Does not belong here: a
platform's own options (its file in `platforms` checks them), asking for anything.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from postback_pipeline.settings.fields import Name

Account = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:\-]{1,80}$")]


class ReportSettings(BaseModel):
    """What every report has; its platform validates the other fields as its own options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    #: Whose conversions it reports; its `report_time_zone` says whose days, its mode whether anybody is asked.
    destination: Name
    #: The file of `platforms` that knows how to ask.
    platform: str
    #: The platform's ids of the accounts, whose numbers are added up.
    accounts: tuple[Account, ...] = Field(min_length=1)
    #: So many closed days are read again each time, since platforms restate them; None: as the platform's file says.
    lookback_days: int | None = Field(default=None, ge=1, le=365)
    #: Our event -> its name in the platform's report. Empty: as the routes call it.
    events: dict[Name, str] = Field(default_factory=dict)
    #: The source of kind `folder` that the rows land in; None: the first one.
    source: Name | None = None
    #: Requests per second and account; None: as the platform's file says.
    rate: float | None = Field(default=None, gt=0)
    #: One request, from resolving to the last byte of the reply, in seconds.
    deadline_seconds: float = Field(default=60.0, gt=0, le=600)
    #: How often one request is tried, where what went wrong passes by itself.
    attempts: int = Field(default=5, ge=1, le=20)

    @property
    def options(self) -> dict[str, Any]:
        """The fields that belong to the platform."""
        return dict(self.model_extra or {})
