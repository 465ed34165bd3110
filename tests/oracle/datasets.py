"""Where real data lies: beside the repository, or nowhere. None of it is part of the project.

Belongs here: folders and which test needs which. Does not belong here: how any of the data is read.
"""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parents[3] / "shared" / "data"
ONLINE_RETAIL = DATA / "online_retail_ii"
LANDING = ONLINE_RETAIL / "landing"
INVOICE_LINES = ONLINE_RETAIL / "lines_2009_2010.parquet"
LEADS = DATA / "olist_leads" / "marketing_qualified_leads.csv.gz"
DEALS = DATA / "olist_leads" / "closed_deals.csv.gz"
SESSIONS = DATA / "ga_sessions" / "sessions.csv.gz"
REFERENCE_RATES = DATA / "ecb_fx" / "eurofxref-hist.zip"

#: Test module -> what it reads.
NEEDS: dict[str, tuple[Path, ...]] = {
    "test_online_retail_data.py": (LANDING,),
    "test_online_retail_models.py": (LANDING, INVOICE_LINES),
    "test_online_retail_consent.py": (LANDING,),
    "test_online_retail_arrival.py": (LANDING,),
    "test_online_retail_run.py": (LANDING,),
    "test_olist_leads.py": (LEADS, DEALS),
    "test_ga_sessions.py": (SESSIONS,),
    "test_reference_rates.py": (LANDING, REFERENCE_RATES),
}


def without_data() -> list[str]:
    """The test modules whose data is not there."""
    return [module for module, paths in NEEDS.items() if not all(path.exists() for path in paths)]
