"""The Dagster instance that runs are recorded on: the one that `DAGSTER_HOME` names, else a local one on SQLite.

Belongs here: making and opening it. Does not belong here: its settings; those are dagster.yaml's, of which the local
instance leaves out `storage`. `python -m postback_pipeline.defs.instance FOLDER` makes one, for `make dev`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dagster as dg

from postback_pipeline.settings import Settings

PRODUCTION = Path(__file__).parents[2] / "dagster.yaml"


def make_local(folder: Path) -> Path:
    """Writes dagster.yaml into `folder`, unless there is one: it is its owner's to edit. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "dagster.yaml"
    if not file.exists():
        blocks = PRODUCTION.read_text(encoding="utf-8").split("\n\n")
        kept = [block for block in blocks if "\nstorage:" not in block]
        file.write_text("\n\n".join(kept), encoding="utf-8")
    return folder


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance for this deployment's runs; a context manager."""
    if "DAGSTER_HOME" in os.environ:
        return dg.DagsterInstance.get()
    return dg.DagsterInstance.from_config(str(make_local(settings.home / "dagster")))


if __name__ == "__main__":
    make_local(Path(sys.argv[1]))
