"""`Retry-After` in every form, and in forms that are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.delivery.retry_after import CEILING, parse_retry_after
from postback_pipeline.delivery.transport_reply import Headers

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1", 1),
        (" 120 ", 120),
        ("0007", 7),
        ("3600", 3600),
        ("1000000000", CEILING.total_seconds()),
        ("1.5", 1.5),
        ("2.", 2),
        ("9" * 400, CEILING.total_seconds()),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sunday, 01-Mar-26 12:00:30 GMT", 30),
        ("Sun Mar  1 12:00:30 2026", 30),
        ("Sun, 01 Mar 2026 14:00:30 +0200", 30),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2076 12:00:00 GMT", CEILING.total_seconds()),
    ],
)
def test_seconds_and_all_forms_of_dates_are_instants(text: str, seconds: float) -> None:
    assert parse_retry_after({"Retry-After": text}, NOW) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        ".5",
        "1.5.2",
        "1e3",
        "NaN",
        "inf",
        "abc",
        "١٢",
        "12 s",
        "0x10",
        "Sun, 99 Mar 2026 12:00:30 GMT",
        "12:00",
    ],
)
def test_what_is_neither_is_no_instant(text: str) -> None:
    assert parse_retry_after({"Retry-After": text}, NOW) is None


def test_no_header_is_no_instant() -> None:
    assert parse_retry_after({"Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, NOW) is None


@pytest.mark.parametrize("skew_hours", [-1, 0, 1, 24 * 365])
def test_a_receivers_wrong_clock_does_not_matter(skew_hours: int) -> None:
    theirs = NOW + timedelta(hours=skew_hours)
    headers = {
        "Date": theirs.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "Retry-After": (theirs + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    assert parse_retry_after(headers, NOW) == NOW + timedelta(seconds=90)


def test_the_header_is_found_in_any_case() -> None:
    assert parse_retry_after(Headers([(b"retry-after", b"5")]), NOW) == NOW + timedelta(seconds=5)


@given(retry=st.text(max_size=60), date=st.text(max_size=60))
def test_no_text_breaks_it_and_no_instant_is_out_of_range(retry: str, date: str) -> None:
    found = parse_retry_after({"Retry-After": retry, "Date": date}, NOW)
    assert found is None or NOW <= found <= NOW + CEILING
