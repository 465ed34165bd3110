"""A chart as SVG that stands in a page by itself, or as a picture.

Belongs here: turning a description into either. Does not belong here: descriptions (`charts`).
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

import altair as alt
import vl_convert

from postback_pipeline.pictures.palette import ALL

#: Faces that machines have; a page's own face is the same list.
FACES = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


def page_svg(chart: alt.TopLevelMixin, says: str) -> str:
    """SVG for a page that declares the palette's variables: it follows light and dark. `says` is read aloud.

    It has no script, no style of its own and asks for no other file.
    """
    drawn = _svg(chart.to_json())
    for colour in ALL:
        drawn = drawn.replace(f'"{colour.light}"', f'"var(--{colour.name})"')
    head = f'<svg role="img" aria-label="{escape(says)}" '
    return re.sub(r"<svg ", head, drawn, count=1)


def picture(chart: alt.TopLevelMixin) -> bytes:
    """PNG on white, for wherever no SVG can stand."""
    return bytes(vl_convert.vegalite_to_png(chart.to_json(), scale=1, config={"background": "#ffffff"}))


#: The same figures are looked at again and again.
@lru_cache(maxsize=64)
def _svg(description: str) -> str:
    drawn = str(vl_convert.vegalite_to_svg(description))
    # What screen readers would read of every mark: the page has the table for that.
    drawn = re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", drawn)
    return re.sub(r' style="[^"]*"', "", drawn)
