"""The lead-generation example does what its README says, on the rows that stand there, and what follows from them."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE
from tests.oracle.real_deployment import RealDeployment, at

EXAMPLE = Path(__file__).parents[2] / "examples" / "lead_generation"


def told(deployment: RealDeployment) -> list[tuple[Any, ...]]:
    return deployment.query(
        """
        select destination, conversion_key, desired_value, strftime(timezone('UTC', event_time), '%Y-%m-%d %H:%M')
        from outbox.postbacks order by all
        """
    )


@pytest.fixture
def example(tmp_path: Path, dbt: DbtProcess) -> RealDeployment:
    definitions = {file.stem: file.read_text(encoding="utf-8") for file in (EXAMPLE / "definitions").glob("*.csv")}
    example = RealDeployment(
        tmp_path, dbt, {"google": ADJUSTABLE, "affiliate": ADJUSTABLE}, definitions, zone="America/Sao_Paulo"
    )
    (text,) = re.findall(r"```csv\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    example.file("leads", "readme", list(csv.DictReader(text.splitlines())))
    url = "https://sell.example/?gclid=G&irclickid=I"
    example.file("clicks", "all", [{"click_id": "c-77", "clicked_at": "2018-01-31 20:00:00", "landing_url": url}])
    return example


def test_a_lead_is_told_when_it_qualified_and_again_a_month_after_it_was_won(example: RealDeployment) -> None:
    example.build(at("2018-02-06"))
    assert told(example) == [("google", "qualified_lead:L-1", 25, "2018-02-01 11:12")]
    example.accept_outbox(at("2018-02-06"))
    example.build(at("2018-02-20"))
    assert told(example) == [("affiliate", "qualified_lead:L-1", 25, "2018-02-01 11:12")]
    example.accept_outbox(at("2018-02-20"))
    example.build(at("2018-04-19"))
    assert told(example) == [
        ("affiliate", "deal_won:L-1", 400, "2018-03-19 19:40"),
        ("google", "deal_won:L-1", 400, "2018-03-19 19:40"),
    ]


def test_a_disqualification_is_nothing_within_the_fortnight_and_takes_back_what_was_told(
    example: RealDeployment,
) -> None:
    example.build(at("2018-02-06"))
    example.accept_outbox(at("2018-02-06"))
    away = {"lead_id": "L-1", "created_at": "2018-02-01 09:12:00", "status": "disqualified"}
    example.file("leads", "readme", [])
    example.file(
        "leads",
        "now",
        [
            {**away, "status": "qualified", "status_at": "2018-02-05 00:00:00", "click_id": "c-77"},
            {**away, "status_at": "2018-02-07 15:00:00"},
        ],
    )
    example.build(at("2018-02-08"))
    assert told(example) == [("google", "qualified_lead:L-1", 0, "2018-02-01 11:12")]
    example.accept_outbox(at("2018-02-08"))
    example.build(at("2018-03-08"))
    assert told(example) == []
    reasons = example.counts(
        "select destination, reason_code from marts.decisions where event_name = 'qualified_lead' order by 1"
    )
    assert reasons == {"affiliate": "disqualified", "google": "disqualified"}
