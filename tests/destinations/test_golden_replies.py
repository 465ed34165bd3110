"""What replies mean: `golden/*/replies/*.reply`, each a reply and, below `---`, a line per postback of its request.

A line is the reading, `on_request` where the request was judged as a whole, `credential` where another access token may
be taken, `wait=HOURSh` where a delay is documented, `receipt=...` where there is one, and the reason.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from postback_pipeline.destinations.base import Element, Reading, Reply, Verdict
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Kind
from tests.destinations.samples import GOLDEN, folder_changes, golden_destination_of, postback_of

#: What every vendor's folder shows, by the readings that come of it.
WANTED = {Reading.ACCEPTED, Reading.CONFIGURATION, Reading.RETRY, Reading.UNKNOWN}


def parsed(file: Path) -> tuple[Reply, list[str]]:
    """The reply of a file and its lines."""
    text, _, told = file.read_text(encoding="utf-8").partition("\n---\n")
    head, _, body = text.partition("\n\n")
    status, *headers = head.splitlines()
    named = dict(line.split(": ", 1) for line in headers)
    return Reply(int(status.removeprefix("HTTP ")), named, body.encode()), told.splitlines()


def as_line(verdict: Verdict) -> str:
    """A verdict as a line of such a file."""
    words = [verdict.reading.value]
    words += ["on_request"] * verdict.on_request
    words += ["credential"] * verdict.credential
    words += [f"wait={verdict.wait / timedelta(hours=1):g}h"] if verdict.wait is not None else []
    words += [f"receipt={verdict.receipt}"] if verdict.receipt else []
    return " ".join([*words, verdict.reason])


def elements(folder: Path, kind: Kind, count: int) -> list[Element]:
    """So many elements of one kind, about one order each."""
    destination = golden_destination_of(folder)
    changes = folder_changes(folder)
    found = []
    for number in range(1, count + 1):
        key = {"conversion_key": f"purchase:ORD-{number}", "transaction_id": f"ORD-{number}"}
        postback = postback_of(kind, **{**changes, **key})
        found.append(Element(postback.key, kind, destination.render(postback)))
    return found


def kind_of(file: Path) -> Kind:
    """Of the kind that its name begins with; of conversions else."""
    return next((kind for kind in Kind if file.stem.startswith(kind.value)), Kind.CONVERSION)


@pytest.mark.parametrize(
    "file", sorted(GOLDEN.glob("*/replies/*.reply")), ids=lambda file: f"{file.parts[-3]}-{file.stem}"
)
def test_each_reply_means_what_is_written_below_it(file: Path) -> None:
    folder = file.parents[1]
    reply, lines = parsed(file)
    verdicts = golden_destination_of(folder).read(reply, elements(folder, kind_of(file), len(lines)))
    assert [as_line(verdict) for verdict in verdicts] == lines


def test_every_vendor_shows_the_replies_that_matter(golden: Path) -> None:
    if not isinstance(golden_destination_of(golden), Vendor):
        return
    readings = {Reading(line.split()[0]) for file in golden.glob("replies/*.reply") for line in parsed(file)[1]}
    assert WANTED - readings == set()
