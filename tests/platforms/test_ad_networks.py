"""What is particular to TikTok, Pinterest, LinkedIn and Microsoft: how they fail, and reports that must be ordered."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Reply
from postback_pipeline.platforms.base import PullError
from postback_pipeline.platforms.days import Days
from postback_pipeline.platforms.microsoft import BETWEEN_POLLS, MOST_POLLS, ZONES
from postback_pipeline.platforms.microsoft_tables import rows_of
from tests.platforms.contract_checks import SECRETS
from tests.platforms.golden_exchanges import body_of, golden
from tests.platforms.vendor_server import Answer

Make = Callable[[str], Any]
HEADER = "TimePeriod,GoalId,Goal,AllConversions,AllRevenue\n"
PENDING = {"ReportRequestStatus": {"Status": "Pending", "ReportDownloadUrl": None}}


@pytest.mark.parametrize(
    ("receiver_event", "expected"),
    [
        ("tiktok CompletePayment", "complete_payment"),
        ("tiktok Quote", "Quote"),
        ("pinterest checkout", "TOTAL_CHECKOUT"),
        ("pinterest quote", "quote"),
        ("linkedin 104012", "104012"),
        ("microsoft Purchase", "Purchase"),
    ],
)
def test_an_event_is_called_what_the_report_calls_it(receiver_event: str, expected: str) -> None:
    name, _, event = receiver_event.partition(" ")
    assert golden(name).platform().event_of(event) == expected


@pytest.mark.parametrize(
    ("name", "status", "body", "says"),
    [
        ("tiktok", 200, b'{"code": 40105, "message": "tiktok-secret"}', r"refuses the credentials \(TikTok code 40105"),
        ("tiktok", 200, b'{"code": 40002, "message": "jane@example.com"}', r"It answered TikTok code 40002\.$"),
        ("tiktok", 200, b'{"code": 40100}', r"It answered TikTok code 40100 after 5 attempts\.$"),
        ("tiktok", 200, b'{"code": 51010}', r"It answered TikTok code 51010 after 5 attempts\.$"),
        ("tiktok", 200, b'{"code": true}', "is no list of objects"),
        ("pinterest", 403, b'{"code": 29, "message": "jane@example.com"}', r"refuses the credentials \(HTTP 403\)"),
        ("pinterest", 401, b'{"code": 2, "message": "pinterest-secret"}', r"refuses the credentials \(HTTP 401\)"),
        ("linkedin", 429, b'{"message": "jane@example.com"}', r"It answered HTTP 429 after 5 attempts\.$"),
        (
            "microsoft",
            400,
            b'{"Errors": [{"Code": 105, "ErrorCode": "InvalidCredentials", "Message": "developer-secret"}]}',
            r"refuses the credentials \(InvalidCredentials\)",
        ),
        ("microsoft", 400, b'{"OperationErrors": [{"ErrorCode": "NullRequest"}]}', r"It answered NullRequest\.$"),
        (
            "microsoft",
            400,
            b'{"BatchErrors": [{"ErrorCode": "CallRateExceeded"}]}',
            r"It answered CallRateExceeded after 5 attempts\.$",
        ),
        ("microsoft", 500, b'{"Errors": true}', r"It answered HTTP 500 after 5 attempts\.$"),
    ],
)
def test_a_failure_is_a_sentence_of_its_own_code_alone(
    pulling: Make, name: str, status: int, body: bytes, says: str
) -> None:
    shop = pulling(name)
    shop.vendor.instead = {number: Answer(status, body=body) for number in range(9)}
    with pytest.raises(PullError, match=says) as caught:
        shop.pull()
    assert [word for word in (*SECRETS[name].values(), "jane", "127.0.0.1") if word in repr(caught.value)] == []
    assert shop.files() == []


def test_a_metric_that_can_be_none_is_not_asked_for(pulling: Make) -> None:
    shop = pulling("tiktok")
    shop.more["events"] = {"purchase": "Quote & more"}
    with pytest.raises(PullError, match="Quote & more is no metric of TikTok's: name the one that counts it"):
        shop.pull()
    assert shop.vendor.received == []


@pytest.mark.parametrize(
    ("name", "longest", "asks"), [("tiktok", 30, 3), ("pinterest", 90, 1), ("linkedin", 30, 3), ("microsoft", 65, 1)]
)
def test_no_request_is_for_more_days_than_the_platform_tells_at_once(name: str, longest: int, asks: int) -> None:
    found = golden(name)
    days = Days(date(2026, 1, 1), date(2026, 3, 6), ZoneInfo("Europe/Berlin"))
    platform = found.platform()
    pages = {
        "tiktok": b'{"code": 0, "data": {"list": [], "page_info": {"total_page": 0}}}',
        "pinterest": b"[]",
        "linkedin": b'{"elements": []}',
        "microsoft": b'{"ReportRequestStatus": {"Status": "Success"}}',
    }
    conversation = platform.conversation(found.account, days, found.events)
    next(conversation)
    reply = body_of(found.exchanges[0]["reply"])
    count = 0
    while True:
        try:
            conversation.send(Reply(200, {}, reply))
        except StopIteration:
            break
        reply, count = pages[name], count + 1
    assert count == asks


def test_days_of_other_clocks_are_refused_where_days_are_those_of_utc(pulling: Make) -> None:
    shop = pulling("pinterest")
    shop.destination["report_time_zone"] = "Europe/Berlin"
    with pytest.raises(PullError, match="It reports days of UTC, the destination's report_time_zone is Europe/Berlin"):
        shop.pull()


def test_an_advertiser_that_is_not_known_is_no_advertiser_without_conversions(pulling: Make) -> None:
    shop = pulling("tiktok")
    shop.vendor.tell(0, data={"list": []})
    with pytest.raises(PullError, match="It does not know this advertiser"):
        shop.pull()


def test_a_report_is_waited_for(pulling: Make) -> None:
    shop = pulling("microsoft")
    shop.vendor.instead = {number: Answer(200, body=body_of(PENDING)) for number in (1, 2, 3)}
    found = shop.pull()
    assert shop.slept == [BETWEEN_POLLS] * 4
    assert found.told[min(found.told)].value == Decimal("1149.9000")
    assert found.not_ours == {"Newsletter, spring": Decimal(12)}


def test_a_report_that_is_never_made_is_given_up(pulling: Make) -> None:
    shop = pulling("microsoft")
    shop.vendor.instead = {number: Answer(200, body=body_of(PENDING)) for number in range(1, 100)}
    with pytest.raises(PullError, match=r"was not made within 900 seconds\.$"):
        shop.pull()
    assert len(shop.vendor.received) == MOST_POLLS + 1


def test_a_report_that_cannot_be_made_is_told(pulling: Make) -> None:
    shop = pulling("microsoft")
    shop.vendor.tell(1, ReportRequestStatus={"Status": "Error", "ReportDownloadUrl": None})
    with pytest.raises(PullError, match=r"It could not make the report\.$"):
        shop.pull()


def test_days_without_conversions_are_days_of_zero_though_there_is_no_file(pulling: Make) -> None:
    shop = pulling("microsoft")
    shop.vendor.tell(1, ReportRequestStatus={"Status": "Success", "ReportDownloadUrl": None})
    assert [(numbers.conversions, numbers.value) for numbers in shop.pull().told.values()] == [(0, 0)] * 3


def test_a_file_is_fetched_from_no_address_that_a_test_must_not_ask(pulling: Make) -> None:
    shop = pulling("microsoft")
    told = {"Status": "Success", "ReportDownloadUrl": "https://files.example/report.zip"}
    shop.vendor.tell(1, ReportRequestStatus=told)
    with pytest.raises(PullError, match=r"It names an address that must not be asked\.$"):
        shop.pull()


def test_clocks_that_microsoft_has_not_are_told() -> None:
    found = golden("microsoft")
    days = Days(date(2026, 6, 1), date(2026, 6, 2), ZoneInfo("Asia/Kathmandu"))
    with pytest.raises(PullError, match="not known to report days of Asia/Kathmandu"):
        next(found.platform().conversation(found.account, days, found.events))
    assert all(ZoneInfo(zone).key == zone for zone in ZONES.values())


def zipped(*tables: str | bytes) -> bytes:
    """Tables, in one file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, table in enumerate(tables):
            archive.writestr(f"{number}.csv", table)
    return written.getvalue()


