"""What assets are handed: the deployment's settings and the dbt command line.

Belongs here: thin shells around plain objects. Does not belong here: reading a secret, opening a ledger or warehouse
(a step does that for as long as it needs it). https://docs.dagster.io/guides/build/external-resources
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject
from packaging.version import Version

from postback_pipeline.settings import Settings, load_env_file, load_settings

WAREHOUSE_VARIABLE = "POSTBACK_WAREHOUSE"
DBT_FOLDER = Path(__file__).parents[2] / "dbt_project"


def dbt_project(settings: Settings) -> DbtProject:
    """The models, pointed at this deployment's warehouse; parsed anew in development only."""
    # dbt reads its profile from the environment, and child processes inherit it: there is no other way in.
    os.environ[WAREHOUSE_VARIABLE] = str(settings.warehouse_path)
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    # The dbt that was installed with us, also where .venv is not activated.
    programs = str(Path(sys.executable).parent)
    if programs not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ["PATH"]])
    return _prepared(settings.warehouse_path)


@cache
def _prepared(warehouse: Path) -> DbtProject:
    # Once per process and warehouse: parsing takes seconds, and two modules ask for it.
    project = DbtProject(project_dir=DBT_FOLDER)
    project.prepare_if_dev()
    return project


class Dbt(DbtCliResource):
    """dagster-dbt's resource, which asks `dbt --version` before every run: 3 s, and a look at the package index."""

    @property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))


@dg.definitions
def defs() -> dg.Definitions:
    """`settings` and `dbt`."""
    settings = load_settings()
    load_env_file(settings.file)
    return dg.Definitions(
        resources={
            "settings": settings,
            "dbt": Dbt(project_dir=str(dbt_project(settings).project_dir)),
        }
    )
