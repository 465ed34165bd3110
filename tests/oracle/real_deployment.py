"""A deployment on real data: landing files as they are, or rows made from a public file.

Belongs here: what the deployments of these tests have in common. Does not belong here: any expectation.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from postback_pipeline.settings import load_settings
from tests.models.deployment import Deployment


@dataclass
class RealDeployment(Deployment):
    """`zone` is the IANA name of the wall clock that the source declares for its timestamps without a zone."""

    zone: str = "UTC"

    def __post_init__(self) -> None:
        super().__post_init__()
        file = self.home / "postbacks.toml"
        declared = file.read_text(encoding="utf-8").replace(
            'kind = "folder"', f'kind = "folder"\ntime_zone = "{self.zone}"'
        )
        file.write_text(declared, encoding="utf-8")
        self._settings = load_settings(file)

    def bring(self, landing: Path, name: str = ".") -> None:
        """Copies a folder of landing files as it is; `name`: where to, inside the deployment's own."""
        shutil.copytree(landing, self._landing / name, copy_function=shutil.copyfile, dirs_exist_ok=True)

    def counts(self, sql: str) -> dict[Any, Any]:
        """Key -> count, or whatever else the last column is; the columns before it are the key."""
        return {row[0] if len(row) == 2 else row[:-1]: row[-1] for row in self.query(sql)}


def at(text: str) -> datetime:
    """An instant, UTC, of a text such as 2011-01-01."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
