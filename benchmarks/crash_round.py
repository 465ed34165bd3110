"""One round: a fresh ledger, workers killed one after the other, a clean end, and the checks.

Belongs here: the order of kills, and what is counted. Does not belong here: a worker's life (`crash_worker`), the four
checks (`crash_oracle`).
"""

from __future__ import annotations

import json
import random
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.crash_oracle import TAKEN, Hit, compare, doubts, key_of
from benchmarks.crash_points import MOST_PASSES, PASSES, Death, Point
from benchmarks.crash_scenarios import FRESH, LEASE_SECONDS, NAME, last_value, settled
from benchmarks.crash_scenarios import key_of as conversion_of
from benchmarks.crash_worker import Deployment, copy, deliver, enqueue, forked, work
from postback_pipeline.ledger import Ledger, Selection, Story
from postback_pipeline.model import Resolution, State
from postback_pipeline.sources.warehouse import open_warehouse

#: So often a worker may outlive its point by an accident of timing before that is called a mistake.
_SURVIVALS = 5
_ALL = 1_000_000


@dataclass
class RoundReport:
    """What one round did and what was found wrong."""

    engine: str
    form: str
    policy: str
    kills: Counter[str] = field(default_factory=Counter)
    survived: int = 0
    postbacks: int = 0
    #: Postbacks that were read at the receiver, each as often as it was: a batch holds several.
    told: int = 0
    parked: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)


def play(deployment: Deployment, points: Sequence[Point], seed: int, folder: Path) -> RoundReport:
    """Kills one worker per point, in this order, and checks what is left.

    Args:
        deployment: with an empty ledger.
        points: where they die.
        seed: decides at which pass.
        folder: where the receiver keeps its log.
    """
    scenario = deployment.scenario
    report = RoundReport(scenario.engine, scenario.form, scenario.policy)
    chance = random.Random(seed)
    workers = 0
    killed: set[str] = set()
    for point in points:
        for survivals in range(_SURVIVALS + 1):
            passes = chance.randint(1, PASSES.get(point, MOST_PASSES)) if survivals < 2 else 1
            death = Death(point, passes)
            dead = forked(lambda number=workers, end=death: work(deployment, number, end))  # type: ignore[misc]
            workers += 1
            deployment.clock.forward(LEASE_SECONDS + 1)
            if dead:
                killed.add(f"worker {workers - 1}")
                report.kills[point.value] += 1
                break
            report.survived += 1
        else:
            raise RuntimeError(f"No worker of {_SURVIVALS} came to {point}: the point lies nowhere.")
    file = folder / f"{deployment.run}.found.json"

    def end() -> None:
        file.write_text(json.dumps(_end(deployment, workers, killed, folder)), encoding="utf-8")

    if forked(end):
        raise RuntimeError("The clean end of a round was killed from outside.")
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for name, value in found.items():
        setattr(report, name, value)
    return report


def _end(deployment: Deployment, workers: int, killed: set[str], folder: Path) -> dict[str, Any]:
    """A clean run, the checks, then a person who asks the receiver about what is parked, and the checks again."""
    with closing(deployment.open()) as ledger:
        _run_clean(deployment, ledger, workers)
        stories, hits = _stories(ledger), _hits(deployment, folder)
        wanted = [key for key, value in _wanted(workers).items() if value]
        findings = compare(stories, hits, deduplicates=deployment.scenario.deduplicates, wanted=wanted)
        findings.unexplained += _unexplained(stories, killed)
        parked = [story for story in stories if story.state is State.PARKED]
        _resolve(ledger, parked, {hit.key for hit in hits})
        _run_clean(deployment, ledger, workers)
        stories, hits = _stories(ledger), _hits(deployment, folder)
        again = compare(stories, hits, deduplicates=deployment.scenario.deduplicates)
        findings.lost += [*again.lost, *_unsettled(stories, workers), *_uncopied(deployment, ledger)]
        findings.unexplained += again.unexplained
    return asdict(findings) | {
        "duplicated": sorted({*findings.duplicated, *again.duplicated}),
        "postbacks": len(stories),
        "told": len(hits),
        "parked": len(parked),
    }


