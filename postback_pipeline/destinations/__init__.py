"""The registry: every destination type by the word in `type = "..."`, and the configured ones by their names.

A new destination is one module here, one line in `DESTINATIONS` and one folder of golden requests in the tests.
"""

from __future__ import annotations

from postback_pipeline.destinations.adjust import Adjust
from postback_pipeline.destinations.appsflyer import AppsFlyer
from postback_pipeline.destinations.awin import Awin
from postback_pipeline.destinations.base import Destination, DestinationError
from postback_pipeline.destinations.batch_webhook import BatchWebhook
from postback_pipeline.destinations.cj import Cj
from postback_pipeline.destinations.everflow import Everflow
from postback_pipeline.destinations.ga4 import Ga4
from postback_pipeline.destinations.google_ads import GoogleAds
from postback_pipeline.destinations.google_data_manager import GoogleDataManager
from postback_pipeline.destinations.impact import Impact
from postback_pipeline.destinations.linkedin import LinkedIn
from postback_pipeline.destinations.meta import Meta
from postback_pipeline.destinations.microsoft_offline import MicrosoftOffline
from postback_pipeline.destinations.microsoft_uet import MicrosoftUet
from postback_pipeline.destinations.pinterest import Pinterest
from postback_pipeline.destinations.rakuten import Rakuten
from postback_pipeline.destinations.reddit import Reddit
from postback_pipeline.destinations.snapchat import Snapchat
from postback_pipeline.destinations.tiktok import TikTok
from postback_pipeline.destinations.tune import Tune
from postback_pipeline.destinations.url_template import UrlTemplate
from postback_pipeline.destinations.webhook import Webhook
from postback_pipeline.destinations.x import X
from postback_pipeline.settings import Settings, SettingsError

DESTINATIONS: dict[str, type[Destination]] = {
    UrlTemplate.type: UrlTemplate,
    Webhook.type: Webhook,
    BatchWebhook.type: BatchWebhook,
    Adjust.type: Adjust,
    AppsFlyer.type: AppsFlyer,
    Awin.type: Awin,
    Cj.type: Cj,
    Everflow.type: Everflow,
    Ga4.type: Ga4,
    GoogleAds.type: GoogleAds,
    GoogleDataManager.type: GoogleDataManager,
    Impact.type: Impact,
    LinkedIn.type: LinkedIn,
    Meta.type: Meta,
    MicrosoftOffline.type: MicrosoftOffline,
    MicrosoftUet.type: MicrosoftUet,
    Pinterest.type: Pinterest,
    Rakuten.type: Rakuten,
    Reddit.type: Reddit,
    Snapchat.type: Snapchat,
    TikTok.type: TikTok,
    Tune.type: Tune,
    X.type: X,
}


def build_destinations(settings: Settings) -> dict[str, Destination]:
    """Every configured destination by name, in the order of the settings file.

    Raises:
        SettingsError: one line per mistake over all destinations, each naming file, destination and option.
    """
    built: dict[str, Destination] = {}
    mistakes: list[str] = []
    for name, destination in settings.destinations.items():
        adapter = DESTINATIONS.get(destination.type)
        if adapter is None:
            known = ", ".join(sorted(DESTINATIONS))
            mistakes.append(f"destinations.{name}: type: {destination.type!r} is unknown. Known are {known}.")
            continue
        try:
            built[name] = adapter.from_settings(name, destination)
        except DestinationError as error:
            mistakes += str(error).splitlines()
    if mistakes:
        raise SettingsError("\n".join(f"{settings.file}: {mistake}" for mistake in mistakes))
    return built
