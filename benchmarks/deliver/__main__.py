"""Sends the same rows in every way that a user could pick, in turns, to one receiver that logs what arrives.

    python -m benchmarks.deliver [--rows N] [--json] [--contenders a,b] [--rounds R] [--latencies 0,50]
    python -m benchmarks.deliver --figures [a,b] [--json] [--new-rows N] [--known-rows N] [--drained-rows N]

The receiver is one process on the second core; each run is a process on the first. Every row is one request with the
same body (`postback_batch`: one per thousand rows). Serial and slow contenders get fewer rows: a rate is per row.
Printed are, per contender and latency of the receiver: rows/s and CPU per row (user and system, all threads of the
contender) of the quickest round, the database server's CPU beside it, peak memory of the process, and rows that the
receiver's log lacks or holds too often over all rounds. Starting up, imports, and handing over the rows (enqueuing,
deferring, extracting) are not counted for anybody.

`--figures` takes the engine's own instead: enqueuing rows that are new and rows that are known, an idle tick, a long
drain's memory, the time from due to accepted, what a dead destination costs another.

Ends with 1 where this project's engine lost or repeated a row or failed. A peer that cannot be installed is an entry
with `error`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from typing import Any

from benchmarks.deliver.comparison import compared, figures_table, is_faultless, table
from benchmarks.deliver.measurements import FIGURE_NAMES, Sizes, take_figures
from benchmarks.deliver.registry import BY_NAME
from benchmarks.deliver.running import take_turns

_ROWS = 20_000


def main() -> None:
    """Parses, measures, prints."""
    arguments = _parsed()
    # So that receiver and database server end with this program.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended before everything was measured."))
    load = os.getloadavg()[0]
    if arguments.figures is not None:
        figures = take_figures(_chosen(arguments.figures, FIGURE_NAMES), _sizes(arguments))
        text, wrong = figures_table(figures), [name for name, each in figures.items() if not is_faultless(each)]
        told: Any = figures
    else:
        contenders = [BY_NAME[name] for name in _chosen(arguments.contenders, tuple(BY_NAME))]
        told = compared(take_turns(contenders, _numbers(arguments.latencies), arguments.rows, arguments.rounds))
        text, wrong = table(told), [each["name"] for each in told if not _is_right(each)]
    print(
        json.dumps(told)
        if arguments.json
        else f"Programs that ran beside it, on average before it began: {load:.1f}\n\n{text}"
    )
    if wrong:
        sys.exit(f"Rows were lost or repeated, or nothing was measured: {', '.join(wrong)}")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=_ROWS, help=f"of the quick contenders; default {_ROWS:,}")
    parser.add_argument("--contenders", default="", help=", ".join(BY_NAME))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--latencies", default="0,50", help="of the receiver, in ms")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--figures", nargs="?", const="", help=", ".join(FIGURE_NAMES))
    sizes = Sizes()
    parser.add_argument("--new-rows", type=int, default=sizes.new)
    parser.add_argument("--known-rows", type=int, default=sizes.known)
    parser.add_argument("--drained-rows", type=int, default=sizes.drained)
    parser.add_argument("--due-rows", type=int, default=sizes.due, help="while a drain runs")
    return parser.parse_args()


def _chosen(text: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The names in `text`; all of them where it is empty."""
    chosen = tuple(text.split(",")) if text else names
    if unknown := set(chosen) - set(names):
        sys.exit(f"There is no {', '.join(sorted(unknown))}. There are: {', '.join(names)}")
    return chosen


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _sizes(arguments: argparse.Namespace) -> Sizes:
    return Sizes(
        new=arguments.new_rows,
        known=arguments.known_rows,
        drained=arguments.drained_rows,
        due=arguments.due_rows,
        beside=arguments.rows,
        rounds=arguments.rounds,
    )


def _is_right(figures: dict[str, Any]) -> bool:
    """What others lose is their figure; what we lose is a fault."""
    return not figures["name"].startswith("postback_") or is_faultless(figures)


if __name__ == "__main__":
    main()
