"""The dbt models as assets, their tests as asset checks.

Belongs here: which models run in which job, and how dbt is called. Does not belong here: SQL, or any rule that could
be SQL. https://docs.dagster.io/integrations/libraries/dbt
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from postback_pipeline.defs.context import tell_build
from postback_pipeline.defs.partitions import days
from postback_pipeline.defs.resources import dbt_project
from postback_pipeline.defs.warehouse import WAREHOUSE_POOL
from postback_pipeline.settings import Settings, load_settings
from postback_pipeline.sources.build_context import begin_build, mark_built
from postback_pipeline.sources.warehouse import open_warehouse

#: Unit tests belong to the test suite: in production their inputs may not exist yet.
BUILD_ARGUMENTS = ("build", "--exclude-resource-type", "unit_test")
CONVERSIONS = dg.AssetKey(["marts", "conversions"])
DELIVERIES = dg.AssetKey(["marts", "deliveries"])
LEDGER_HISTORY = dg.AssetKey(["raw", "ledger_history"])


class Translator(DagsterDbtTranslator):
    """dbt's own names for everything, days for the one model that people backfill, one dependency dbt cannot see."""

    def __init__(self, partitions: dg.PartitionsDefinition[str]) -> None:
        super().__init__()
        self._partitions = partitions

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """As dagster-dbt has it. Dagster logs an event per asset and day of a range: one model is enough of them."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if spec.key == CONVERSIONS:
            return spec.replace_attributes(partitions_def=self._partitions)
        if spec.key == DELIVERIES:
            # It reads the copy through views of the build job, which the measure job does not run.
            return spec.merge_attributes(deps=[LEDGER_HISTORY])
        return spec


def fingerprint(project: DbtProject) -> str:
    """Names what the models say: another text of a model, macro or setting, another name."""
    folder = Path(project.project_dir)
    files = [folder / "dbt_project.yml", *folder.glob("models/**/*.sql"), *folder.glob("macros/**/*.sql")]
    content = hashlib.sha256()
    for file in sorted(files):
        content.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return content.hexdigest()


def staying_tables(project: DbtProject) -> list[str]:
    """The tables, as `schema.table`, of which a build replaces only what is in scope."""
    nodes = json.loads(project.manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    return [f"{node['schema']}.{node['name']}" for node in nodes if node["config"]["materialized"] == "incremental"]


@dg.definitions
def defs() -> dg.Definitions:
    """Two sets of models: `build` runs before anything is enqueued, `measure` after a delivery."""
    deployment = load_settings()
    project = dbt_project(deployment)

    def invoke(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: Settings, job: str, *more: str
    ) -> Iterator[Any]:
        # One folder per job keeps its parsed state between runs and apart from the other job's.
        target = settings.home / "dbt" / job
        yield from dbt.cli([*BUILD_ARGUMENTS, *more], context=context, target_path=target).stream()

    @dbt_assets(
        name="dbt_build",
        manifest=project.manifest_path,
        project=project,
        exclude="tag:measure",
        dagster_dbt_translator=Translator(days(deployment)),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
    )
    def build(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: dg.ResourceParam[Settings]
    ) -> Iterator[Any]:
        tell_build(settings, context.run)
        models, staying = fingerprint(project), staying_tables(project)
        with open_warehouse(settings.warehouse_path) as connection:
            is_incremental = begin_build(connection, models=models, staying=staying)
        yield from invoke(context, dbt, settings, "build", *([] if is_incremental else ["--full-refresh"]))
        # Only the whole set leaves the tables in step with each other.
        if not context.is_subset:
            with open_warehouse(settings.warehouse_path) as connection:
                mark_built(connection, models=models)

    @dbt_assets(
        name="dbt_measure",
        manifest=project.manifest_path,
        project=project,
        select="tag:measure",
        dagster_dbt_translator=Translator(days(deployment)),
        pool=WAREHOUSE_POOL,
    )
    def measure(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, settings: dg.ResourceParam[Settings]
    ) -> Iterator[Any]:
        yield from invoke(context, dbt, settings, "measure")

    return dg.Definitions(assets=[build, measure])
