"""What people read about destinations is what the adapters declare: `make docs` makes it anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from postback_pipeline.cli.documents import ROOT, files
from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.vendor import Vendor

VENDORS = {name: each for name, each in DESTINATIONS.items() if issubclass(each, Vendor)}


@pytest.mark.parametrize("file", files(), ids=str)
def test_no_page_differs_from_its_adapter(file: Path) -> None:
    assert (ROOT / file).read_text(encoding="utf-8") == files()[file]


def test_no_page_is_left_of_a_type_that_is_gone() -> None:
    written = {file.relative_to(ROOT) for file in (ROOT / "docs" / "destinations").iterdir()}
    assert written <= files().keys()


@pytest.mark.parametrize("name", VENDORS)
def test_every_option_and_every_fact_is_explained(name: str) -> None:
    adapter = VENDORS[name]
    fields = adapter.options_type.model_fields
    assert [field for field in fields if not fields[field].description and field != "allow_http"] == []
    contract = adapter.contract
    told = (contract.title, contract.proof, contract.event, contract.reversals, contract.consent)
    assert all(text.endswith(".") or text == contract.title for text in told)
    assert contract.documentation.startswith("https://")


@pytest.mark.parametrize("name", VENDORS)
def test_every_secret_has_a_place_in_the_example(name: str) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    defaults = [
        field.default for option, field in VENDORS[name].options_type.model_fields.items() if option.endswith("_env")
    ]
    assert [default for default in defaults if default and f"# {default}=" not in example] == []
