"""What rendering, requests and reading replies cost, adapter by adapter, beside vendors' own packages.

    python -m benchmarks.render [--rows N] [--rounds R] [--adapters meta,webhook] [--json]

Every adapter renders the same orders, each of another person with all its attributes, makes requests as full as its
receiver takes them, and reads the replies that accept them; settings and receivers are those of the golden requests
in `tests/destinations/golden`. Printed is CPU (user and system) of one process in microseconds per postback, of the
quickest round. The vendors' packages make requests of the same orders; they read no replies, so that they are held
against the first two stages. Ends with 1 where a receiver found fault with a request, or did not accept it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from typing import Any

from benchmarks.render.adapters import Unfit, folders, measure
from benchmarks.render.vendors import BESIDE, measure_vendor

_ROWS = 20_000


def main() -> None:
    """Parses, measures, prints."""
    arguments = _parsed()
    known = folders()
    names = arguments.adapters.split(",") if arguments.adapters else list(known)
    if unknown := set(names) - known.keys():
        sys.exit(f"There is no {', '.join(sorted(unknown))}. There are: {', '.join(known)}")
    load = os.getloadavg()[0]
    adapters = [_figures(name, arguments.rows, arguments.rounds) for name in names]
    by_name = {each["name"]: each for each in adapters}
    vendors = [
        _compared(measure_vendor(name, arguments.rows, arguments.rounds), by_name[name])
        for name in names
        if name in BESIDE
    ]
    told = {"adapters": adapters, "vendors": vendors}
    print(json.dumps(told) if arguments.json else f"Programs that ran beside it: {load:.1f}\n\n{_table(told)}")
    if wrong := [each["name"] for each in adapters if each["error"]]:
        sys.exit(f"Not measured: {', '.join(wrong)}")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=_ROWS, help=f"default {_ROWS:,}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--adapters", default="", help=", ".join(folders()))
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _figures(name: str, rows: int, rounds: int) -> dict[str, Any]:
    try:
        figures = measure(folders()[name], rows, rounds)
    except Unfit as error:
        return {"name": name, "error": str(error)}
    taken = {field: round(value, 1) for field, value in asdict(figures).items() if field.endswith("_us")}
    return {
        "name": name,
        "error": None,
        "rows": rows,
        "batch": figures.batch,
        **taken,
        "us_per_postback": round(figures.us_per_postback, 1),
        "postbacks_per_s": round(figures.postbacks_per_s),
    }


def _compared(vendor: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Its time as a multiple of ours for the same work."""
    if vendor["error"] or ours["error"]:
        return vendor
    return vendor | {"ratio": round(vendor["us_per_postback"] / (ours["render_us"] + ours["request_us"]), 1)}


def _table(told: dict[str, list[dict[str, Any]]]) -> str:
    lines = [f"{'':20}{'batch':>7}{'render us':>11}{'request us':>12}{'read us':>9}{'all us':>8}{'postbacks/s':>13}"]
    for each in told["adapters"]:
        cells = each["error"] or (
            f"{each['batch']:>7,}{each['render_us']:>11}{each['request_us']:>12}{each['read_us']:>9}"
            f"{each['us_per_postback']:>8}{each['postbacks_per_s']:>13,}"
        )
        lines.append(f"{each['name']:20}{cells}")
    for each in told["vendors"]:
        said = each["error"] or f"{each['us_per_postback']} us, {each.get('ratio', '?')} times {each['beside']}"
        lines.append(f"{each['name']} for rendering and requests: {said}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
