"""The exact request of every kind and case: configured in `golden/*/settings.toml`, written down beside it.

`python -m tests.destinations.write_golden FOLDER ...` writes them anew; what it changes is for a person to read.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Kind
from tests.destinations.samples import CASES, GOLDEN, golden_destination_of
from tests.destinations.write_golden import cases_of, request_text

#: What a vendor's folder must show beside the kinds that its receiver can be told.
OF_VENDORS = {"minimal", "unicode", "consent_denied"}


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/*.http")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_each_case_makes_exactly_the_golden_request(file: Path) -> None:
    assert request_text(file.parent, file.stem) == file.read_text(encoding="utf-8")


def test_every_folder_shows_what_its_receiver_can_be_told(golden: Path) -> None:
    destination = golden_destination_of(golden)
    written = {file.stem for file in golden.glob("*.http")}
    wanted = {kind.value for kind in Kind if destination.capabilities.adjusts(kind)}
    if isinstance(destination, Vendor):
        wanted |= OF_VENDORS | ({"batch"} if destination.capabilities.batch_rows > 1 else set())
    assert wanted - written == set()
    assert written - cases_of(destination) == set()


def test_every_case_is_written_down_somewhere() -> None:
    assert {file.stem for file in GOLDEN.glob("*/*.http")} == CASES.keys()


def test_every_registered_type_has_golden_requests() -> None:
    assert {golden_destination_of(folder).type for folder in GOLDEN.iterdir()} == DESTINATIONS.keys()
