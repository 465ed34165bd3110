"""Platforms that are asked for their reports: one file each, and what they share.

Belongs here: the table of platforms, which `reports.py` turns the settings' `[reports.NAME]` into. Does not belong
here: any request. To add a platform: a file beside `google_ads.py`, and a line below.
"""

from __future__ import annotations

from postback_pipeline.platforms.base import Platform
from postback_pipeline.platforms.google_ads import GoogleAdsReport
from postback_pipeline.platforms.meta import MetaReport

PLATFORMS: dict[str, type[Platform]] = {
    GoogleAdsReport.name: GoogleAdsReport,
    MetaReport.name: MetaReport,
}
