"""Compares what the sandbox network received with what the oracle expects of a first run.

An independent program: the standard library only. Every expected request must be in the log exactly once, as a
`conversion`, with the identifier, the currency, the event time and the value to the cent; nothing else may be.

    python tests/oracle/online_retail.py LANDING --json > EXPECTED
    python tests/oracle/compare_log.py EXPECTED LOG       prints every difference; exit status 1 if there is one
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def differences(expected: Iterable[Row], received: Iterable[Row]) -> list[str]:
    """One sentence per difference between the oracle's `expected` rows and the lines of a sandbox log."""
    seen: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for line in received:
        seen[line["receiver"], str(line["query"].get("transaction_id"))].append(line["query"])
    found = []
    for row in expected:
        where = f"{row['destination']} order {row['order_id']}"
        queries = seen.pop((row["destination"], row["order_id"]), [])
        if len(queries) != 1:
            found.append(f"{where}: received {len(queries)} times, expected once")
        for query in queries:
            found += [f"{where}: {sentence}" for sentence in _mistakes(row, query)]
    found += [
        f"{receiver} order {order}: received {len(queries)} times, expected never"
        for (receiver, order), queries in seen.items()
    ]
    return found


def _mistakes(row: Row, query: Row) -> list[str]:
    wanted: dict[str, tuple[Callable[[str], Any], str]] = {
        "kind": (str, "conversion"),
        "value": (Decimal, row["value"]),
        "currency": (str, row["currency"]),
        "event_time": (datetime.fromisoformat, row["event_time"]),
        row["identifier"]: (str, row["identifier_value"]),
    }
    return [
        f"{name} is {query.get(name)!r}, expected {text}"
        for name, (meaning, text) in wanted.items()
        if not _same(meaning, query.get(name), text)
    ]


def _same(meaning: Callable[[str], Any], got: object, wanted: str) -> bool:
    try:
        return bool(isinstance(got, str) and meaning(got) == meaning(wanted))
    except (ValueError, InvalidOperation):
        return False


def main() -> None:
    """Compares the two files that the command line names."""
    parser = argparse.ArgumentParser(description="Compares a sandbox log with what the oracle expects.")
    parser.add_argument("expected", type=Path, help="what online_retail.py --json printed")
    parser.add_argument("log", type=Path, help="the sandbox's log")
    arguments = parser.parse_args()
    expected = json.loads(arguments.expected.read_text(encoding="utf-8"))["expected"]
    with arguments.log.open(encoding="utf-8") as lines:
        found = differences(expected, map(json.loads, lines))
    summary = f"{len(expected)} requests expected, {len(found)} differences."
    sys.stdout.write("\n".join([*found, summary, ""]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
