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
from typing import Any

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


def tiktok(wire: Wire) -> list[str]:
    """business_api_client of TikTok's SDK: report_integrated_get and advertiser_info."""
    wrong = [] if wire.method == "GET" and not wire.body else ["method"]
    wrong += [] if wire.headers.get("access-token") == "tiktok-secret" else ["token"]
    if wire.path == "/open_api/v1.3/advertiser/info/":
        return wrong + ([] if all(json.loads(wire.query["advertiser_ids"])) else ["advertisers"])
    wrong += [] if wire.path == "/open_api/v1.3/report/integrated/get/" else ["path"]
    wrong += (
        [] if wire.query["report_type"] == "BASIC" and wire.query["data_level"].startswith("AUCTION_") else ["kind"]
    )
    wrong += [] if "stat_time_day" in json.loads(wire.query["dimensions"]) else ["dimensions"]
    metrics = json.loads(wire.query["metrics"])
    wrong += [] if metrics and len(metrics) == len(set(metrics)) else ["metrics"]
    wrong += [] if 1 <= int(wire.query["page_size"]) <= 1000 and int(wire.query["page"]) >= 1 else ["page"]
    return wrong + _range(wire.query["start_date"], wire.query["end_date"], most=30)


def pinterest(wire: Wire) -> list[str]:
    """Pinterest's OpenAPI description v5: ad_accounts/get and ad_account/analytics."""
    wrong = [] if wire.method == "GET" and not wire.body else ["method"]
    wrong += [] if wire.headers.get("authorization") == "Bearer pinterest-secret" else ["token"]
    if re.fullmatch(r"/v5/ad_accounts/\d+", wire.path):
        return wrong + (["query"] if wire.query else [])
    wrong += [] if re.fullmatch(r"/v5/ad_accounts/\d+/analytics", wire.path) else ["path"]
    wrong += [] if all(re.fullmatch("[A-Z0-9_]+", each) for each in wire.query["columns"].split(",")) else ["columns"]
    wrong += [] if wire.query["granularity"] in ("TOTAL", "DAY", "HOUR", "WEEK", "MONTH") else ["granularity"]
    wrong += [] if wire.query["conversion_report_time"] in ("TIME_OF_AD_ACTION", "TIME_OF_CONVERSION") else ["time"]
    windows = [wire.query[f"{action}_window_days"] for action in ("click", "engagement", "view")]
    wrong += [] if set(windows) <= {"0", "1", "7", "14", "30", "60"} else ["windows"]
    return wrong + _range(wire.query["start_date"], wire.query["end_date"], most=90)


def linkedin(wire: Wire) -> list[str]:
    """learn.microsoft.com/en-us/linkedin/marketing: adAccounts and the finder `analytics` of adAnalytics."""
    wrong = [] if wire.method == "GET" and not wire.body else ["method"]
    wrong += [] if wire.headers.get("authorization") == "Bearer linkedin-secret" else ["token"]
    wrong += [] if re.fullmatch(r"\d{6}", wire.headers.get("linkedin-version", "")) else ["version"]
    wrong += [] if wire.headers.get("x-restli-protocol-version") == "2.0.0" else ["protocol"]
    if re.fullmatch(r"/rest/adAccounts/\d+", wire.path):
        return wrong
    wrong += [] if wire.path == "/rest/adAnalytics" and wire.query["q"] == "analytics" else ["path"]
    wrong += [] if wire.query["pivot"] == "CONVERSION" and wire.query["timeGranularity"] == "DAILY" else ["pivot"]
    wrong += [] if re.fullmatch(r"List\(urn:li:sponsoredAccount:\d+\)", wire.query["accounts"]) else ["accounts"]
    wrong += [] if {"dateRange", "pivotValues"} <= set(wire.query["fields"].split(",")) else ["fields"]
    one = r"\(year:(\d{4}),month:(\d{1,2}),day:(\d{1,2})\)"
    days = re.fullmatch(rf"\(start:{one},end:{one}\)", wire.query["dateRange"])
    if days is None:
        return [*wrong, "range"]
    first, last = (date(*map(int, days.groups()[at : at + 3])).isoformat() for at in (0, 3))
    return wrong + _range(first, last, most=180)


