"""Vendors' own packages, each run in a process of the judges' environment.

Belongs here: which packages stand beside which adapter, and running them. Does not belong here: what they do there
(`sdk_meta`, `sdk_google_ads`).
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from benchmarks.environments import ROOT, NotInstalled, python_of

#: Adapter -> the package that does the same, and its `sdk_` module.
BESIDE = {"meta": ("facebook_business", "meta"), "google_ads": ("google-ads", "google_ads")}


def measure_vendor(adapter: str, rows: int, rounds: int) -> dict[str, Any]:
    """The package's figures as JSON; with `error` where there are none."""
    package, module = BESIDE[adapter]
    told: dict[str, Any] = {"name": package, "beside": adapter, "error": None}
    try:
        command = [str(python_of("judges")), "-m", "benchmarks.render.sdk_process", module, str(rows), str(rounds)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except NotInstalled as error:
        return told | {"error": str(error)}
    except subprocess.CalledProcessError as error:
        return told | {"error": error.stderr.strip().splitlines()[-1][:200]}
    figures = json.loads(ended.stdout)
    return told | {name: round(value, 1) for name, value in figures.items()}
