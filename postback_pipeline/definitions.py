"""The code location. It does no work of its own: everything Dagster sees lies in `defs/`."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """Everything in `defs/`, for the deployment that `POSTBACK_CONFIG` names."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)
