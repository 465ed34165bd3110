"""The engine's own figures: which there are, in what they are told, and what each is to reach.

Belongs here: the list, and taking one after the other. Does not belong here: how each is taken (`figures/`).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.deliver.registry import Contender
from benchmarks.deliver.running import Bench, Run, RunFailed, bench


@dataclass(frozen=True)
class Sizes:
    """How many rows each figure is about."""

    new: int = 1_000_000
    known: int = 10_000_000
    drained: int = 1_000_000
    due: int = 60_000
    beside: int = 20_000
    rounds: int = 3


@dataclass(frozen=True)
class Figure:
    """Something to be measured, and in words what it should be at its full size."""

    name: str
    aim: str
    take: Callable[[Bench, Sizes], dict[str, Any]]


def _told(run: Run) -> dict[str, Any]:
    figures = {
        "rows": run.rows,
        "seconds": round(run.wall_s, 2),
        "cpu_us_per_row": round(run.cpu_s / run.rows * 1e6, 2),
        "peak_mb": round(run.peak_mb),
        **run.told,
    }
    if run.server_cpu_s is not None:
        figures["server_cpu_us_per_row"] = round(run.server_cpu_s / run.rows * 1e6, 2)
    return figures


def _enqueue(function: str, size: Callable[[Sizes], int], *, postgresql: bool) -> Callable[[Bench, Sizes], Any]:
    contender = Contender(function, "figures.enqueuing", function, postgresql=postgresql, sends=False)
    return lambda on, sizes: _told(on.run(contender, 0, size(sizes)))


def _sent(module: str, function: str, size: Callable[[Sizes], int]) -> Callable[[Bench, Sizes], Any]:
    contender = Contender(function, module, function)

    def take(on: Bench, sizes: Sizes) -> dict[str, Any]:
        run = on.run(contender, 0, size(sizes))
        return {**_told(run), "rows_per_s": round(run.rows_per_s, 1), "lost": run.lost, "duplicated": run.duplicated}

    return take


def _beside(on: Bench, sizes: Sizes) -> dict[str, Any]:
    """The quickest round of each, and the most that a neighbour took of the core."""
    names = ("alone", "beside_hanging", "beside_refusing")
    best, shares = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0.0)
    faults = Counter(lost=0, duplicated=0)
    for _ in range(sizes.rounds):
        for name in names:
            run = on.run(Contender(name, "figures.neighbours", name), 0, sizes.beside)
            best[name] = max(best[name], run.rows_per_s)
            shares[name] = max(shares[name], run.told.get("neighbour_cpu_share", 0.0))
            faults.update(lost=run.lost, duplicated=run.duplicated)
    told: dict[str, Any] = {"rows": sizes.beside, "alone_rows_per_s": round(best["alone"], 1), **faults}
    for name in names[1:]:
        told[f"{name}_rows_per_s"] = round(best[name], 1)
        told[f"{name}_costs_percent"] = round((1 - best[name] / best["alone"]) * 100, 1)
        told[f"{name}_core_percent"] = round(shares[name] * 100, 1)
    return told


FIGURES = (
    Figure("enqueue_new", "1 M in 20 s", _enqueue("new_rows", lambda sizes: sizes.new, postgresql=False)),
    Figure("enqueue_new_postgresql", "1 M in 20 s", _enqueue("new_rows", lambda sizes: sizes.new, postgresql=True)),
    Figure(
        "enqueue_known",
        "10 M in 60 s, 0 inserted; an idle tick in 50 ms",
        _enqueue("known_rows", lambda sizes: sizes.known, postgresql=False),
    ),
    Figure(
        "enqueue_known_postgresql",
        "10 M in 60 s, 0 inserted; an idle tick in 50 ms",
        _enqueue("known_rows", lambda sizes: sizes.known, postgresql=True),
    ),
    Figure("drain", "1 M below 500 MB", _sent("figures.draining", "flat_memory", lambda sizes: sizes.drained)),
    Figure("due_to_accepted", "p95 below 2 s", _sent("figures.due", "due_to_accepted", lambda sizes: sizes.due)),
    Figure("dead_neighbour", "costs below 5 %", _beside),
)
FIGURE_NAMES = tuple(figure.name for figure in FIGURES)


def take_figures(names: Sequence[str], sizes: Sizes) -> dict[str, dict[str, Any]]:
    """The named figures, one after the other; one that fails has an `error`."""
    told = {}
    with bench(postgresql=any(name.endswith("postgresql") for name in names)) as on:
        for figure in FIGURES:
            if figure.name not in names:
                continue
            print(f"Taking {figure.name}", file=sys.stderr)
            try:
                told[figure.name] = {"aim": figure.aim, **figure.take(on, sizes)}
            except RunFailed as error:
                told[figure.name] = {"aim": figure.aim, "error": str(error)}
    return told
