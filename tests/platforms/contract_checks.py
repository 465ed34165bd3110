"""What each platform asks of a request, written from the vendors' documents and not from our code.

A check returns what is wrong with a request that came over the wire; an empty list for one that is right.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Wire:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


def google_ads(wire: Wire) -> list[str]:
    """developers.google.com/google-ads/api/rest/common/search, .../docs/query/grammar."""
    wrong = [] if wire.method == "POST" else ["method"]
    wrong += [] if re.fullmatch(r"/v\d+/customers/\d{10}/googleAds:search", wire.path) else ["path"]
    wrong += [] if wire.headers.get("developer-token") == "developer-secret" else ["developer token"]
    wrong += [] if re.fullmatch(r"\d{10}", wire.headers.get("login-customer-id", "0" * 10)) else ["login customer"]
    wrong += [] if wire.headers.get("content-type") == "application/json" else ["content type"]
    body = json.loads(wire.body)
    # A page size is refused since v17.
    wrong += [] if body.keys() <= {"query", "pageToken"} else ["body"]
    return wrong + _gaql(body["query"])


def _gaql(query: str) -> list[str]:
    grammar = re.fullmatch(r"SELECT ([a-z_., ]+) FROM ([a-z_]+)(?: WHERE (.+))?", query)
    if grammar is None:
        return ["grammar"]
    fields, resource, condition = grammar[1].split(", "), grammar[2], grammar[3]
    wrong = [] if all(field.split(".")[0] in (resource, "metrics", "segments") for field in fields) else ["fields"]
    if "segments.date" not in fields:
        return wrong
    # A query with dates needs a finite range of them.
    between = re.fullmatch(r"segments\.date BETWEEN '([-\d]+)' AND '([-\d]+)'", condition or "")
    if between is None or date.fromisoformat(between[1]) > date.fromisoformat(between[2]):
        wrong.append("range")
    return wrong


#: Of facebook_business 26.0.3, AdAccount.get_insights, and of paging by cursors.
_INSIGHTS = {
    *("action_attribution_windows", "action_breakdowns", "action_report_time", "breakdowns", "date_preset", "fields"),
    *("filtering", "level", "limit", "sort", "summary", "time_increment", "time_range", "time_ranges"),
    *("use_account_attribution_setting", "use_unified_attribution_setting", "after", "before", "access_token"),
}


def meta(wire: Wire) -> list[str]:
    """developers.facebook.com/docs/marketing-api/insights and .../conversions-api/dataset-quality-api."""
    wrong = [] if wire.method == "GET" and not wire.body else ["method"]
    wrong += [] if wire.query.get("access_token") == "meta-secret" else ["token"]
    wrong += [] if wire.query.get("fields") else ["fields"]
    if re.fullmatch(r"/v\d+\.0/act_\d+/insights", wire.path):
        wrong += sorted(wire.query.keys() - _INSIGHTS)
        wrong += [] if wire.query["level"] in ("ad", "adset", "campaign", "account") else ["level"]
        wrong += [] if wire.query["action_report_time"] in ("impression", "conversion", "mixed") else ["report time"]
        days = json.loads(wire.query["time_range"])
        wrong += [] if days.keys() == {"since", "until"} and all(map(DAY.fullmatch, days.values())) else ["range"]
    elif wire.path.endswith("/dataset_quality"):
        wrong += [] if wire.query.get("dataset_id", "").isdigit() else ["dataset"]
    elif not re.fullmatch(r"/v\d+\.0/act_\d+", wire.path):
        wrong.append("path")
    return wrong


CHECKS: Mapping[str, Callable[[Wire], list[str]]] = {"google_ads": google_ads, "meta": meta}
#: What the environment holds for each platform.
SECRETS: Mapping[str, Mapping[str, str]] = {
    "google_ads": {
        "GOOGLE_ADS_DEVELOPER_TOKEN": "developer-secret",
        "GOOGLE_ADS_CLIENT_ID": "client",
        "GOOGLE_ADS_CLIENT_SECRET": "client-secret",
        "GOOGLE_ADS_REFRESH_TOKEN": "refresh-secret",
    },
    "meta": {"META_REPORTS_ACCESS_TOKEN": "meta-secret"},
}
