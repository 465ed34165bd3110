"""Writes asks and rows of the recorded conversations anew: `python -m tests.platforms.write_golden PLATFORM ...`."""

from __future__ import annotations

import json
import sys

from tests.platforms.golden_exchanges import GOLDEN, ask_of, converse, diagnostics_text, golden, rows_text


def write(name: str) -> None:
    """One platform's folder."""
    found = golden(name)
    asks, report = converse(found)
    written = [
        {"ask": ask_of(ask), "reply": exchange["reply"]} for ask, exchange in zip(asks, found.exchanges, strict=True)
    ]
    folder = GOLDEN / name
    (folder / "exchange.json").write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "rows.csv").write_text(rows_text(report), encoding="utf-8")
    (folder / "diagnostics.csv").write_text(diagnostics_text(report), encoding="utf-8")


if __name__ == "__main__":
    for named in sys.argv[1:]:
        write(named)
