"""The pictures, each a function from an answer to a description of a chart.

Belongs here: marks, scales and labels. Does not belong here: asking (`question`), colours (`palette`), turning a
description into SVG (`drawing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from postback_pipeline.pictures.drawing import FACES
from postback_pipeline.pictures.palette import FIRST, INK, LINES, QUIET, SECOND, SOFT_INK
from postback_pipeline.pictures.question import Answer

#: Steps from the backend to the platform's report, in this order.
STEPS = ("backend", "eligible", "enqueued", "sent", "accepted", "processed", "reported")
_WIDTH = 560
_WIDE = 800
_HEIGHT = 190
_STEP_HEIGHT = 20


def funnel(answer: Answer) -> alt.TopLevelMixin:
    """One panel per destination: how many conversions came to each step, labelled with the count."""
    rows = [
        {"destination": _named(each), "step": step, "conversions": each[step], "label": f"{each[step]:,}"}
        for each in answer.records()
        for step in STEPS
        if each.get(step) is not None
    ]
    highest = max((row["conversions"] for row in rows), default=1) or 1
    base = alt.Chart(_values(rows)).encode(
        y=alt.Y("step:N", sort=list(STEPS), title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)),
        x=alt.X("conversions:Q", title=None, axis=None, scale=alt.Scale(domain=[0, highest * 1.25])),
    )
    bars = base.mark_bar(color=FIRST.light, height=12, cornerRadiusEnd=2)
    labels = base.mark_text(align="left", dx=5, color=INK.light).encode(text="label:N")
    panels = alt.layer(bars, labels).properties(width=300, height=alt.Step(_STEP_HEIGHT))
    faceted = panels.facet(
        facet=alt.Facet("destination:N", title=None, header=alt.Header(labelAnchor="start", labelFontWeight="bold")),
        columns=3,
    )
    return _dressed(faceted)


def shares(answer: Answer, column: str, title: str) -> alt.TopLevelMixin:
    """A share between 0 and 1 by day."""
    rows = [row for row in _days(answer) if row[column] is not None]
    line = alt.Chart(_values(rows)).mark_line(
        color=FIRST.light, strokeWidth=2, point={"color": FIRST.light, "size": 18}
    )
    return _dressed(
        line.encode(
            x=_day_axis(rows),
            y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%")),
        ).properties(width=_WIDTH, height=_HEIGHT)
    )


def panels(answer: Answer, column: str) -> alt.TopLevelMixin:
    """A share between 0 and 1 by day, one panel per destination."""
    rows = [row for row in _days(answer) if row[column] is not None]
    line = alt.Chart().mark_line(color=FIRST.light, strokeWidth=2, point={"color": FIRST.light, "size": 14})
    drawn = line.encode(
        x=_day_axis(rows, ticks=4),
        y=alt.Y(f"{column}:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=3)),
    ).properties(width=260, height=90)
    header = alt.Header(labelAnchor="start", labelFontWeight="bold")
    return _dressed(
        drawn.facet(facet=alt.Facet("destination:N", title=None, header=header), columns=3, data=_values(rows))
    )


def two_lines(answer: Answer, first: tuple[str, str], second: tuple[str, str], title: str) -> alt.TopLevelMixin:
    """Seconds by day on a logarithmic scale, as two lines that are labelled where they end: (column, label) each."""
    rows = [row for row in _days(answer) if row[first[0]] is not None]
    lines = [
        {"day": row["day"], "line": label, "seconds": max(float(row[column]), 1.0)}
        for row in rows
        for column, label in (first, second)
        if row[column] is not None
    ]
    colours = alt.Color(
        "line:N", legend=None, scale=alt.Scale(domain=[first[1], second[1]], range=[FIRST.light, SECOND.light])
    )
    ticks = [1, 10, 60, 600, 3_600, 21_600, 86_400, 604_800]
    base = alt.Chart(_values(lines)).encode(
        x=_day_axis(lines),
        y=alt.Y(
            "seconds:Q",
            title=title,
            scale=alt.Scale(type="log", nice=False, padding=8),
            axis=alt.Axis(values=ticks, labelExpr=_DURATION),
        ),
        color=colours,
    )
    last = max((row["day"] for row in lines), default=None)
    ends = alt.Chart(_values([row for row in lines if row["day"] == last])).encode(
        x="day:T", y="seconds:Q", color=colours, text="line:N"
    )
    drawn = alt.layer(base.mark_line(strokeWidth=2), base.mark_circle(size=18, opacity=1))
    labelled = alt.layer(drawn, ends.mark_text(align="left", dx=8, fontWeight="bold"))
    return _dressed(labelled.properties(width=_WIDTH, height=_HEIGHT))


def stacked(answer: Answer, columns: Sequence[str], title: str) -> alt.TopLevelMixin:
    """Counts by day, one on top of the other: at most three kinds."""
    rows = [
        {"day": row["day"], "kind": column.replace("_", " "), "count": row[column], "order": place}
        for row in _days(answer)
        for place, column in enumerate(columns)
        if row[column]
    ]
    names = [column.replace("_", " ") for column in columns]
    colours = [FIRST.light, SECOND.light, QUIET.light][: len(names)]
    return _dressed(
        alt.Chart(_values(rows))
        .mark_bar()
        .encode(
            x=_day_axis(rows),
            y=alt.Y("count:Q", title=title, axis=alt.Axis(format=",d", tickMinStep=1)),
            color=alt.Color(
                "kind:N",
                scale=alt.Scale(domain=names, range=colours),
                legend=alt.Legend(title=None, orient="top", symbolType="square", direction="horizontal"),
            ),
            order="order:Q",
        )
        .properties(width=_WIDTH, height=_HEIGHT)
    )


def reached_after(answer: Answer) -> alt.TopLevelMixin:
    """Share of conversions accepted after so many hours, each labelled."""
    rows = [
        {"after": _span(row["after_hours"]), "share": row["accepted_share"], "label": f"{row['accepted_share']:.1%}"}
        for row in answer.records()
        if row["accepted_share"] is not None
    ]
    base = alt.Chart(_values(rows)).encode(
        y=alt.Y("after:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelPadding=8)),
        x=alt.X("share:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1.2])),
    )
    bars = base.mark_bar(color=FIRST.light, height=12, cornerRadiusEnd=2)
    labels = base.mark_text(align="left", dx=5, color=INK.light).encode(text="label:N")
    return _dressed(alt.layer(bars, labels).properties(width=_WIDTH, height=alt.Step(_STEP_HEIGHT)))


def differences(causes: Answer) -> alt.TopLevelMixin:
    """What each cause takes from, or adds to, the conversions on their way: to the left less, to the right more."""
    rows = [
        {"cause": f"{row['step']}: {row['cause'].replace('_', ' ')}", "conversions": row["conversions"]}
        | {
            "label": f"{row['conversions']:+,}",
            "which": "unexplained" if row["cause"] == "unexplained" else "explained",
        }
        for row in sorted(causes.records(), key=lambda row: STEPS.index(row["step"]))
        if row["conversions"]
    ]
    counts = [0, *(row["conversions"] for row in rows)]
    room = (max(counts) - min(counts) or 1) * 0.12
    base = alt.Chart(_values(rows)).encode(
        y=alt.Y("cause:N", sort=None, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=280, offset=10)),
        x=alt.X(
            "conversions:Q", title=None, axis=None, scale=alt.Scale(domain=[min(counts) - room, max(counts) + room])
        ),
    )
    colour = alt.Color(
        "which:N",
        legend=None,
        scale=alt.Scale(domain=["explained", "unexplained"], range=[FIRST.light, SECOND.light]),
    )
    bars = base.mark_bar(height=12).encode(color=colour)
    less = base.transform_filter("datum.conversions < 0").mark_text(align="right", dx=-5, color=INK.light)
    more = base.transform_filter("datum.conversions >= 0").mark_text(align="left", dx=5, color=INK.light)
    labelled = alt.layer(bars, less.encode(text="label:N"), more.encode(text="label:N"))
    return _dressed(labelled.properties(width=_WIDE, height=alt.Step(_STEP_HEIGHT)))


#: Labels of an axis in seconds.
_DURATION = (
    "datum.value < 60 ? datum.value + ' s' : datum.value < 3600 ? datum.value / 60 + ' min' :"
    " datum.value < 86400 ? datum.value / 3600 + ' h' : datum.value / 86400 + ' d'"
)


def _span(hours: int) -> str:
    return f"{hours} h" if hours < 24 else f"{hours // 24} d"


def _named(row: dict[str, Any]) -> str:
    return f"{row['destination']}, {row['currency']}" if row.get("currency") else str(row["destination"])


def _values(rows: Sequence[dict[str, Any]]) -> alt.InlineData:
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    return alt.InlineData(values=plain)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | bool) else float(value)


def _days(answer: Answer) -> list[dict[str, Any]]:
    """Rows by day; a day is text, so that it is the same in every zone."""
    return [row | {"day": f"{row['day']:%Y-%m-%d}T00:00:00"} for row in answer.records()]


def _day_axis(rows: Sequence[dict[str, Any]], ticks: int = 8) -> alt.X:
    # Where there are few days, each has its tick and none has two.
    every_day = len({row["day"] for row in rows}) <= ticks
    axis = alt.Axis(format="%d %b", labelAngle=0, tickCount="day" if every_day else ticks, grid=False)
    return alt.X("day:T", title=None, axis=axis)


def _dressed(chart: Any) -> alt.TopLevelMixin:
    """With the faces and colours of all pictures."""
    text: dict[str, Any] = {
        "labelColor": SOFT_INK.light,
        "titleColor": SOFT_INK.light,
        "labelFontSize": 12,
        "titleFontSize": 12,
    }
    lines: dict[str, Any] = {"gridColor": LINES.light, "domainColor": LINES.light, "tickColor": LINES.light}
    dressed: alt.TopLevelMixin = chart.configure(
        background="transparent",
        font=FACES,
        axis=alt.AxisConfig(titleFontWeight="normal", **text, **lines),
        legend=alt.LegendConfig(labelColor=SOFT_INK.light, labelFontSize=12),
        header=alt.HeaderConfig(labelColor=INK.light, labelFontSize=13),
        view=alt.ViewConfig(stroke=None),
        text=alt.MarkConfig(fontSize=12),
        padding=4,
    )
    return dressed
