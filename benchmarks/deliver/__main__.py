"""Sends the same rows in every way that a user could pick, in turns, to one receiver that logs what arrives.

    python -m benchmarks.deliver [--rows N] [--json] [--contenders a,b] [--rounds R] [--latencies 0,50]

The receiver is one process on the second core; each run is a process on the first. Every row is one request with the
same body. Serial and slow contenders get fewer rows: a rate is per row. Printed are, per contender and latency of the
receiver: rows/s and CPU per row (user and system, all threads of the contender) of the quickest round, the database
server's CPU beside it, peak memory of the process, and rows that the receiver's log lacks or holds too often over all
rounds. Starting up, imports, and handing over the rows (enqueuing, deferring, extracting) are not counted for anybody.

Ends with 1 where this project's engine lost or repeated a row or failed. A peer that cannot be installed is an entry
with `error`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from benchmarks.deliver.comparison import compared, table
from benchmarks.deliver.registry import BY_NAME, CONTENDERS, Contender
from benchmarks.deliver.running import take_turns

_ROWS = 20_000


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=_ROWS, help=f"of the quick contenders; default {_ROWS:,}")
    parser.add_argument("--contenders", type=_contenders, default=CONTENDERS, help=", ".join(BY_NAME))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--latencies", type=_numbers, default=(0, 50), help="of the receiver, in ms")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    told = compared(take_turns(arguments.contenders, arguments.latencies, arguments.rows, arguments.rounds))
    if arguments.json:
        print(json.dumps(told))
    else:
        print(f"Programs that ran beside it, on average before it began: {load:.1f}\n\n{table(told)}")
    if wrong := [each["name"] for each in told if not _is_right(each)]:
        sys.exit(f"Rows were lost or repeated, or nothing was measured: {', '.join(wrong)}")


def _contenders(text: str) -> tuple[Contender, ...]:
    try:
        return tuple(BY_NAME[name] for name in text.split(","))
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"there is no {error}; there are {', '.join(BY_NAME)}") from error


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _is_right(figures: dict[str, Any]) -> bool:
    """What others lose is their figure; what we lose is a fault."""
    ours = figures["name"].startswith("postback_")
    return not ours or (figures["error"] is None and figures["lost"] == figures["duplicated"] == 0)


if __name__ == "__main__":
    main()
