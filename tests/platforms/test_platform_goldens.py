"""Each platform's conversation, as it was recorded: what is asked, and what is made of the replies."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from postback_pipeline.platforms import PLATFORMS
from postback_pipeline.platforms.base import PullError
from tests.platforms.contract_checks import CHECKS, SECRETS
from tests.platforms.golden_exchanges import (
    GOLDEN,
    ask_of,
    converse,
    diagnostics_text,
    golden,
    rows_text,
)

NAMES = sorted(folder.name for folder in GOLDEN.iterdir())


def test_every_platform_is_recorded_and_checked() -> None:
    assert set(NAMES) == PLATFORMS.keys() == CHECKS.keys() == SECRETS.keys()
    assert {name: kind.name for name, kind in PLATFORMS.items()} == {name: name for name in PLATFORMS}


@pytest.mark.parametrize("name", NAMES)
def test_the_conversation_is_the_golden_one(name: str) -> None:
    found = golden(name)
    asks, report = converse(found)
    assert [ask_of(ask) for ask in asks] == [exchange["ask"] for exchange in found.exchanges]
    assert rows_text(report) == (GOLDEN / name / "rows.csv").read_text(encoding="utf-8")
    assert diagnostics_text(report) == (GOLDEN / name / "diagnostics.csv").read_text(encoding="utf-8")
    assert report.rows
    assert all(found.days.first <= row.day <= found.days.last for row in report.rows)
    assert found.events[0] in {row.event for row in report.rows}


@pytest.mark.parametrize("name", NAMES)
def test_its_account_and_its_words_are_as_it_says(name: str) -> None:
    kind = PLATFORMS[name]
    assert kind.documentation.startswith("https://")
    fields = kind.options_type.model_fields
    assert [field for field in fields if not fields[field].description and field != "allow_http"] == []
    assert kind.event.endswith(".")
    assert all(":" in fact for fact in kind.unverified)


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        return [path, *(leaf for key, each in inner for leaf in _leaves(each, (*path, key)))]
    return [path]


def _with(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    changed = copy.copy(value)
    changed[path[0]] = _with(value[path[0]], path[1:], other)
    return changed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", [None, [], {"strange": 1}, "strange", True, -(10**30), float("nan")], ids=repr)
def test_a_reply_of_another_shape_is_a_sentence_or_read_as_what_it_says(name: str, other: Any) -> None:
    found = golden(name)
    for number, exchange in enumerate(found.exchanges):
        for path in _leaves(exchange["reply"]):
            changed = _changed(number, path, other)
            try:
                _, report = converse(found, changed)
            except PullError as error:
                assert str(error).endswith(".")
            except AssertionError:
                # It asks for a page that was never recorded: it took the strange value for a page's.
                continue
            else:
                assert all(row.conversions.is_finite() and row.event for row in report.rows)


def _changed(number: int, path: tuple[Any, ...], other: Any) -> Callable[[int, dict[str, Any]], dict[str, Any]]:
    def change(now: int, exchange: dict[str, Any]) -> dict[str, Any]:
        return {**exchange, "reply": _with(exchange["reply"], path, other)} if now == number else exchange

    return change
