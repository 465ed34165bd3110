"""The diff that CONTRIBUTING.md shows is of files that are there: each line it adds stands in the file it names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]


def shown() -> Iterator[tuple[str, str]]:
    """(file, line) of what is added to files of the checkout."""
    file = ""
    for line in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            file = ""
        elif line.startswith("+++ b/"):
            file = line.removeprefix("+++ b/")
        elif line.startswith("+") and file:
            yield file, line[1:]


def test_what_the_diff_adds_stands_in_the_files() -> None:
    lines = list(shown())
    assert len({file for file, _ in lines}) == 6
    gone = [(file, line) for file, line in lines if line not in (ROOT / file).read_text(encoding="utf-8").splitlines()]
    assert gone == []
