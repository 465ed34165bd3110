"""Replies of a vendor's own shape with something else in them: read without a fault, and nothing of them shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Destination, Reading, Reply
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Kind
from tests.destinations.samples import GOLDEN, golden_destination_of
from tests.destinations.test_golden_replies import elements, parsed

FOLDERS = [folder for folder in sorted(GOLDEN.iterdir()) if isinstance(golden_destination_of(folder), Vendor)]
PRIVATE = ("ada@example.com", "+4930123456")

leaves: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(
            None,
            True,
            False,
            0,
            1,
            -1,
            2,
            201,
            2**63 - 1,
            1e300,
            "",
            "x" * 999,
            "²",
            [],
            {},
            [None],
            [{}],
            [[]],
            {"a": 1},
        ),
        *PRIVATE,
    ]
)
statuses = st.sampled_from([200, 201, 202, 204, 206, 400, 401, 403, 404, 409, 413, 422, 426, 429, 500, 503])


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The value with other things in some of its places, or fewer of them."""
    if draw(st.integers(0, 7)) == 0:
        return draw(leaves)
    if isinstance(value, dict):
        return {name: draw(mutated(each)) for name, each in value.items() if draw(st.integers(0, 15))}
    if isinstance(value, list):
        return [draw(mutated(each)) for each in value if draw(st.integers(0, 15))]
    return value


def bodies_of(folder: Path) -> list[Any]:
    """What is JSON among the golden replies of a folder."""
    found = []
    for file in sorted(folder.glob("replies/*.reply")):
        body = parsed(file)[0].body
        if body.startswith((b"{", b"[")):
            found.append(orjson.loads(body))
    return found or [{"error": "x"}]


def requests_of(destination: Destination, folder: Path) -> list[Any]:
    """Elements of one and of two rows, of every kind that it is told."""
    counts = (1, 2)[: destination.capabilities.batch_rows]
    kinds = [kind for kind in Kind if destination.capabilities.adjusts(kind)]
    return [elements(folder, kind, count) for kind in kinds for count in counts]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_whatever_stands_in_a_reply_each_row_gets_a_verdict_of_our_own_words(folder: Path) -> None:
    destination, known = golden_destination_of(folder), bodies_of(folder)
    requests = requests_of(destination, folder)

    @given(data=st.data(), status=statuses)
    @settings(deadline=None, max_examples=60)
    def reads(data: st.DataObject, status: int) -> None:
        rows = data.draw(st.sampled_from(requests))
        reply = Reply(status, {}, orjson.dumps(data.draw(st.sampled_from(known).flatmap(mutated))))
        verdicts = destination.read(reply, rows)
        assert len(verdicts) == len(rows)
        for verdict in verdicts:
            assert 0 < len(verdict.reason) <= 60
            assert not any(word in verdict.reason for word in PRIVATE)
            assert len(verdict.receipt) <= 200
            # Only what was refused can be somebody else's fault.
            assert verdict.reading is Reading.REJECTED or not verdict.on_request
            # Pinterest's 422 lists events that it processed beside those that it did not.
            assert (
                verdict.reading is not Reading.ACCEPTED or status < 300 or (folder.name, status) == ("pinterest", 422)
            )
        if destination.capabilities.judges_later:
            later = destination.read_inquiry(reply, len(rows))
            assert later is None or 0 < len(later.reason) <= 60

    reads()
