"""`python -m benchmarks.experiments [--simulations N] [--seed N] [--json]`: prints what `coverage.py` counts.

Belongs here: arguments and printing. Fails where an interval is more than two points from what it says of itself.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from benchmarks.experiments.coverage import Coverage, cases, measure
from postback_pipeline.experiments.comparison import CONFIDENCE

#: Points, as a share, by which an interval may miss what it says.
TOLERANCE = 0.02


def main() -> int:
    """Measures every case; 1 where one misses."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.experiments")
    parser.add_argument("--simulations", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = [measure(case, options.simulations, options.seed) for case in cases()]
    shares = [share for each in results for share in (each.difference, each.lift) if share is not None]
    if options.json:
        print(json.dumps({"nominal": CONFIDENCE, "cases": [dataclasses.asdict(each) for each in results]}, indent=2))
    else:
        print(f"{options.simulations} simulations each; the effect should lie in {CONFIDENCE:.0%} of the intervals.")
        for each in results:
            print(f"{each.name:<30} difference {_said(each.difference)}   lift {_said(each.lift)}{_missing(each)}")
    return int(any(abs(share - CONFIDENCE) > TOLERANCE for share in shares))


def _missing(found: Coverage) -> str:
    return f"   ({found.without_lift} without)" if found.lift is not None and found.without_lift else ""


def _said(share: float | None) -> str:
    return "      -" if share is None else f"{share:7.1%}"


if __name__ == "__main__":
    sys.exit(main())
