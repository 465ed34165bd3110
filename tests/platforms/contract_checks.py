"""What each platform asks of a request, written from the vendors' documents and not from our code.

A check returns what is wrong with a request that came over the wire; an empty list for one that is right.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

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


def ga4(wire: Wire) -> list[str]:
    """developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport."""
    wrong = [] if wire.method == "POST" else ["method"]
    wrong += [] if re.fullmatch(r"/v1beta/properties/\d+:runReport", wire.path) else ["path"]
    body = json.loads(wire.body)
    known = {"dateRanges", "dimensions", "metrics", "dimensionFilter", "metricFilter", "offset", "limit", "orderBys"}
    wrong += sorted(body.keys() - known - {"metricAggregations", "currencyCode", "cohortSpec", "keepEmptyRows"})
    # int64 is a text in JSON.
    wrong += [name for name in ("offset", "limit") if not re.fullmatch(r"\d+", body[name])]
    wrong += [] if all(map(DAY.fullmatch, body["dateRanges"][0].values())) else ["range"]
    names = [each["name"] for each in (*body["dimensions"], *body["metrics"])]
    # api-schema: https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema
    return wrong + ([] if set(names) <= {"date", "eventName", "eventCount", "eventValue"} else ["names"])


def impact(wire: Wire) -> list[str]:
    """integrations.impact.com: the OpenAPI document of Actions v14, and the page on authentication."""
    wrong = [] if wire.method == "GET" else ["method"]
    wrong += [] if re.fullmatch(r"/Advertisers/[A-Za-z0-9]+/Actions", wire.path) else ["path"]
    sid = wire.path.split("/")[2]
    basic = "Basic " + base64.b64encode(f"{sid}:impact-secret".encode()).decode()
    wrong += [] if wire.headers.get("authorization") == basic else ["authentication"]
    wrong += [] if wire.headers.get("accept") == "application/json" else ["accept"]
    known = {"CampaignId", "State", "ActionDateStart", "ActionDateEnd", "Page", "PageSize"}
    wrong += sorted(wire.query.keys() - known)
    start, end = (datetime.fromisoformat(wire.query[name]) for name in ("ActionDateStart", "ActionDateEnd"))
    wrong += [] if timedelta(0) < end - start <= timedelta(days=45) else ["range"]
    return wrong + ([] if 2_000 <= int(wire.query["PageSize"]) <= 20_000 else ["page size"])


def awin(wire: Wire) -> list[str]:
    """help.awin.com/apidocs/returns-a-list-of-transactions-for-a-given-advertiser."""
    wrong = [] if wire.method == "GET" else ["method"]
    wrong += [] if re.fullmatch(r"/advertisers/\d+/transactions/", wire.path) else ["path"]
    wrong += [] if wire.headers.get("authorization") == "Bearer awin-secret" else ["token"]
    known = {"startDate", "endDate", "timezone", "dateType", "status", "showBasketProducts", "publisherId"}
    wrong += sorted(wire.query.keys() - known)
    form = "%Y-%m-%dT%H:%M:%S"
    start, end = (datetime.strptime(wire.query[name], form) for name in ("startDate", "endDate"))
    wrong += [] if timedelta(0) < end - start <= timedelta(days=31) else ["range"]
    return wrong + ([] if wire.query["timezone"] in ("UTC", "Europe/Berlin", "Europe/London") else ["zone"])


def cj(wire: Wire) -> list[str]:
    """developers.cj.com/graphql/reference/Commission%20Detail, and the schema by introspection."""
    wrong = [] if (wire.method, wire.path) == ("POST", "/query") else ["path"]
    wrong += [] if wire.headers.get("authorization") == "Bearer cj-secret" else ["token"]
    query = json.loads(wire.body)["query"]
    arguments, selected = query.split(")", 1)
    names = set(re.findall(r"(\w+):", arguments.replace("T00:", "").replace(":00", "")))
    wrong += sorted(names - {"forAdvertisers", "sinceEventDate", "beforeEventDate", "sinceCommissionId"})
    wrong += [] if query.count("{") == query.count("}") else ["braces"]
    wrong += [] if {"payloadComplete", "maxCommissionId", "records"} <= set(selected.split()) else ["fields"]
    return wrong


CHECKS: Mapping[str, Callable[[Wire], list[str]]] = {
    "awin": awin,
    "cj": cj,
    "ga4": ga4,
    "google_ads": google_ads,
    "impact": impact,
    "meta": meta,
}


def _service_account_key() -> str:
    """A key file as Google's console downloads it, of a key made for these tests."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
    account = "reports@project.iam.gserviceaccount.com"
    return json.dumps({"client_email": account, "private_key": pem, "private_key_id": "key-1"})


#: What the environment holds for each platform.
SECRETS: Mapping[str, Mapping[str, str]] = {
    "awin": {"AWIN_ACCESS_TOKEN": "awin-secret"},
    "cj": {"CJ_ACCESS_TOKEN": "cj-secret"},
    "ga4": {"GA4_SERVICE_ACCOUNT_KEY": _service_account_key()},
    "google_ads": {
        "GOOGLE_ADS_DEVELOPER_TOKEN": "developer-secret",
        "GOOGLE_ADS_CLIENT_ID": "client",
        "GOOGLE_ADS_CLIENT_SECRET": "client-secret",
        "GOOGLE_ADS_REFRESH_TOKEN": "refresh-secret",
    },
    "impact": {"IMPACT_AUTH_TOKEN": "impact-secret"},
    "meta": {"META_REPORTS_ACCESS_TOKEN": "meta-secret"},
}