def _run_clean(deployment: Deployment, ledger: Ledger, workers: int) -> None:
    """Builds and drains until nothing changes: what waited for its parent follows in the next turn."""
    settings = deployment.settings()
    everybody = range(workers)
    for _ in range(3):
        deployment.clock.forward(LEASE_SECONDS + 1)
        deliver(ledger, settings, Death(None), "the clean end")
        enqueue(
            ledger,
            settings,
            lambda newest: [row for worker in everybody for row in settled(worker, newest)],
            everybody,
        )
    deliver(ledger, settings, Death(None), "the clean end")
    copy(deployment, ledger, Death(None))


def _wanted(workers: int) -> dict[str, Decimal]:
    """Conversion key -> what the receiver should believe in the end."""
    numbers = ((worker, number) for worker in range(workers) for number in range(FRESH))
    return {conversion_of(*each): last_value(*each) for each in numbers}


def _stories(ledger: Ledger) -> list[Story]:
    return list(ledger.select(Selection(destination=NAME), limit=_ALL).stories)


def _hits(deployment: Deployment, folder: Path) -> list[Hit]:
    """The receiver's log, once nobody writes to it any more."""
    _await_quiet(deployment.receiver)
    file = folder / f"{deployment.run}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [Hit(key, kind, revision, Decimal(value)) for key, kind, revision, value in map(json.loads, lines)]


def _await_quiet(receiver: str) -> None:
    """Until the receiver has met the end of every connection of the dead: then all they wrote is read."""
    for _ in range(1_000):
        with urllib.request.urlopen(f"{receiver}/sync", timeout=10) as reply:
            if json.load(reply) == 1:
                return
        time.sleep(0.005)
    raise RuntimeError("The receiver still has connections of processes that are gone.")


def _unexplained(stories: Sequence[Story], killed: set[str]) -> list[str]:
    """Whatever is uncertain must be so because its worker was killed."""
    found = []
    for story in stories:
        for attempt in story.attempts:
            if attempt.outcome == "unknown" and (attempt.reason != "lease_expired" or attempt.owner not in killed):
                found.append(f"{key_of(story)} has an attempt of unknown fate by {attempt.owner}: {attempt.reason}")
        if story.state in (State.PARKED, State.UNKNOWN) and not doubts(story):
            found.append(f"{key_of(story)} is {story.state} without any attempt of unknown fate")
    return found


def _resolve(ledger: Ledger, parked: Sequence[Story], at_receiver: set[str]) -> None:
    found: dict[Resolution, list[int]] = {}
    for story in parked:
        resolution = Resolution.ACCEPTED if key_of(story) in at_receiver else Resolution.RESEND
        found.setdefault(resolution, []).append(story.postback_id)
    for resolution, ids in found.items():
        ledger.resolve(Selection(ids=ids), resolution, actor="the receiver", reason="looked it up in its log")


def _unsettled(stories: Sequence[Story], workers: int) -> list[str]:
    """Conversions of which the receiver does not believe in the end what it should."""
    believed: dict[str, Decimal] = {}
    for story in stories:
        if story.state in TAKEN:
            believed[story.conversion_key] = story.value
    return [
        f"{key} is worth {value}, the receiver was told {believed.get(key, 'nothing')}"
        for key, value in _wanted(workers).items()
        if believed.get(key, Decimal(0)) != value
    ]


def _uncopied(deployment: Deployment, ledger: Ledger) -> list[str]:
    """Rows of the ledger's history that the warehouse lacks, or the other way round."""
    with open_warehouse(deployment.warehouse) as connection:
        copied = {row[0] for row in connection.execute("select seq from raw.ledger_history").fetchall()}
    written = {row["seq"] for rows in ledger.history(0) for row in rows}
    return [f"row {seq} of the history is not in the warehouse" for seq in sorted(written ^ copied)[:10]]
