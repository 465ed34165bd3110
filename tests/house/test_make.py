"""What a person meets first: `make setup` without a Python, `.ci/run`'s verdict, targets that the pages name."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command as a person would, not as a part of the make that runs the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.* ## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_setup_without_a_suitable_python_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "dbt_project").mkdir()
    result = run("make", "setup", "PYTHON=false", cwd=tmp_path)
    assert result.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 with its venv module is needed, and none of these is one: false." in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_make_alone_lists_every_target() -> None:
    result = run("make", cwd=ROOT)
    assert set(re.findall(r"^  make (\w+)", result.stdout, flags=re.MULTILINE)) == targets()


@pytest.mark.parametrize(
    ("test", "check", "expected"), [("true", "true", 0), ("false", "true", 1), ("true", "false", 1)]
)
def test_ci_passes_only_if_both_halves_do(tmp_path: Path, test: str, check: str, expected: int) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", tmp_path / ".ci")
    (tmp_path / "Makefile").write_text(f"test:\n\t{test}\ncheck:\n\t{check}\n", encoding="utf-8")
    result = run("bash", ".ci/run", cwd=tmp_path)
    assert result.returncode == expected
    assert result.stdout.count("FAILED") == expected
    assert ("== make check: passed" in result.stdout) == (check == "true")


def test_a_page_names_only_targets_that_exist() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in [*PAGES, ROOT / ".github/workflows/ci.yml"])
    assert set(re.findall(r"(?:`|run: )make ([a-z]+)", text)) <= targets()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_files_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = "postback_pipeline|dbt_project|definitions|tests|docs|examples|benchmarks|requirements"
    named = [ROOT / name for name in re.findall(rf"`((?:{folders})/[\w./-]*)`", text)]
    linked = [page.parent / target for target in re.findall(r"\]\((?!https?:)([^)#]+)", text)]
    assert [str(file) for file in [*named, *linked] if not file.exists()] == []
