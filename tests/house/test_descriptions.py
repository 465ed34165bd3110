"""Every model and column of a built warehouse is described, and what the semantic layer names is there."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from postback_pipeline.sources.warehouse import open_warehouse
from tests.models.dbt_process import DbtProcess
from tests.models.deployment import Deployment
from tests.models.market import DEFINITIONS, DESTINATIONS, START, Market


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a deployment that uses every feature was built and described."""
    folder = tmp_path_factory.mktemp("documented")
    with DbtProcess(folder) as dbt:
        shop = Deployment(folder / "shop", dbt, DESTINATIONS, dict(DEFINITIONS))
        for entity, rows in Market(Random(1)).rows.items():
            shop.file(entity, "a", rows)
        shop.load(START)
        dbt.invoke(shop.warehouse, "--warn-error", "run")
        dbt.invoke(shop.warehouse, "--warn-error", "docs", "generate")
    return folder


@pytest.fixture(scope="module")
def documented(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and catalog, as dbt wrote them."""
    return _artifact(folder, "manifest"), _artifact(folder, "catalog")


def _artifact(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "target" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def test_every_model_column_and_source_is_described(documented: tuple[dict[str, Any], dict[str, Any]]) -> None:
    manifest, catalog = documented
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    assert len(models) > 50
    assert [key for key in models if key not in catalog["nodes"]] == []
    described = {**models, **manifest["sources"], **manifest["exposures"]}
    assert [key for key, node in described.items() if not node["description"]] == []
    missing = {
        f"{node['name']}.{column}"
        for key, node in models.items()
        for column in catalog["nodes"][key]["columns"]
        if not node["columns"].get(column, {}).get("description")
    }
    assert missing == set()


def test_no_column_is_described_that_is_not_there(documented: tuple[dict[str, Any], dict[str, Any]]) -> None:
    manifest, catalog = documented
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    gone = {
        f"{node['name']}.{column}"
        for key, node in models.items()
        for column in node["columns"]
        if column not in catalog["nodes"][key]["columns"]
    }
    assert gone == set()


def test_what_others_read_has_a_contract_and_every_model_an_owner(
    documented: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    manifest, _ = documented
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    promised = [node for node in models if node["schema"] in ("marts", "outbox")]
    assert [node["name"] for node in promised if not node["config"]["contract"]["enforced"]] == []
    groups = {group["name"] for group in manifest["groups"].values() if group["owner"]["email"]}
    assert [node["name"] for node in models if node["config"]["group"] not in groups] == []


def test_every_rule_test_says_in_a_sentence_what_holds(documented: tuple[dict[str, Any], dict[str, Any]]) -> None:
    manifest, _ = documented
    names = [test["name"] for test in manifest["unit_tests"].values()]
    assert len(names) > 50
    assert [name for name in names if len(name.split("_")) < 4] == []


def test_what_the_semantic_layer_asks_for_can_be_computed(
    folder: Path, documented: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    manifest, _ = documented
    models = manifest["semantic_models"].values()
    measures = {measure["name"] for model in models for measure in model["measures"]}
    with open_warehouse(folder / "shop" / "data" / "warehouse.duckdb", read_only=True) as connection:
        for model in models:
            asked = [f"{each['agg']}({each['expr'] or each['name']})" for each in model["measures"]]
            asked += [f"count({each['expr'] or each['name']})" for each in model["dimensions"]]
            relation = model["node_relation"]
            sql = f"select {', '.join(asked)} from {relation['schema_name']}.{relation['alias']}"
            assert len(connection.execute(sql).fetchall()) == 1
    metrics = manifest["metrics"].values()
    assert {metric["type_params"]["measure"]["name"] for metric in metrics if metric["type"] == "simple"} == measures
    assert [metric["name"] for metric in metrics if not metric["description"]] == []


#: What each day or cohort tells, of which the second and third lack a rate; the ratio of the others, by hand.
@pytest.mark.parametrize(
    ("metric", "table", "rows", "expected"),
    [
        ("cost_per_conversion", "cost_and_return (conversions, cost, net_value)", "(4, 10, 50), (3, null, 30)", 2.5),
        (
            "return_on_ad_spend",
            "cost_and_return (conversions, cost, net_value)",
            "(4, 10, 50), (3, null, 30), (2, 10, null)",
            5,
        ),
        ("lifetime_value", "lifetime_value (customers, net_value)", "(2, 30), (5, null)", 15),
    ],
)
def test_a_ratio_leaves_out_both_sides_where_a_rate_is_missing(
    documented: tuple[dict[str, Any], dict[str, Any]], metric: str, table: str, rows: str, expected: float
) -> None:
    manifest, _ = documented
    models = manifest["semantic_models"].values()
    measures = {each["name"]: each["expr"] or each["name"] for model in models for each in model["measures"]}
    metrics = {each["name"]: each["type_params"] for each in manifest["metrics"].values()}

    def summed(side: str) -> str:
        simple = metrics[metrics[metric][side]["name"]]
        return f"sum({measures[simple['measure']['name']]})"

    with duckdb.connect() as connection:
        sql = f"select {summed('numerator')} / {summed('denominator')} from (values {rows}) as {table}"
        assert connection.execute(sql).fetchone() == (expected,)
