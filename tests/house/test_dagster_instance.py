"""dagster.yaml as Dagster reads it: on a real PostgreSQL, and without its storage block as `make dev` uses it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import dagster as dg
import pytest

ROOT = Path(__file__).parents[2]


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def trivial() -> None:
    """One step."""
    nothing()


def run_and_find(instance: dg.DagsterInstance) -> dg.DagsterRunStatus:
    """Runs a job of one step; its status as the instance tells it afterwards."""
    result = trivial.execute_in_process(instance=instance)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run.status


def assert_one_step_at_a_time_opens_the_warehouse(instance: dg.DagsterInstance) -> None:
    concurrency = instance.get_concurrency_config()
    assert concurrency.pool_config.default_pool_limit == 1
    assert concurrency.pool_config.pool_granularity is not None
    assert concurrency.pool_config.pool_granularity.value == "op"


def test_the_production_instance_stores_its_runs_in_postgresql(
    tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres_database)
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert run_and_find(instance) == dg.DagsterRunStatus.SUCCESS
        assert_one_step_at_a_time_opens_the_warehouse(instance)
    # A second process finds what the first one stored.
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.get_runs_count() == 1


def test_the_production_instance_frees_what_a_killed_run_held(
    tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgres_database)
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] > 0
        assert instance.run_monitoring_max_runtime_seconds
        assert instance.telemetry_enabled is False
        assert instance.run_retries_enabled is False


def test_make_dev_has_the_same_limits_on_files(tmp_path: Path) -> None:
    # Whatever the files' dates say: a test installs nothing into the environment that it runs in.
    command = ["make", "--silent", "--old-file=.venv/.installed", str(tmp_path / "dagster.yaml")]
    subprocess.run(command, cwd=ROOT, check=True)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert run_and_find(instance) == dg.DagsterRunStatus.SUCCESS
        assert_one_step_at_a_time_opens_the_warehouse(instance)
    assert list(tmp_path.rglob("*.db"))
