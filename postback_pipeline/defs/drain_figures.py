"""What of a drain people see in the UI: figures that Dagster plots, its course, and what waits for a person.

Belongs here: the metadata of a delivery. Does not belong here: the figures' formulas (`delivery/tally`), how Markdown
is written (`markdown`). Nothing here holds personal data: ids, keys, our own reasons, counts and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

import dagster as dg

from postback_pipeline.defs.markdown import chart_of, link, table_text
from postback_pipeline.delivery.report import OUTCOMES, DrainReport
from postback_pipeline.ledger import Ledger, Selection, Story
from postback_pipeline.model import State

#: The code location's name, in workspace.yaml and pyproject.toml.
LOCATION = "postback_pipeline"
#: So many of the newest are listed; the counts say how many there are.
LISTED = 20
HOW_TO_ACT = "See docs/operations.md, On Monday morning; the same on the command line: `postback ledger`."


def figures(report: DrainReport, now: datetime) -> dict[str, dg.MetadataValue]:
    """What a drain did. Numbers are metadata of their own: Dagster plots those over runs and partitions."""
    numbers: dict[str, float | None] = {
        # Always there, so that a plot over time has no gaps.
        **{name: report.outcomes.get(name, 0) for name in OUTCOMES},
        "claimed": report.claimed,
        "went_back_unsent": report.released,
        "judged_later": report.judged,
        "requests": report.requests,
        "bisect_requests": report.bisect_requests,
        "recorded_too_late": report.stale,
        "postbacks_per_second": round(report.rows_per_second, 1),
        "request_p50_ms": report.p50_ms,
        "request_p95_ms": report.p95_ms,
        "request_p99_ms": report.p99_ms,
        "due_to_accepted_p50_seconds": report.p50_due_seconds,
        "due_to_accepted_p95_seconds": report.p95_due_seconds,
        "oldest_due_seconds": 0 if report.oldest_due_at is None else (now - report.oldest_due_at).total_seconds(),
        "seconds": report.seconds,
        "parked": report.parked,
        "expired": report.expired,
    }
    metadata = {name: _number(value) for name, value in numbers.items() if value is not None}
    metadata["ended"] = dg.MetadataValue.text(ending(report))
    metadata["accepted_over_time"] = dg.MetadataValue.md(course(report))
    if report.next_due_at is not None:
        metadata["next_due_at"] = dg.MetadataValue.timestamp(report.next_due_at)
    return metadata


def ending(report: DrainReport) -> str:
    """Why it ended, in a few words."""
    return report.ended if report.reason is None else f"{report.ended}: {report.reason}"


def summary(report: DrainReport) -> str:
    """One line for the run's log."""
    counts = ", ".join(f"{count} {word}" for word, count in sorted(report.outcomes.items())) or "nothing was due"
    return f"{report.destination}: {ending(report)}. {report.requests} requests in {report.seconds:.1f} s: {counts}."


def course(report: DrainReport) -> str:
    """Acceptances over the drain's time."""
    if not report.course.accepted:
        return "Nothing was accepted."
    return chart_of(report.course.accepted, report.course.bucket_seconds)


def for_a_person(ledger: Ledger, report: DrainReport) -> dict[str, dg.MetadataValue]:
    """The newest parked and expired postbacks, each with a link to the form that deals with it."""
    metadata: dict[str, dg.MetadataValue] = {}
    for state, count, command in (
        (State.PARKED, report.parked, "resolve"),
        (State.EXPIRED, report.expired, "replay"),
    ):
        if count:
            stories = ledger.newest(Selection(destination=report.destination, states=[state]), limit=LISTED)
            text = _listed(stories, count, command, _all_of(report.destination, state, command))
            metadata[f"{state}_postbacks"] = dg.MetadataValue.md(text)
            metadata[f"how_to_{command}"] = dg.MetadataValue.job(f"ledger_{command}", LOCATION)
    return metadata


def form_address(command: str, **config: Sequence[str] | str) -> str:
    """Where the UI shows a step's form, filled in with this configuration."""
    lines = [f"      {name}: {_yaml(value)}" for name, value in config.items()]
    filled = "\n".join(["ops:", f"  {command}:", "    config:", *lines, '      reason: ""', "      dry_run: true"])
    return f"/locations/{LOCATION}/jobs/ledger_{command}/playground/setup?config={quote(filled)}"


def _all_of(destination: str, state: State, command: str) -> str:
    """The form for all of a destination in this state, and in no other: what is parked may have arrived."""
    # A form of `resolve` has no states: it is for what is parked.
    config = {} if command == "resolve" else {"states": [state.value]}
    filled = form_address(command, destination=destination, **config)
    return link(f"{command} all {state} of {destination}", filled)


def _listed(stories: Sequence[Story], count: int, command: str, every: str) -> str:
    rows = [
        (
            story.postback_id,
            story.conversion_key,
            story.kind,
            story.changed_at.astimezone(UTC),
            story.reason,
            link(command, form_address(command, postbacks=[str(story.postback_id)])),
        )
        for story in reversed(stories)
    ]
    table = table_text(("id", "conversion", "kind", "since (UTC)", "reason", ""), rows)
    which = f"The newest {len(stories)} of {count}." if count > len(stories) else ""
    return f"{table}\n\n{which} {every}. {HOW_TO_ACT}"


def _number(value: float) -> dg.MetadataValue:
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.float(round(value, 3))


def _yaml(value: Sequence[str] | str) -> str:
    """Names and ids of ours only; quoted all the same."""
    return f'"{value}"' if isinstance(value, str) else "[" + ", ".join(f'"{each}"' for each in value) + "]"
