"""Writes golden requests: `python -m tests.destinations.write_golden [FOLDER ...]`, all folders without a name.

Only requests: what replies mean is written by hand, from the vendor's documents.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from postback_pipeline.destinations.base import Destination, Request
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Kind
from tests.destinations.samples import CASES, GOLDEN, case_elements, golden_destination_of, secrets_of

SENT_AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def as_text(request: Request) -> str:
    """A request as a person would read it."""
    lines = [f"{request.method} {request.url}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\n".join([*lines, "", request.body.decode()]).rstrip("\n") + "\n"


def request_text(folder: Path, case: str) -> str:
    """The request of one case."""
    destination = golden_destination_of(folder)
    elements = case_elements(destination, folder, case)
    return as_text(destination.request(elements, secrets=secrets_of(destination), sent_at=SENT_AT))


def cases_of(destination: Destination) -> set[str]:
    """The cases that a receiver can be told."""
    can = destination.capabilities
    told = {name for name, (kinds, _) in CASES.items() if all(map(can.adjusts, kinds)) and len(kinds) <= can.batch_rows}
    return told if isinstance(destination, Vendor) else told - {"minimal", "unicode", "batch"}


def main(names: list[str]) -> None:
    """Writes the requests of the named folders."""
    for folder in [GOLDEN / name for name in names] or sorted(GOLDEN.iterdir()):
        destination = golden_destination_of(folder)
        # A type that its user describes shows the cases that its settings have something to say about.
        cases = (
            cases_of(destination) if isinstance(destination, Vendor) else {file.stem for file in folder.glob("*.http")}
        )
        for case in sorted(cases or {kind.value for kind in Kind if destination.capabilities.adjusts(kind)}):
            (folder / f"{case}.http").write_text(request_text(folder, case), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
