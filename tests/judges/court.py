"""The process in which the judges sit: JSON lines with a judge and a case come in, one line per case goes out.

    .cache/judges/bin/python -m tests.judges.court

Belongs here: which judges there are, and how one is asked. Does not belong here: what any of them says (`judging/`),
and asking (`hearing`). Runs in the judges' own environment: imports nothing of the product and nothing of the tests.

In:  {"judge": "meta.request", "case": ...}
Out: {"finding": ...} or {"refused": "why"}
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

#: Judge -> module in `judging` and function in it. Imported when first asked: some take seconds.
JUDGES = {
    "meta.field": ("meta", "field"),
    "meta.request": ("meta", "request"),
    "meta.cookies": ("meta_cookies", "cookies"),
    "google_ads.clicks": ("google_ads", "clicks"),
    "google_ads.adjustments": ("google_ads", "adjustments"),
    "data_manager.ingest": ("data_manager", "ingest"),
    "google.person": ("google_person", "attribute"),
    "microsoft.conversions": ("microsoft", "conversions"),
    "microsoft.adjustments": ("microsoft", "adjustments"),
    "microsoft.goals_report": ("microsoft", "goals_report"),
    "pinterest.events": ("pinterest", "events"),
}


def main() -> None:
    """Answers until its input ends."""
    answers = sys.stdout
    # What a vendor's package prints is no answer.
    sys.stdout = sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(asked["judge"], asked["case"])), file=answers, flush=True)


def answer(judge: str, case: Any) -> dict[str, Any]:
    """The finding; or why the case was refused: vendors raise whatever they like."""
    hear = _judge(judge)
    try:
        return {"finding": hear(case)}
    except Exception as refusal:
        return {"refused": f"{type(refusal).__name__}: {refusal}"}


@cache
def _judge(name: str) -> Callable[[Any], Any]:
    module, function = JUDGES[name]
    found: Callable[[Any], Any] = getattr(importlib.import_module(f"tests.judges.judging.{module}"), function)
    return found


if __name__ == "__main__":
    main()
