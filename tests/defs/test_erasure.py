"""Elements leave the ledger when they have been final for long enough, by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from postback_pipeline.defs import erasure
from postback_pipeline.defs.runs import code_location
from postback_pipeline.ledger import Ledger, open_ledger
from postback_pipeline.model import Outcome, State
from postback_pipeline.settings import SettingsError


def erase(shop: Any) -> int:
    """Runs the step; how many it says it erased."""
    (asset,) = erasure.defs().assets or ()
    assert isinstance(asset, dg.AssetsDefinition)
    result = dg.materialize([asset], resources={"settings": shop.settings()})
    (materialization,) = result.asset_materializations_for_node("ledger__erased_elements")
    erased = materialization.metadata["erased"].value
    assert isinstance(erased, int)
    return erased


def erased_of(ledger: Ledger) -> dict[str, bool]:
    return {f"purchase:{number}": ledger.inspect(f"purchase:{number}")[-1].element_erased for number in (1, 2, 3)}


def test_what_has_been_final_for_the_days_of_the_settings_is_erased(shop: Any, make: Any) -> None:
    settings = shop.settings()
    long_ago = datetime.now(UTC) - timedelta(days=40)
    with open_ledger(settings.ledger_url(), settings.environment, clock=lambda: long_ago) as ledger:
        make.due(ledger, "partner", 1)
        make.settle(ledger, "partner", Outcome.ACCEPTED)
        make.due(ledger, "partner", 2)
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        make.due(ledger, "google", 3)
        make.settle(ledger, "google", Outcome.ACCEPTED)

        assert erase(shop) == 0, "ninety days, unless the settings say otherwise"
        file = settings.file
        file.write_text(f"{file.read_text()}\n[personal_data]\nerase_after_days = 30\n")
        assert erase(shop) == 1
        assert erased_of(ledger) == {"purchase:1": True, "purchase:2": False, "purchase:3": False}
        story = ledger.inspect("purchase:1")[-1]
        assert (story.state, len(story.element_hash)) == (State.ACCEPTED, 64)
        assert erase(shop) == 0


def test_it_may_as_well_be_never(shop: Any, make: Any) -> None:
    settings = shop.settings()
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        make.due(ledger, "partner", 1)
        make.settle(ledger, "partner", Outcome.ACCEPTED)
    written = settings.file.read_text()
    settings.file.write_text(f"{written}\n[personal_data]\nerase_after_days = 36500\n")
    assert erase(shop) == 0
    settings.file.write_text(f"{written}\n[personal_data]\nerase_after_days = 36501\n")
    with pytest.raises(SettingsError, match="erase_after_days"):
        shop.settings()


def test_every_measure_erases(shop: Any) -> None:
    found = code_location()
    jobs = {name: found.resolve_job_def(name) for name in ("build", "deliver", "measure")}
    key = dg.AssetKey(["ledger", "erased_elements"])
    assert [name for name, job in jobs.items() if key in job.asset_layer.executable_asset_keys] == ["measure"]