def test_days_are_read_in_both_spellings() -> None:
    table = HEADER + '2026-03-01,1,Purchase,"1,234",10\n3/2/2026,1,Purchase,0.5,"1,000.25"\n'
    assert [(row.day.day, row.conversions, row.value) for row in rows_of(zipped(table), "EUR")] == [
        (1, 1234, 10),
        (2, Decimal("0.5"), Decimal("1000.25")),
    ]


@pytest.mark.parametrize(
    ("file", "says"),
    [
        (b"<html>", "no zipped table"),
        (zipped(), "no zipped table"),
        (zipped(HEADER, HEADER), "no zipped table"),
        (zipped(b"\xff\xfe"), "no zipped table"),
        (zipped("TimePeriod,GoalId,Goal,AllConversions\n"), "no column AllRevenue"),
        (zipped(""), "no column TimePeriod"),
        (zipped(HEADER + "2026-13-01,1,Purchase,1,1\n"), "TimePeriod is no day"),
        (zipped(HEADER + "2026-03-01,1,Purchase,many,1\n"), "AllConversions is no number"),
        (zipped(HEADER + '2026-03-01,1,Purchase,"12,50",1\n'), "AllConversions is no number"),
        (zipped(HEADER + '2026-03-01,1,Purchase,1,"1.234,50"\n'), "AllRevenue is no number"),
        (zipped(HEADER + "2026-03-01,1,Purchase\n"), "AllConversions is no text"),
        (zipped(HEADER + '2026-03-01,1,"Purchase"x,1,1\n'), "no table"),
        (zipped(HEADER + " " * (65 << 20)), "longer than"),
    ],
)
def test_another_file_is_a_sentence(file: bytes, says: str) -> None:
    with pytest.raises(PullError, match=says):
        rows_of(file, "EUR")


@given(damage=st.integers(0, 10_000), byte=st.integers(0, 255))
def test_a_damaged_file_is_a_sentence_or_read_as_what_it_says(damage: int, byte: int) -> None:
    file = bytearray(zipped(HEADER + "2026-03-01,1,Purchase,1,1\n"))
    file[damage % len(file)] = byte
    try:
        rows = rows_of(bytes(file), "EUR")
    except PullError as error:
        assert str(error).endswith(".")
    else:
        assert all(row.conversions.is_finite() for row in rows)
