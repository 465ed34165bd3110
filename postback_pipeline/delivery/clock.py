"""The clock by which leases, deadlines and idle connections count.

Belongs here: that one clock. Does not belong here: the time of day (the ledger's clock), timers (the event loop's).

A machine that sleeps holds the usual monotonic clock, on Linux: what wakes up would believe in a lease that another
worker has long since taken over. Where the system has a clock that runs on meanwhile, it is that one.
"""

from __future__ import annotations

import sys
import time

if sys.platform == "linux":

    def now() -> float:
        """Seconds since some instant; never set, and not held while the machine sleeps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

else:
    now = time.monotonic
