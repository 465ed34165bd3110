"""The comparison of a sandbox log with the oracle finds every kind of difference and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracle import compare_log
from tests.oracle.compare_log import Row, differences

EXPECTED = {
    "destination": "google",
    "order_id": "1",
    "click_id": "c",
    "identifier": "gclid",
    "identifier_value": "abc",
    "value": "9.90",
    "currency": "GBP",
    "event_time": "2010-07-01T11:00:00+00:00",
}


def line(receiver: str = "google", **query: str) -> Row:
    sent = {
        "transaction_id": "1",
        "kind": "conversion",
        "value": "9.90",
        "currency": "GBP",
        "gclid": "abc",
        "event_time": "2010-07-01T11:00:00Z",
    }
    return {"receiver": receiver, "query": sent | query}


def test_the_expected_requests_alone_are_no_difference() -> None:
    assert differences([EXPECTED, EXPECTED | {"destination": "meta"}], [line("meta"), line()]) == []


@pytest.mark.parametrize(
    ("received", "found"),
    [
        ([], "google order 1: received 0 times, expected once"),
        ([line(), line()], "google order 1: received 2 times, expected once"),
        ([line(), line("meta")], "meta order 1: received 1 times, expected never"),
        ([line(), line(transaction_id="2")], "google order 2: received 1 times, expected never"),
        ([line(value="9.91")], "google order 1: value is '9.91', expected 9.90"),
        ([line(value="NaN")], "google order 1: value is 'NaN', expected 9.90"),
        ([line(value="")], "google order 1: value is '', expected 9.90"),
        ([line(gclid="abd")], "google order 1: gclid is 'abd', expected abc"),
        ([line(currency="EUR")], "google order 1: currency is 'EUR', expected GBP"),
        ([line(kind="restatement")], "google order 1: kind is 'restatement', expected conversion"),
        (
            [line(event_time="2010-07-01T12:00:00Z")],
            "google order 1: event_time is '2010-07-01T12:00:00Z', expected 2010-07-01T11:00:00+00:00",
        ),
    ],
)
def test_every_difference_is_a_sentence(received: list[Row], found: str) -> None:
    assert differences([EXPECTED], received) == [found]


@pytest.mark.parametrize(("received", "status"), [([line()], 0), ([], 1)])
def test_the_program_fails_if_there_is_a_difference(tmp_path: Path, received: list[Row], status: int) -> None:
    (tmp_path / "expected.json").write_text(json.dumps({"expected": [EXPECTED]}), encoding="utf-8")
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in received), encoding="utf-8")
    command = [sys.executable, compare_log.__file__, str(tmp_path / "expected.json"), str(tmp_path / "log.jsonl")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout.splitlines()[-1]) == (
        status,
        f"1 requests expected, {status} differences.",
    )
