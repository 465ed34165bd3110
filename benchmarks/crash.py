"""Kills workers at every point of a postback's way, and counts what is lost and what is told twice.

    python -m benchmarks.crash --kills 10000 [--seed 1] [--engine sqlite|postgresql|both] [--points P ...]
        [--forms get post batch] [--policies park resend] [--lanes 2] [--json]

Kills are spread evenly over points x databases x forms of request x what the receiver does with a key that it knows
(`park`: it takes it again, so nothing uncertain may be sent twice; `resend`: it drops it). Each round has a ledger of
its own and some workers that kill themselves with SIGKILL one after the other; then comes a clean run, and the
receiver's own log is compared with the ledger. Ends with 1 if anything is lost or unexplained, or, under `park`,
duplicated.

Belongs here: spreading the kills, and telling the figures. Does not belong here: a round (`crash_round`).
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import cycle, islice, product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.crash_ledgers import PostgresLedgers, SqliteLedgers
from benchmarks.crash_points import Point
from benchmarks.crash_round import RoundReport, play
from benchmarks.crash_scenarios import ENGINES, FORMS, POLICIES, Scenario
from benchmarks.crash_worker import Deployment, SharedClock
from benchmarks.postgres import postgres_server

#: Kills on one ledger: enough to die of what the dead before left behind, few enough to be looked through.
_KILLS_OF_A_ROUND = 25


@dataclass(frozen=True, slots=True)
class Round:
    """One round that is to be played."""

    number: int
    scenario: Scenario
    points: tuple[Point, ...]
    seed: int


def rounds_of(kills: int, scenarios: Sequence[Scenario], points: Sequence[Point], seed: int) -> list[Round]:
    """Spreads kills over points and scenarios, so that each pair gets as many as any other, give or take one.

    Few kills are spread over all points first, each with another scenario.
    """
    turns = product(range(len(scenarios)), enumerate(points))
    pairs = [(scenarios[(turn + place) % len(scenarios)], point) for turn, (place, point) in turns]
    by_scenario: dict[Scenario, list[Point]] = {}
    for scenario, point in islice(cycle(pairs), kills):
        by_scenario.setdefault(scenario, []).append(point)
    rounds: list[Round] = []
    for scenario, its_points in by_scenario.items():
        shares = -(-len(its_points) // _KILLS_OF_A_ROUND)
        for share in range(shares):
            number = len(rounds)
            rounds.append(Round(number, scenario, tuple(its_points[share::shares]), seed * 1_000_003 + number))
    return rounds


@contextmanager
def receiving(folder: Path) -> Iterator[str]:
    """URL of a receiver in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.crash_receiver", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as receiver:
        assert receiver.stdin is not None
        assert receiver.stdout is not None
        yield f"http://127.0.0.1:{int(receiver.stdout.readline())}"
        receiver.stdin.close()


def run_lane(rounds: Sequence[Round], postgres: str | None) -> list[RoundReport]:
    """Plays rounds one after the other, with a receiver, a clock and templates of its own."""
    clock = SharedClock()
    with tempfile.TemporaryDirectory(prefix="postback-crash-") as name:
        folder = Path(name)
        ledgers: dict[str, SqliteLedgers | PostgresLedgers] = {"sqlite": SqliteLedgers(folder, clock)}
        if postgres is not None:
            ledgers["postgresql"] = databases = PostgresLedgers(postgres, f"crash_{os.getpid()}", clock)
        # What a copy to the warehouse would import in every fork anew; and nothing of it is ever freed there.
        for heavy in ("pandas", "pyarrow"):
            import_module(heavy)
        gc.freeze()
        try:
            with receiving(folder) as receiver:
                return [_play(each, ledgers[each.scenario.engine], receiver, clock, folder) for each in rounds]
        finally:
            gc.unfreeze()
            if postgres is not None:
                databases.close()


def _play(
    each: Round, ledgers: SqliteLedgers | PostgresLedgers, receiver: str, clock: SharedClock, folder: Path
) -> RoundReport:
    run = f"crash_{os.getpid()}_{each.number}"
    warehouse = folder / f"{run}.duckdb"
    with ledgers.fresh(run) as url:
        deployment = Deployment(each.scenario, url, warehouse, receiver, run, clock)
        report = play(deployment, each.points, each.seed, folder)
    for left in folder.glob(f"{run}.*"):
        left.unlink()
    return report


