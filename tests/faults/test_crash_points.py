"""Workers that kill themselves at every named point, on each engine: a short run of `benchmarks.crash`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.crash import is_clean, rounds_of
from benchmarks.crash_oracle import Hit, compare
from benchmarks.crash_points import Point
from benchmarks.crash_scenarios import ENGINES, FORMS, POLICIES, Scenario
from tests.faults.played import Play, play

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("engine", ENGINES)
def test_row_01_killed_at_every_point_nothing_is_lost_and_nothing_unexplained(
    request: pytest.FixtureRequest, engine: str
) -> None:
    command = [sys.executable, "-m", "benchmarks.crash", "--kills", "22", "--engine", engine, "--json"]
    if engine == "postgresql":
        command += ["--postgres", str(request.getfixturevalue("postgres_server"))]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.stdout, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    assert found["wrong"] == []
    assert is_clean(found)
    assert ended.returncode == 0
    assert found["kills"] == 22
    assert {point: sum(counts.values()) for point, counts in found["points"].items()} == dict.fromkeys(Point, 2)
    assert found["told"] > 0
    assert found["duplicated_under_park"] == 0


@pytest.mark.parametrize("kills", [1, 11, 100, 10_000])
def test_kills_are_spread_over_all_points_and_scenarios(kills: int) -> None:
    scenarios = [Scenario(engine, form, policy) for engine in ENGINES for form in FORMS for policy in POLICIES]
    rounds = rounds_of(kills, scenarios, list(Point), seed=1)
    counts = {(scenario, point): 0 for scenario in scenarios for point in Point}
    for each in rounds:
        for point in each.points:
            counts[each.scenario, point] += 1
    assert sum(counts.values()) == kills
    assert max(counts.values()) - min(counts.values()) <= 1


def test_what_is_lost_doubled_changed_or_foreign_is_noticed(ledger: Any, clock: Any) -> None:
    """The judge itself: the notes of a receiver are falsified after the fact."""
    from tests.delivery.receivers import ok

    async def acts(begun: Play) -> tuple[list[Any], list[Hit]]:
        begun.fill(2)
        await begun.drain()
        begun.account(2)
        return begun.stories, begun.book.hits

    stories, hits = play(ok, ledger, clock, acts, options="concurrency = 1\n")
    first, second = hits

    def wrong(*noted: Hit) -> list[str]:
        return compare(stories, noted, deduplicates=False, wanted=["purchase:order-0", "purchase:order-1"]).wrong

    assert wrong(first, second) == []
    assert any("never reached the receiver" in sentence for sentence in wrong(first))
    assert any("was taken 2 times" in sentence for sentence in wrong(first, second, second))
    assert any("told as" in sentence for sentence in wrong(first, Hit(second.key, second.kind, 1, second.value * 2)))
    assert any("in no ledger" in sentence for sentence in wrong(first, second, Hit("other.1", "conversion", 1, 1)))  # type: ignore[arg-type]
    lacking = compare(stories, hits, deduplicates=False, wanted=["purchase:order-9"]).lost
    assert lacking == ["purchase:order-9 is wanted and has no postback"]
