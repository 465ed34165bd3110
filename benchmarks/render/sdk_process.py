"""The process of a vendor's own package that makes requests of the same orders; runs in the judges' environment.

    python -m benchmarks.render.sdk_process NAME ROWS ROUNDS

Belongs here: which packages there are, and printing what one of them took. Does not belong here: how it is used
(`sdk_meta`, `sdk_google_ads`).
"""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks.render.shop import orders
from benchmarks.render.stages import quickest_us


def main() -> None:
    """Prints microseconds of CPU per order and how many bytes came out, as JSON."""
    name, rows, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    module = importlib.import_module(f"benchmarks.render.sdk_{name}")
    shop = list(orders(rows))
    batches = [shop[start : start + module.BATCH] for start in range(0, rows, module.BATCH)]
    sizes: list[int] = []

    def work() -> None:
        sizes.append(sum(len(module.body(batch)) for batch in batches))

    taken = quickest_us(work, rows, rounds)
    print(json.dumps({"us_per_postback": taken, "bytes_per_postback": sizes[-1] / rows}))


if __name__ == "__main__":
    main()
