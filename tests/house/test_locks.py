"""requirements/*.txt hold what pyproject.toml asks for, by hash, and do not tell whose machine wrote them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("uv.txt", "runtime.txt", "dev.txt", "peers.txt", "judges.txt", "npm.txt")


def entries(lock: str) -> list[list[str]]:
    """One list per requirement: itself, then its hashes."""
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    return [re.split(r"\s+--hash=", line.strip()) for line in text.splitlines()]


def locked(lock: str) -> list[Requirement]:
    return [Requirement(entry[0]) for entry in entries(lock)]


def declared() -> dict[str, list[str]]:
    """Lock -> what pyproject.toml, or uv.in, asks to be in it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    runtime = project["project"]["dependencies"]
    installer = (ROOT / "requirements/uv.in").read_text(encoding="utf-8").splitlines()
    return {
        "uv.txt": [line for line in installer if not line.startswith("#")],
        "runtime.txt": runtime,
        "dev.txt": [*runtime, *project["dependency-groups"]["dev"]],
        "peers.txt": project["dependency-groups"]["peers"],
        "judges.txt": project["dependency-groups"]["judges"],
        "npm.txt": project["dependency-groups"]["npm"],
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_is_declared(lock: str) -> None:
    pins = {(canonicalize_name(pin.name), str(pin.specifier).removeprefix("==")) for pin in locked(lock)}
    for wanted in map(Requirement, declared()[lock]):
        versions = [version for name, version in pins if name == canonicalize_name(wanted.name)]
        assert versions, f"{wanted} is not in {lock}: run make lock"
        assert all(wanted.specifier.contains(version) for version in versions), f"{wanted}: run make lock"


def test_tests_run_on_what_is_delivered() -> None:
    delivered, tested = (
        {(pin.name, str(pin.specifier)) for pin in locked(lock)} for lock in ("runtime.txt", "dev.txt")
    )
    assert delivered <= tested


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_one_version_and_named_by_hash(lock: str) -> None:
    for requirement, *hashes in entries(lock):
        assert re.match(r"[a-z0-9.-]+==[^,\s]+( ;.*)?$", requirement)
        assert hashes
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_folder(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    assert re.findall(r"://|--(?:extra-)?index|--find-links|file:|[\w.]/\w", text) == []
