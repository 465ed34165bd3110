"""The oracle's own data set is large and not part of the repository: its test is there only where the data is."""

from __future__ import annotations

from pathlib import Path

LANDING = Path(__file__).parents[3] / "shared" / "data" / "online_retail_ii" / "landing"

collect_ignore = [] if LANDING.is_dir() else ["test_online_retail_data.py", "test_online_retail_run.py"]
