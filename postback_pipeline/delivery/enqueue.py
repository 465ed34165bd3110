"""The outbox's way into the ledger: which destination, by which rules, rendered by which adapter.

Belongs here: bringing outbox rows, adapters, settings and the ledger together. Does not belong here: what becomes of
a row (the ledger decides), what an element looks like (the adapter), where the rows come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from postback_pipeline.destinations import build_destinations
from postback_pipeline.destinations.base import Destination
from postback_pipeline.destinations.person import Dropped
from postback_pipeline.ledger import EnqueueReport, Ledger, Outbox, Rules
from postback_pipeline.model import Desired, Postback, PostbackError
from postback_pipeline.settings import DestinationSettings, Settings


def rules_of(destination: Destination, settings: DestinationSettings) -> Rules:
    """What the ledger must know about a destination: its adapter's capabilities and its settings' retry policy."""
    capabilities = destination.capabilities
    return Rules(
        restatement=capabilities.restatement,
        retraction=capabilities.retraction,
        reinstatement=capabilities.reinstatement,
        increase=capabilities.increase,
        adjusts_pixel=capabilities.adjusts_pixel,
        deduplicates=capabilities.deduplicates,
        dedup_window=capabilities.dedup_window,
        judges_later=capabilities.judges_later,
        max_attempts=settings.retry.max_attempts,
        retry_first_seconds=settings.retry.first_seconds,
        retry_max_seconds=settings.retry.max_seconds,
    )


def rules_by_destination(settings: Settings) -> dict[str, Rules]:
    """The rules of every destination that is configured, by name.

    Raises:
        SettingsError: one's options are wrong.
    """
    adapters = build_destinations(settings)
    return {name: rules_of(adapter, settings.destinations[name]) for name, adapter in adapters.items()}


def enqueue_outbox(
    outbox: Mapping[str, Iterable[Desired] | Outbox],
    ledger: Ledger,
    destinations: Mapping[str, Destination],
    settings: Settings,
    *,
    dry_run: bool = False,
    left_out: Counter[tuple[str, Dropped]] | None = None,
) -> dict[str, EnqueueReport]:
    """Enqueues an outbox, one ledger transaction per destination, so that the guard sees the whole of each.

    A row that its adapter cannot render is counted as refused and named in the report with the reason; the others
    go on. A destination whose enqueue the guard stopped does not stop the others either. A dry run writes nothing and
    reports what would be written.

    Args:
        outbox: destination -> its rows, or how to read them; none for a destination that it does not name.
        ledger: is told.
        destinations: the adapters of all that are configured, by name.
        settings: rules and guard come from here.
        dry_run: as said.
        left_out: counts, by destination, the identifiers and attributes that were no good and went along with none of
            its postbacks.

    Returns:
        Destination -> its report, in the order of the settings; those without rows included.

    Raises:
        PostbackError: the outbox names a destination that is not configured; then nothing is enqueued at all.
    """
    for name in outbox:
        if name not in destinations:
            raise PostbackError(
                f"The outbox holds postbacks for the destination {name!r}, which {settings.file} does not"
                " configure. Configure it or end its routes; nothing was enqueued."
            )
    return {
        name: ledger.enqueue(
            name,
            outbox.get(name, ()),
            rules=rules_of(destination, settings.destinations[name]),
            render=_rendering(name, destination, Counter() if left_out is None else left_out),
            guard=settings.guard,
            dry_run=dry_run,
        )
        for name, destination in destinations.items()
    }


def _rendering(
    name: str, destination: Destination, left_out: Counter[tuple[str, Dropped]]
) -> Callable[[Postback], str]:
    def render(postback: Postback) -> str:
        text, dropped = destination.rendered(postback)
        for each in dropped:
            left_out[name, each] += 1
        return text

    return render
