"""Environments beside the project's own: `peers` and `judges`, whose pins may clash with ours; `npm`, which fetches.

    python -m benchmarks.environments NAME

Belongs here: making one on first use from `requirements/NAME.txt`, below `.cache/NAME`. Does not belong here: what is
in it (`[dependency-groups]` of pyproject.toml; `make lock` writes the pins).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CACHE = ROOT / ".cache"


class NotInstalled(Exception):
    """An environment could not be made; the text says why."""


def python_of(name: str) -> Path:
    """The interpreter of an environment, which is made or brought up to date if need be.

    Raises:
        NotInstalled: the installation failed.
    """
    lock = ROOT / "requirements" / f"{name}.txt"
    environment = _CACHE / name
    python = environment / "bin" / "python"
    stamp = environment / "installed.sha256"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest() + sys.version
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"Installing what {lock.relative_to(ROOT)} names into {environment.relative_to(ROOT)}", file=sys.stderr)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(environment))
        _uv("pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(lock))
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _uv(*arguments: str) -> None:
    """Downloads stay in this folder, as those of the Makefile do."""
    environment = {**os.environ, "UV_CACHE_DIR": str(_CACHE / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    uv = Path(sys.executable).with_name("uv")
    try:
        subprocess.run([uv, *arguments], check=True, capture_output=True, text=True, env=environment)
    except FileNotFoundError as error:
        raise NotInstalled(f"not installed: there is no {uv.name} beside this Python") from error
    except subprocess.CalledProcessError as error:
        raise NotInstalled(f"not installed: {error.stderr.strip()}") from error


if __name__ == "__main__":
    try:
        python_of(sys.argv[1])
    except NotInstalled as failure:
        sys.exit(f"{sys.argv[1]}: {failure}")
