"""Times a whole run over a landing folder: first everything, then again with nothing new.

    python -m benchmarks.run --landing FOLDER --from 2009-12-01 --to 2010-12-31 [--config SETTINGS] [--json]

Prints wall seconds and peak memory of `postback run` (the largest single process, children included) and what its
receivers got. A sandbox network runs beside it on the port of the example's settings.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

POSTBACK = str(Path(sys.executable).with_name("postback"))
PORT = "8787"


def timed(*arguments: str) -> float:
    """Wall seconds of one command, which must succeed."""
    began = time.monotonic()
    subprocess.run([POSTBACK, *arguments], check=True, stdout=subprocess.DEVNULL)
    return round(time.monotonic() - began, 1)


def measure(landing: Path, config: Path, first: str, last: str) -> dict[str, object]:
    """Both runs, in a home of their own that is thrown away."""
    with tempfile.TemporaryDirectory(prefix="postback-benchmark-") as folder:
        home = Path(folder)
        shutil.copytree(landing, home / "landing", copy_function=shutil.copyfile)
        os.environ.update(POSTBACK_CONFIG=str(config.absolute()), POSTBACK_HOME=str(home))
        os.environ.pop("DAGSTER_HOME", None)
        log = home / "received.jsonl"
        network = subprocess.Popen([POSTBACK, "sandbox", "--port", PORT, "--log", str(log)])
        try:
            time.sleep(2)
            timed("ledger", "init")
            window = ("--from", first, "--to", last, "--json")
            first_run, received = timed("run", *window), _lines(log)
            second_run, again = timed("run", *window), _lines(log) - received
        finally:
            network.terminate()
            network.wait()
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "first_run_s": first_run,
        "second_run_s": second_run,
        "requests": received,
        "requests_of_second_run": again,
        "peak_mb": round(peak_kb / 1024),
    }


def _lines(file: Path) -> int:
    with file.open("rb") as handle:
        return sum(1 for _ in handle)


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=Path("examples/online_retail/postbacks.toml"))
    parser.add_argument("--from", dest="first", required=True)
    parser.add_argument("--to", dest="last", required=True)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.landing, arguments.config, arguments.first, arguments.last)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
