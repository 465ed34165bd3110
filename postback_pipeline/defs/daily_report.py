"""The report of the last whole day, written anew after each measure, and its pictures for the UI.

Belongs here: the asset. Does not belong here: what is in the report (`pictures`).
"""

from base64 import b64encode

import dagster as dg

from postback_pipeline.defs.markdown import table_of
from postback_pipeline.defs.warehouse import PUBLISHED
from postback_pipeline.pictures.daily_report import daily_report, write_report
from postback_pipeline.pictures.question import NothingPublished
from postback_pipeline.settings import Settings


@dg.definitions
def defs() -> dg.Definitions:
    """A step of measure: it reads the published copy, so it holds no pool."""

    @dg.asset(
        key=["published", "daily_report"],
        # Beside the models that only measure computes.
        tags={"measure": ""},
        deps=[PUBLISHED],
        description="One HTML file per day, for sending around; its pictures and figures are in the metadata.",
        group_name="warehouse",
        owners=["team:data"],
        kinds={"html"},
    )
    def written_report(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult:
        try:
            report = daily_report(settings)
        except NothingPublished as nothing:
            return dg.MaterializeResult(metadata={"nothing_to_report": dg.MetadataValue.text(str(nothing))})
        metadata: dict[str, dg.MetadataValue] = {
            "path": dg.MetadataValue.path(str(write_report(settings, report))),
            "day": dg.MetadataValue.text(f"{report.day}"),
            "needs_a_person": dg.MetadataValue.int(len(report.needed)),
            "figures": table_of(
                report.figures.columns, [[_short(cell) for cell in row] for row in report.figures.rows]
            ),
        }
        for name, picture in report.pictures().items():
            metadata[name] = dg.MetadataValue.md(f"![{name}](data:image/png;base64,{b64encode(picture).decode()})")
        return dg.MaterializeResult(metadata=metadata)

    return dg.Definitions(assets=[written_report])


def _short(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