def run(rounds: Sequence[Round], lanes: int, server: str | None) -> list[RoundReport]:
    """All rounds, on as many lanes side by side; `server`: a PostgreSQL that is there already."""
    needs_server = any(each.scenario.engine == "postgresql" for each in rounds)
    with ExitStack() as stack:
        if needs_server and server is None:
            server = stack.enter_context(postgres_server()).url
        # Spawned, since a lane forks: it must begin without threads.
        pool = stack.enter_context(ProcessPoolExecutor(lanes, mp_context=get_context("spawn")))
        parts = [pool.submit(run_lane, rounds[lane::lanes], server) for lane in range(lanes)]
        return [report for part in parts for report in part.result()]


def figures(reports: Sequence[RoundReport], seconds: float) -> dict[str, Any]:
    """What is printed."""
    per_point: dict[str, Counter[str]] = {}
    for report in reports:
        for point, count in report.kills.items():
            per_point.setdefault(point, Counter())[f"{report.engine}/{report.form}/{report.policy}"] += count
    return {
        "kills": sum(report.kills.total() for report in reports),
        "rounds": len(reports),
        "postbacks": sum(report.postbacks for report in reports),
        "told": sum(report.told for report in reports),
        "lost": sum(len(report.lost) for report in reports),
        "duplicated": sum(len(report.duplicated) for report in reports),
        "duplicated_under_park": sum(len(report.duplicated) for report in reports if report.policy == "park"),
        "unexplained": sum(len(report.unexplained) for report in reports),
        "parked": sum(report.parked for report in reports),
        "survived": sum(report.survived for report in reports),
        "seconds": round(seconds, 1),
        "points": {point: dict(sorted(counts.items())) for point, counts in sorted(per_point.items())},
        "wrong": [sentence for report in reports for sentence in report.lost + report.unexplained][:50],
    }


def is_clean(found: dict[str, Any]) -> bool:
    """Nothing lost, nothing unexplained, nothing twice at a receiver that keeps both."""
    return not (found["lost"] or found["unexplained"] or found["duplicated_under_park"])


def print_table(found: dict[str, Any]) -> None:
    """For people."""
    columns = sorted({column for counts in found["points"].values() for column in counts})
    print("Kills")
    for column in columns:
        print(f"{column:>28}: {sum(counts.get(column, 0) for counts in found['points'].values()):6,}")
    print()
    engines = sorted({column.split("/")[0] for column in columns})
    forms = sorted({column.split("/")[1] for column in columns})
    pairs = list(product(engines, forms))
    print(f"{'point':18}" + "".join(f"{f'{engine[:6]} {form}':>14}" for engine, form in pairs))
    for point, counts in found["points"].items():
        cells = [sum(n for name, n in counts.items() if name.startswith(f"{e}/{f}/")) for e, f in pairs]
        print(f"{point:18}" + "".join(f"{cell:14,}" for cell in cells))
    print()
    for name in ("kills", "postbacks", "told", "lost", "duplicated", "duplicated_under_park", "unexplained"):
        print(f"{name:24} {found[name]:10,}")
    print(f"{'parked, then resolved':24} {found['parked']:10,}")
    print(f"{'seconds':24} {found['seconds']:10,.1f}")
    for sentence in found["wrong"]:
        print(sentence)


def main() -> None:
    """Parses, kills, tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engine", choices=[*ENGINES, "both"], default="both")
    parser.add_argument("--points", nargs="+", choices=[point.value for point in Point], default=list(Point))
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    parser.add_argument("--policies", nargs="+", choices=POLICIES, default=POLICIES)
    parser.add_argument("--lanes", type=int, default=2, help="rounds that run side by side")
    parser.add_argument("--postgres", metavar="URL", help="a server to make databases on; default: one of its own")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    engines = ENGINES if arguments.engine == "both" else (arguments.engine,)
    scenarios = [Scenario(*each) for each in product(engines, arguments.forms, arguments.policies)]
    began = time.monotonic()
    points = [Point(name) for name in arguments.points]
    reports = run(rounds_of(arguments.kills, scenarios, points, arguments.seed), arguments.lanes, arguments.postgres)
    found = figures(reports, time.monotonic() - began)
    if arguments.json:
        print(json.dumps(found))
    else:
        print_table(found)
    if not is_clean(found):
        sys.exit(1)


if __name__ == "__main__":
    main()