def microsoft(wire: Wire) -> list[str]:
    """learn.microsoft.com/en-us/advertising/reporting-service, in the JSON of msads 13.0.30.1; and a signed file."""
    if wire.path == "/report.zip":
        secrets = {"authorization", "developertoken", "customerid"} & wire.headers.keys()
        return [f"{name} told to another host" for name in secrets]
    wrong = [] if wire.method == "POST" else ["method"]
    wrong += [] if wire.headers.get("developertoken") == "developer-secret" else ["developer token"]
    wrong += [] if wire.headers.get("customerid", "").isdigit() else ["customer"]
    wrong += [] if wire.headers.get("customeraccountid", "").isdigit() else ["account"]
    body = json.loads(wire.body)
    if wire.path == "/Reporting/v13/GenerateReport/Poll":
        return wrong + ([] if body.keys() == {"ReportRequestId"} else ["poll"])
    wrong += (
        [] if wire.path == "/Reporting/v13/GenerateReport/Submit" and body.keys() == {"ReportRequest"} else ["path"]
    )
    return wrong + _goals_report(body["ReportRequest"])


def _goals_report(order: dict[str, Any]) -> list[str]:
    known = {
        *("Type", "ReportName", "Format", "FormatVersion", "ReturnOnlyCompleteData", "ExcludeReportHeader"),
        *("ExcludeReportFooter", "ExcludeColumnHeaders", "Scope", "Filter", "Time", "Aggregation", "Columns"),
    }
    wrong = sorted(order.keys() - known)
    wrong += [] if order["Type"] == "GoalsAndFunnelsReportRequest" and order["Format"] == "Csv" else ["type"]
    wrong += [] if {"TimePeriod", "Goal", "AllConversions"} <= set(order["Columns"]) else ["columns"]
    wrong += [] if all(isinstance(account, str) for account in order["Scope"]["AccountIds"]) else ["scope"]
    first, last = (order["Time"][f"CustomDateRange{end}"] for end in ("Start", "End"))
    days = [date(told["Year"], told["Month"], told["Day"]).isoformat() for told in (first, last)]
    return wrong + _range(*days, most=1_000) + ([] if order["Time"]["ReportTimeZone"].isalpha() else ["zone"])


def _range(first: str, last: str, *, most: int) -> list[str]:
    if not DAY.fullmatch(first) or not DAY.fullmatch(last):
        return ["days"]
    return [] if 0 <= (date.fromisoformat(last) - date.fromisoformat(first)).days < most else ["range"]


CHECKS: Mapping[str, Callable[[Wire], list[str]]] = {
    "awin": awin,
    "cj": cj,
    "ga4": ga4,
    "google_ads": google_ads,
    "impact": impact,
    "linkedin": linkedin,
    "meta": meta,
    "microsoft": microsoft,
    "pinterest": pinterest,
    "tiktok": tiktok,
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
    "linkedin": {"LINKEDIN_REPORTS_ACCESS_TOKEN": "linkedin-secret"},
    "meta": {"META_REPORTS_ACCESS_TOKEN": "meta-secret"},
    "microsoft": {
        "MICROSOFT_ADS_DEVELOPER_TOKEN": "developer-secret",
        "MICROSOFT_ADS_CLIENT_ID": "client",
        "MICROSOFT_ADS_CLIENT_SECRET": "client-secret",
        "MICROSOFT_ADS_REFRESH_TOKEN": "refresh-secret",
    },
    "pinterest": {"PINTEREST_REPORTS_ACCESS_TOKEN": "pinterest-secret"},
    "tiktok": {"TIKTOK_REPORTS_ACCESS_TOKEN": "tiktok-secret"},
}
