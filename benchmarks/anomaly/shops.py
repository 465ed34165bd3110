"""Real daily figures, read from the folder of shared data that may stand beside the repository.

Belongs here: which parts of a series are real, and the parts that are made because nobody publishes them: what became
of postbacks. Does not belong here: faults, scores.

Real: when orders, leads and visits occurred, what orders were worth, when they were refunded, which click ids visits
carried. Made, from the seeds that are named: acceptance, delivery, latency, what a platform reports. These move from
day to day by more than chance, as such figures do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

SHARED = Path(__file__).parents[3] / "shared" / "data"
#: Another worktree of the repository lies one folder deeper.
PLACES = (SHARED, SHARED.parents[2] / "shared" / "data")


class NoData(Exception):
    """The shared data is not beside the repository."""


@dataclass(frozen=True)
class Shop:
    """A destination's conversions, one row each."""

    name: str
    destination: str
    country: str
    time_zone: str
    #: at (aware), value (null: worth nothing), is_matched, is_seen_by_pixel (null: there is no pixel),
    #: pixel_delay (minutes).
    conversions: pd.DataFrame
    #: The days on which something was refunded, one entry each.
    refunds: pd.Series | None = None
    has_hours: bool = True


def shops(places: Sequence[Path] = PLACES) -> Iterator[Shop]:
    """Everything that is in the first of these places.

    Raises:
        NoData: nothing is.
    """
    folder = next((each for each in places if each.is_dir()), None)
    if folder is None:
        raise NoData(
            f"The real series are not part of the repository: {places[0]} is missing. There online_retail_ii,"
            " olist_leads and ga_sessions are expected."
        )
    yield from _online_retail(folder / "online_retail_ii" / "landing")
    yield from _olist(folder / "olist_leads" / "marketing_qualified_leads.csv.gz")
    yield from _merchandise(folder / "ga_sessions" / "sessions.csv.gz")


@cache
def _rows(folder: Path) -> pd.DataFrame:
    files = sorted(folder.iterdir())
    read = [pd.read_json(each, lines=True) if ".jsonl" in each.name else pd.read_csv(each) for each in files]
    return pd.concat(read, ignore_index=True)


def _online_retail(landing: Path) -> Iterator[Shop]:
    orders, clicks, pixel = _rows(landing / "orders"), _rows(landing / "clicks"), _rows(landing / "pixel_events")
    # The shop's wall clock; the hour that is skipped in spring has no orders.
    at = pd.to_datetime(orders["ordered_at"]).dt.tz_localize("Europe/London", ambiguous=True)
    pixel_at = pd.to_datetime(pixel["occurred_at"], format="ISO8601").groupby(pixel["order_id"].astype(str)).min()
    seen_at = orders["order_id"].astype(str).map(pixel_at)
    refunds = pd.to_datetime(_rows(landing / "refunds")["refunded_at"], format="ISO8601").dt.date
    network = clicks["landing_url"].str.extract(r"utm_source=(\w+)")[0]
    for name in ("google", "impact", "meta", "microsoft", "(all)"):
        brought = clicks if name == "(all)" else clicks[network == name]
        conversions = pd.DataFrame(
            {
                "at": at,
                "value": orders["amount"].astype(float),
                "is_matched": orders["session_id"].isin(brought["session_id"].dropna()),
                "is_seen_by_pixel": seen_at.notna(),
                "pixel_delay": (seen_at - at).dt.total_seconds() / 60,
            }
        )
        yield Shop("online retail", name, "GB-ENG", "Europe/London", conversions, refunds)


def _olist(file: Path) -> Iterator[Shop]:
    leads = pd.read_csv(file)
    conversions = pd.DataFrame(
        {
            "at": pd.to_datetime(leads["first_contact_date"]).dt.tz_localize("UTC"),
            "value": np.nan,
            "is_matched": leads["origin"].isin(["paid_search", "social", "display", "email"]),
            "is_seen_by_pixel": np.nan,
        }
    )
    yield Shop("olist leads", "crm", "BR", "UTC", conversions, has_hours=False)


def _merchandise(file: Path) -> Iterator[Shop]:
    visits = pd.read_csv(file, low_memory=False)
    conversions = pd.DataFrame(
        {
            "at": pd.to_datetime(visits["visitStartTime"], unit="s", utc=True),
            "value": np.nan,
            "is_matched": visits["gclId"].notna(),
            "is_seen_by_pixel": np.nan,
        }
    )
    yield Shop("merchandise visits", "google", "US", "America/Los_Angeles", conversions)
