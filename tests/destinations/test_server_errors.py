"""A receiver's own trouble: nothing says whether it came before or after what was told had been taken.

Tried where a second message would count twice. What a vendor documents as its own error inside another status is a
golden reply `server_error*.reply`; whatever stands in its replies is tried with every status of a server's error, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from postback_pipeline.destinations.base import Reading, Reply
from postback_pipeline.destinations.vendor import Vendor
from tests.destinations.samples import GOLDEN, golden_destination_of
from tests.destinations.test_golden_replies import elements, kind_of, parsed

#: Those to whom the same may not be told twice.
FOLDERS = [
    folder
    for folder in sorted(GOLDEN.iterdir())
    if isinstance(destination := golden_destination_of(folder), Vendor) and not destination.capabilities.deduplicates
]
#: Folder -> the replies by which its vendor says that nothing was processed, with where it says so.
PROVEN: dict[str, Callable[[Reply], bool]] = {
    # 503, code 4197: "The endpoint has been ramped down"; openapi-v5.23.0.json of pinterest/api-description.
    "pinterest": lambda reply: reply.status == 503,
    # The sentence itself; ads-api.reddit.com/docs/v3, Post Conversion Events.
    "reddit": lambda reply: b"No conversion events were processed" in reply.body,
}


def is_proven(folder: Path, reply: Reply) -> bool:
    """Whether the vendor says that it took nothing."""
    return folder.name in PROVEN and PROVEN[folder.name](reply)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_what_a_server_s_error_says_beside_its_status_proves_nothing(folder: Path) -> None:
    destination = golden_destination_of(folder)
    for file in folder.glob("replies/*.reply"):
        told, lines = parsed(file)
        rows = elements(folder, kind_of(file), len(lines))
        for status in (500, 501, 502, 503, 504, 520, 599):
            reply = Reply(status, told.headers, told.body)
            readings = {verdict.reading for verdict in destination.read(reply, rows)}
            assert readings == {Reading.RETRY} if is_proven(folder, reply) else Reading.RETRY not in readings, file.name


@pytest.mark.parametrize(
    "file",
    [file for folder in FOLDERS for file in sorted(folder.glob("replies/server_error*.reply"))],
    ids=lambda file: f"{file.parts[-3]}-{file.stem}",
)
def test_a_server_s_error_inside_another_status_is_not_sent_again_by_itself(file: Path) -> None:
    told, lines = parsed(file)
    assert told.status < 500
    rows = elements(file.parents[1], kind_of(file), len(lines))
    readings = {verdict.reading for verdict in golden_destination_of(file.parents[1]).read(told, rows)}
    assert readings == {Reading.UNKNOWN}
