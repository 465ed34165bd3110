"""The environment in which the peers live: what they pin may clash with what this project pins.

Belongs here: making it on first use from `requirements/peers.txt`, below `.cache/peers`. Does not belong here: which
peers there are (`[dependency-groups] peers` of pyproject.toml; `make lock` writes the pins).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.build_process import ROOT

_LOCK = ROOT / "requirements" / "peers.txt"
_CACHE = ROOT / ".cache"


class PeersMissing(Exception):
    """They could not be installed; the text says why."""


def peers_python() -> Path:
    """The interpreter of the peers' environment, which is made or brought up to date if need be.

    Raises:
        PeersMissing: the installation failed.
    """
    environment = _CACHE / "peers"
    python = environment / "bin" / "python"
    stamp = environment / "installed.sha256"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest() + sys.version
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        print(f"Installing what {_LOCK.relative_to(ROOT)} names into {environment.relative_to(ROOT)}", file=sys.stderr)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(environment))
        _uv("pip", "sync", "--quiet", "--python", str(python), "--require-hashes", str(_LOCK))
        stamp.write_text(wanted, encoding="utf-8")
    return python


def _uv(*arguments: str) -> None:
    """Downloads stay in this folder, as those of the Makefile do."""
    environment = {**os.environ, "UV_CACHE_DIR": str(_CACHE / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    uv = Path(sys.executable).with_name("uv")
    try:
        subprocess.run([uv, *arguments], check=True, capture_output=True, text=True, env=environment)
    except FileNotFoundError as error:
        raise PeersMissing(f"the peers were not installed: there is no {uv.name} beside this Python") from error
    except subprocess.CalledProcessError as error:
        raise PeersMissing(f"the peers were not installed: {error.stderr.strip()}") from error
