"""CPU time of one stage after the other.

Belongs here: timing. Does not belong here: what is timed.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def quickest_us(work: Callable[[], object], rows: int, rounds: int) -> float:
    """Microseconds of CPU (user and system) per row, of the quickest round."""
    taken = []
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken) / rows * 1_000_000
