"""`python -m benchmarks.anomaly [--json] [--every N] [--seeds N]`: prints what is found, how soon, and false alarms.

Belongs here: arguments and printing. Does not belong here: anything that is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks.anomaly.figures import figures_of
from benchmarks.anomaly.measurements import Score, measure
from benchmarks.anomaly.shops import NoData, shops
from postback_pipeline.anomalies.judge import judge

#: Parameters were chosen on the first; the second shows what they are worth.
HALVES = {"chosen on": (0.0, 0.5), "shown by": (0.5, 1.0)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.anomaly", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--every", type=int, default=5, help="put a fault on each so many'th day (default: 5)")
    parser.add_argument("--seeds", type=int, default=2, help="how often what is made is made anew (default: 2)")
    asked = parser.parse_args()
    try:
        found = list(shops())
    except NoData as error:
        print(error, file=sys.stderr)
        return 1
    figures = [figures_of(shop, seed) for shop in found for seed in range(asked.seeds)]
    scores = {name: measure(figures, judge, asked.every, *span) for name, span in HALVES.items()}
    answer = {name: as_figures(score) for name, score in scores.items()}
    if asked.json:
        print(json.dumps(answer, indent=2))
    else:
        for name, each in answer.items():
            show(name, each)
    return 0


def as_figures(score: Score) -> dict[str, Any]:
    faults = [
        {
            "shop": shop,
            "fault": fault,
            "put": put,
            "left_out": left_out,
            "found_within_a_day": round(at_once / put, 4) if put else None,
            "found_within_a_week": round(within / put, 4) if put else None,
        }
        for (shop, fault), (put, at_once, within, left_out) in score.put.items()
    ]
    return {
        "faults": faults,
        "false_alarms_per_destination_and_quarter": {
            **{shop: round(score.false_alarms(shop), 2) for shop in score.alarms},
            "(all)": round(score.false_alarms(), 2),
        },
        "cpu_ms_per_series": round(1000 * score.cpu_seconds / max(score.series, 1), 2),
        "days_per_series": round(score.days / max(score.series, 1)),
    }


def show(name: str, each: dict[str, Any]) -> None:
    print(f"\nThe half that parameters were {name}" if name == "chosen on" else "\nThe other half")
    print(f"{'shop':<30}{'fault':<30}{'put':>6}{'left out':>10}{'within a day':>14}{'within a week':>15}")
    for row in each["faults"]:
        shares = "".join(
            f"{'-' if row[key] is None else format(row[key], '.1%'):>{width}}"
            for key, width in (("found_within_a_day", 14), ("found_within_a_week", 15))
        )
        print(f"{row['shop']:<30}{row['fault']:<30}{row['put']:>6}{row['left_out']:>10}{shares}")
    for shop, alarms in each["false_alarms_per_destination_and_quarter"].items():
        print(f"false alarms per destination and quarter, {shop}: {alarms}")
    print(f"processor time per series of {each['days_per_series']} days: {each['cpu_ms_per_series']} ms")


if __name__ == "__main__":
    sys.exit(main())
