"""Platforms that are asked for their reports: one file each, and what they share.

Belongs here: the table of platforms, which `reports.py` turns the settings' `[reports.NAME]` into. Does not belong
here: any request. To add a platform: a file beside `google_ads.py`, and a line below.
"""

from __future__ import annotations

from postback_pipeline.platforms.awin import AwinReport
from postback_pipeline.platforms.base import Platform
from postback_pipeline.platforms.cj import CjReport
from postback_pipeline.platforms.ga4 import Ga4Report
from postback_pipeline.platforms.google_ads import GoogleAdsReport
from postback_pipeline.platforms.impact import ImpactReport
from postback_pipeline.platforms.linkedin import LinkedInReport
from postback_pipeline.platforms.meta import MetaReport
from postback_pipeline.platforms.microsoft import MicrosoftReport
from postback_pipeline.platforms.pinterest import PinterestReport
from postback_pipeline.platforms.tiktok import TikTokReport

PLATFORMS: dict[str, type[Platform]] = {
    AwinReport.name: AwinReport,
    CjReport.name: CjReport,
    Ga4Report.name: Ga4Report,
    GoogleAdsReport.name: GoogleAdsReport,
    ImpactReport.name: ImpactReport,
    LinkedInReport.name: LinkedInReport,
    MetaReport.name: MetaReport,
    MicrosoftReport.name: MicrosoftReport,
    PinterestReport.name: PinterestReport,
    TikTokReport.name: TikTokReport,
}
