"""PyPI `msads`: the models of Microsoft Advertising's REST interface for offline conversions, adjustments and reports.

They judge types: instants, numbers that are no strings, names of columns and time zones. They drop unknown keys without
a word, so that only an answer equal to the case says that all of it was understood; the type of an adjustment may be
any text.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

_MODELS = "openapi_client.models"
_PACKAGES = ("openapi_client", _MODELS, f"{_MODELS}.campaign", f"{_MODELS}.reporting")


def conversions(case: dict[str, Any]) -> Any:
    """A request of `ApplyOfflineConversions` as the model says it."""
    return _said_by("campaign.apply_offline_conversions_request", "ApplyOfflineConversionsRequest", case)


def adjustments(case: dict[str, Any]) -> Any:
    """A request of `ApplyOfflineConversionAdjustments` as the model says it."""
    name = "ApplyOfflineConversionAdjustmentsRequest"
    return _said_by("campaign.apply_offline_conversion_adjustments_request", name, case)


def goals_report(case: dict[str, Any]) -> Any:
    """The order of a `GoalsAndFunnelsReport` as the model says it."""
    return _said_by("reporting.goals_and_funnels_report_request", "GoalsAndFunnelsReportRequest", case)


def _said_by(module: str, name: str, case: dict[str, Any]) -> Any:
    _open_folders()
    model = getattr(importlib.import_module(f"{_MODELS}.{module}"), name)
    return model.from_dict(case).model_dump(mode="json", by_alias=True, exclude_none=True)


def _open_folders() -> None:
    """Enters the packages without running what they begin with: importing all of their 2,000 models takes 6 s."""
    if _PACKAGES[0] in sys.modules:
        return
    found = importlib.util.find_spec(_PACKAGES[0])
    assert found is not None and found.submodule_search_locations is not None
    (folder,) = found.submodule_search_locations
    for package in _PACKAGES:
        module = ModuleType(package)
        module.__path__ = ["/".join([folder, *package.split(".")[1:]])]
        sys.modules[package] = module
