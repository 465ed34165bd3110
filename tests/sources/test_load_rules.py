"""A row that does not fit goes to quarantine with a sentence; the others are loaded."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest


def test_a_row_that_does_not_fit_is_told_by_file_number_reason_and_content(shop: Any, order: dict[str, Any]) -> None:
    rows = [order, order | {"order_id": "", "amount": "x", "email": "a@b.example"}, order | {"order_id": "3"}]
    shop.write_rows("orders/2024/a.csv", [{"email": "", **row} for row in rows])
    load = shop.load()
    assert (load.rows, load.loaded, load.quarantined) == (3, 2, 1)
    entry = shop.select("select entity, source, file, row_number, reason, row, loaded_at from raw.quarantine")[0]
    assert entry[:5] == (
        "orders",
        "shop",
        "orders/2024/a.csv",
        2,
        "order_id is missing. amount is not a decimal number such as 1234.50.",
    )
    assert json.loads(entry[5]) == {
        "email": "a@b.example",
        "ordered_at": "2024-05-31T18:03:00+02:00",
        "status": "paid",
        "amount": "x",
        "currency": "EUR",
    }
    assert entry[6] == datetime(2024, 6, 1, 12, tzinfo=UTC)
    assert shop.values("_row_number") == [1, 3]


@pytest.mark.parametrize("column", ["order_id", "ordered_at", "status", "amount", "currency"])
def test_a_required_value_that_is_empty_is_missing(shop: Any, column: str) -> None:
    assert shop.judge(column, ["", "  ", "\t", None]) == [(None, f"{column} is missing.")] * 4


def test_times_with_a_zone_become_utc(shop: Any) -> None:
    moments = {
        "2024-05-31T18:03:00+02:00": datetime(2024, 5, 31, 16, 3, tzinfo=UTC),
        "2024-05-31T18:03:00Z": datetime(2024, 5, 31, 18, 3, tzinfo=UTC),
        "2024-05-31 18:03Z": datetime(2024, 5, 31, 18, 3, tzinfo=UTC),
        "2024-05-31 18:03:00.123456 +0530": datetime(2024, 5, 31, 12, 33, 0, 123456, tzinfo=UTC),
        "2024-05-31 18:03:00 UTC": datetime(2024, 5, 31, 18, 3, tzinfo=UTC),
        "2024-05-31T18:03:00-09": datetime(2024, 6, 1, 3, 3, tzinfo=UTC),
        "1970-01-01T00:00:00Z": datetime(1970, 1, 1, tzinfo=UTC),
        "2100-12-31T23:59:59Z": datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC),
    }
    judged = shop.judge("ordered_at", list(moments), time_zone="Asia/Tokyo")
    assert dict(zip(moments, judged, strict=True)) == {text: (moment, None) for text, moment in moments.items()}


@pytest.mark.parametrize("column", ["ordered_at", "updated_at"])
def test_times_that_cannot_be_meant_do_not_fit(shop: Any, column: str) -> None:
    unreadable = f"{column} is not a time such as 2024-05-31T18:03:00+02:00."
    naive = f"{column} carries no time zone, and its source declares none (time_zone)."
    distant = f"{column} lies outside the years 1970 to 2100."
    reasons = {
        "yesterday": unreadable,
        "2024-02-30T10:00:00Z": unreadable,
        "2024-05-31T24:00:00Z": unreadable,
        "2024-05-31T18:03:60Z": unreadable,
        "2024-05-31T18:03:00+26:00": unreadable,
        "31/05/2024 18:03": unreadable,
        "1717171717": unreadable,
        "infinity": unreadable,
        "2024-05-31 18:03:00 Europe/London": unreadable,
        "2024-05-31T18:03:00": naive,
        "2024-05-31": naive,
        "1969-12-31T23:59:59Z": distant,
        "2101-01-01T00:00:00Z": distant,
        "9999-12-31T23:59:59Z": distant,
    }
    good = "2024-05-31T18:03:00Z"
    *judged, (_, fits) = shop.judge(column, [*reasons, good])
    assert dict(zip(reasons, judged, strict=True)) == {text: (None, reason) for text, reason in reasons.items()}
    assert fits is None


def test_a_date_alone_is_its_first_instant_in_the_declared_zone_also_where_midnight_is_skipped(shop: Any) -> None:
    days = {
        "2017-10-14": datetime(2017, 10, 14, 3, tzinfo=UTC),
        "2017-10-15": datetime(2017, 10, 15, 3, tzinfo=UTC),
        "2017-10-16": datetime(2017, 10, 16, 2, tzinfo=UTC),
    }
    judged = shop.judge("ordered_at", list(days), time_zone="America/Sao_Paulo")
    assert dict(zip(days, judged, strict=True)) == {text: (moment, None) for text, moment in days.items()}


def test_amounts_are_exact_decimals(shop: Any) -> None:
    amounts = {
        "10": "10",
        "0": "0",
        "-0.0": "0",
        ".5": "0.5",
        "+7.25": "7.25",
        "1e2": "100",
        "12345678901234.1234": "12345678901234.1234",
        "0.30000000000000004": "0.3",
        "22.499999999999996": "22.5",
        "19.9900000001": "19.99",
    }
    judged = shop.judge("amount", list(amounts))
    expected = {text: (Decimal(amount), None) for text, amount in amounts.items()}
    assert dict(zip(amounts, judged, strict=True)) == expected


def test_amounts_that_cannot_be_meant_do_not_fit(shop: Any) -> None:
    unreadable = "amount is not a decimal number such as 1234.50."
    texts = ("1,50", "1,234.50", "1_000", " 10", "€10", "NaN", "inf", "1e309", "1e5000", "100000000000000", "0x10")
    reasons = dict.fromkeys(texts, unreadable) | {
        "1.00001": "amount has more than four decimals.",
        "-0.01": "amount is negative.",
    }
    judged = shop.judge("amount", list(reasons))
    assert dict(zip(reasons, judged, strict=True)) == {text: (None, reason) for text, reason in reasons.items()}


def test_rates_are_kept_to_twelve_decimals_and_lie_above_zero(shop: Any) -> None:
    rates = {
        "1": "1",
        "1.0842": "1.0842",
        "0.006512345678": "0.006512345678",
        "8.5e-05": "0.000085",
        "0.3333333333333333": "0.333333333333",
        "1234567890123456.5": "1234567890123456.5",
    }
    unreadable = "rate_to_base is not a rate such as 1.0842."
    wrong = {
        "0": "rate_to_base is not above zero.",
        "-1.1": "rate_to_base is not above zero.",
        "1e-13": "rate_to_base is not above zero.",
        "1,08": unreadable,
        "NaN": unreadable,
        "12345678901234567": unreadable,
        "": "rate_to_base is missing.",
    }
    day = {"date": "2024-05-31", "currency": "usd"}
    shop.write_rows("fx_rates/a.jsonl", [day | {"rate_to_base": rate} for rate in (*rates, *wrong)])
    shop.load("fx_rates")
    assert shop.values("rate_to_base", "fx_rates") == [Decimal(rate) for rate in rates.values()]
    assert shop.select("select distinct currency from raw.fx_rates") == [("USD",)]
    assert shop.reasons("fx_rates") == list(wrong.values())


def test_a_rate_may_come_as_a_number(shop: Any) -> None:
    day = {"date": date(2024, 5, 31), "currency": "JPY"}
    shop.write_rows("fx_rates/a.parquet", [day | {"rate_to_base": 0.0058}, day | {"rate_to_base": 0.1 + 0.2}])
    shop.load("fx_rates")
    assert shop.values("rate_to_base", "fx_rates") == [Decimal("0.0058"), Decimal("0.3")]


def test_currencies_are_stored_in_capitals_and_known(shop: Any) -> None:
    unknown = (None, "currency is not a currency code of ISO 4217.")
    judged = shop.judge("currency", ["EUR", "jpy", "Kwd", "EURO", "€", "XYZ", " EUR", "XXX"])
    assert judged == [("EUR", None), ("JPY", None), ("KWD", None)] + [unknown] * 5


def test_a_cost_without_its_currency_does_not_fit(shop: Any, click: dict[str, Any]) -> None:
    rows = [
        click | {"cost": "0.30", "cost_currency": "EUR"},
        click | {"cost": "0.30", "cost_currency": ""},
        click | {"cost": "", "cost_currency": ""},
    ]
    shop.write_rows("clicks/a.csv", rows)
    shop.load("clicks")
    assert shop.values("cost", "clicks") == [Decimal("0.3"), None]
    assert shop.reasons("clicks") == ["cost is given without cost_currency."]


def test_a_value_outside_a_closed_list_does_not_fit(shop: Any) -> None:
    unknown = (None, "status is none of pending, paid, shipped, completed, cancelled, failed, fraud.")
    assert shop.judge("status", ["fraud", "PAID", "refunded", " paid"]) == [("fraud", None)] + [unknown] * 3


@pytest.mark.parametrize(
    ("entity", "column"),
    [
        ("refunds", "kind"),
        ("leads", "status"),
        ("subscription_events", "event"),
        ("app_events", "platform"),
        ("consents", "subject_type"),
        ("consents", "purpose"),
        ("consents", "state"),
    ],
)
def test_the_other_closed_lists_are_closed(shop: Any, refund: dict[str, Any], entity: str, column: str) -> None:
    consent = {
        "subject_type": "session",
        "subject_id": "s1",
        "purpose": "ad_user_data",
        "state": "denied",
        "recorded_at": "2024-05-31T00:00:00Z",
    }
    event = {"event_id": "e1", "occurred_at": "2024-05-31T00:00:00Z"}
    moments = dict.fromkeys(("created_at", "status_at"), "2024-05-31T00:00:00Z")
    good = {
        "refunds": refund,
        "consents": consent,
        "leads": {"lead_id": "l1", "status": "new", **moments},
        "subscription_events": event | {"subscription_id": "s1", "event": "renewal"},
        "app_events": event | {"event": "af_purchase", "platform": "ios"},
    }[entity]
    shop.write_rows(f"{entity}/a.csv", [good, good | {column: "other"}])
    assert shop.load(entity).loaded == 1
    assert shop.reasons(entity)[0].startswith(f"{column} is none of ")


def test_booleans_are_read(shop: Any) -> None:
    values = {"true": True, "False": False, "1": True, "0": False, "T": True, "no": False, "": None}
    judged = shop.judge("is_test", [*values, "maybe"])
    assert judged == [(value, None) for value in values.values()] + [(None, "is_test is not true or false.")]


@pytest.mark.parametrize("column", ["order_id", "session_id", "gclid"])
def test_keys_hold_no_control_characters(shop: Any, column: str) -> None:
    judged = shop.judge(column, [f"a{character}b" for character in ("\x00", "\n", "\r", "\x7f", "é ")])
    assert judged == [(None, f"{column} holds a control character.")] * 4 + [("aé b", None)]


def test_placeholder_ids_are_nobody(shop: Any, order: dict[str, Any]) -> None:
    ids = {"session_id": "0", "user_id": "guest", "cart_id": "c", "email": "guest", "click_id": "0"}
    more = {"phone": "0", "device_id": "guest"}
    shop.write_rows("orders/a.csv", [order | ids | more])
    shop.load(placeholder_ids=("guest", "0"))
    assert shop.select("select session_id, user_id, cart_id, email, click_id, phone, device_id from raw.orders") == [
        (None, None, "c", None, "0", None, None)
    ]


@pytest.mark.parametrize(
    ("sign", "text", "amount"),
    [("positive", "10", "10"), ("positive", "0", "0"), ("negative", "-10", "10"), ("negative", "0", "0")],
)
def test_refunds_are_stored_as_what_was_given_back(
    shop: Any, refund: dict[str, Any], sign: str, text: str, amount: str
) -> None:
    shop.write_rows("refunds/a.csv", [refund | {"amount": text}])
    shop.load("refunds", refund_sign=sign)
    assert shop.values("amount", "refunds") == [Decimal(amount)]


@pytest.mark.parametrize(("sign", "text"), [("positive", "-10"), ("negative", "10")])
def test_a_refund_of_the_other_sign_does_not_fit(shop: Any, refund: dict[str, Any], sign: str, text: str) -> None:
    shop.write_rows("refunds/a.csv", [refund | {"amount": text}])
    shop.load("refunds", refund_sign=sign)
    assert shop.reasons("refunds") == [f"amount has another sign than its source declares (refund_sign = {sign})."]


def test_a_refund_without_its_order_does_not_fit(shop: Any, refund: dict[str, Any]) -> None:
    shop.write_rows("refunds/a.csv", [refund, refund | {"refund_id": "R2", "order_id": ""}])
    shop.load("refunds")
    assert shop.reasons("refunds") == ["order_id is missing."]


def test_reports_have_dates_and_decimal_counts(shop: Any) -> None:
    report = {"date": "2024-05-31", "destination": "google_ads", "event": "purchase", "conversions": "12.5"}
    rows = [
        report,
        report | {"date": "2024-05-31 00:00:00"},
        report | {"date": "2024-05-31 10:00:00"},
        report | {"date": "2024-02-30"},
        report | {"date": "1969-12-31"},
    ]
    shop.write_rows("platform_reports/a.csv", rows)
    shop.load("platform_reports")
    assert shop.values("date", "platform_reports") == [date(2024, 5, 31)] * 2
    assert shop.values("conversions", "platform_reports") == [Decimal("12.5")] * 2
    assert shop.reasons("platform_reports") == [
        "date is not a date such as 2024-05-31.",
        "date is not a date such as 2024-05-31.",
        "date lies outside the years 1970 to 2100.",
    ]


def test_pixel_events_are_loaded(shop: Any) -> None:
    event = {"event_id": "px-1", "event": "purchase", "occurred_at": "2024-05-31T16:03:00Z", "order_id": "1001"}
    shop.write_rows("pixel_events/a.jsonl", [event | {"value": 10.5, "currency": "EUR"}])
    shop.load("pixel_events")
    assert shop.select("select event_id, value, currency, destination from raw.pixel_events") == [
        ("px-1", Decimal("10.5"), "EUR", None)
    ]
