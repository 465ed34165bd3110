"""The import rules of pyproject.toml hold, and a violation of any of them is found."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

#: One line that each contract forbids, and the module that it is added to.
VIOLATIONS = {
    "Imports point one way": ("model.py", "import postback_pipeline.settings"),
    "Only defs, definitions and the bodies of commands know Dagster": ("sources/__init__.py", "import dagster"),
    "Destinations reach nothing: no network, clock, chance, file, database": (
        "destinations/__init__.py",
        "import random",
    ),
    "The ledger knows neither the warehouse nor the network": ("ledger/__init__.py", "import duckdb"),
    "Anomalies are found without a file, a database or the network": ("anomalies/__init__.py", "import duckdb"),
    "Delivery has one HTTP client: its own": ("delivery/__init__.py", "import httpx"),
    "Only delivery and the sandbox speak HTTP on the hot path": ("sources/__init__.py", "import aiohttp"),
}


def copy_checkout(folder: Path) -> Path:
    """Copies the package and its rules; returns the copy of the package."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    package = folder / "postback_pipeline"
    shutil.copytree(ROOT / "postback_pipeline", package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def append(file: Path, line: str) -> None:
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def test_the_package_keeps_its_import_rules(tmp_path: Path) -> None:
    copy_checkout(tmp_path)
    result = lint_imports(tmp_path)
    assert (result.returncode, "BROKEN" in result.stdout) == (0, False), result.stdout


def test_a_violation_of_any_rule_is_found(tmp_path: Path) -> None:
    package = copy_checkout(tmp_path)
    for module, line in VIOLATIONS.values():
        append(package / module, line)
    result = lint_imports(tmp_path)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    assert [contract["name"] for contract in contracts if f"{contract['name']} BROKEN" not in result.stdout] == []
    assert result.returncode == 1


def test_a_package_that_no_layer_names_is_found(tmp_path: Path) -> None:
    append_to = copy_checkout(tmp_path) / "manager.py"
    append_to.write_text('"""A module outside the layers."""\n', encoding="utf-8")
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "manager" in result.stdout
