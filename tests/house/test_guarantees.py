"""`docs/guarantees.md` names tests that exist, and every test that is named after a row of the failure matrix."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
#: Rows that this page answers for.
ROWS = {*range(1, 23), 27, 28, *range(36, 43)}

_ROW = re.compile(r"^\| (\d+) \|.*$", re.MULTILINE)
_FILE = re.compile(r"`(tests/[a-z_/]+\.py)`: ((?:`\w+`(?:, )?)+)")


def named() -> dict[int, set[tuple[str, str]]]:
    """Row -> (file, test) in its line of the table."""
    return {
        int(line[1]): {(file, test) for file, tests in _FILE.findall(line[0]) for test in re.findall(r"\w+", tests)}
        for line in _ROW.finditer(PAGE)
    }


def functions(file: Path) -> set[str]:
    """Names of all functions in a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def written() -> Iterator[tuple[int, tuple[str, str]]]:
    """Row and (file, test) of every test whose name says which row it is about; it may be about several."""
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in functions(file):
            if name.startswith("test_row_"):
                for row in re.findall(r"row_(\d\d)", name):
                    yield int(row), (str(file.relative_to(ROOT)), name)


def test_every_row_is_answered_for_once() -> None:
    rows = [int(line[1]) for line in _ROW.finditer(PAGE)]
    assert rows == sorted(ROWS)
    assert [row for row, tests in named().items() if not tests] == []


def test_the_page_names_every_test_of_each_row() -> None:
    on_page = named()
    assert [(row, *test) for row, test in written() if test not in on_page.get(row, set())] == []


def test_every_test_that_the_page_names_exists() -> None:
    tests = {test for row in named().values() for test in row}
    defined = {file: functions(ROOT / file) for file, _ in tests if (ROOT / file).is_file()}
    assert sorted(test for test in tests if test[1] not in defined.get(test[0], set())) == []
