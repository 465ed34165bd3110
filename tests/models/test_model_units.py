"""dbt's own unit tests, one per rule: they live beside the models, and run here rather than in production."""

from __future__ import annotations

from pathlib import Path

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import Deployment
from tests.models.market import DEFINITIONS, DESTINATIONS, START


def test_the_models_pass_their_unit_tests(tmp_path: Path) -> None:
    with DbtProcess(tmp_path) as dbt:
        shop = Deployment(tmp_path / "shop", dbt, DESTINATIONS, dict(DEFINITIONS))
        shop.load(START)
        dbt.invoke(shop.warehouse, "run", "--empty")
        dbt.invoke(shop.warehouse, "test", "--select", "test_type:unit")
