"""A page as its view describes it, and how it reaches the browser: HTML, or one of its tables as CSV.

Belongs here: that. Does not belong here: what is on a page (the views), who may see it (`guard`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from postback_pipeline.console.guard import token_of, who
from postback_pipeline.console.tables import Table, money, shown
from postback_pipeline.pictures.drawing import page_svg
from postback_pipeline.story.readable import readable

if TYPE_CHECKING:
    import altair as alt

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart above the table of its figures."""

    table: Table
    chart: alt.TopLevelMixin
    #: What it shows, in a sentence.
    says: str

    @property
    def svg(self) -> Markup:
        """Made of numbers, days and names that the drawing escapes."""
        return Markup(page_svg(self.chart, self.says))  # noqa: S704


@dataclass(frozen=True, slots=True)
class Page:
    """One page."""

    template: str
    title: str
    #: By name; each can be had as CSV.
    tables: Mapping[str, Table] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    #: What else its template shows.
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    #: What could not be looked at, each a sentence with what to do.
    notes: Sequence[str] = ()


def respond(request: Request, page: Page) -> Response:
    """HTML, or with `csv=NAME` in the query that table alone."""
    tables = {**page.tables, **{name: picture.table for name, picture in page.pictures.items()}}
    wanted = request.query_params.get("csv")
    if wanted in tables:
        table = _sorted(request, tables[wanted])
        headers = {"Content-Disposition": f'attachment; filename="{wanted}.csv"'}
        return PlainTextResponse(table.csv(), media_type="text/csv", headers=headers)
    content = _ENVIRONMENT.get_template(page.template).render(
        **page.values,
        page=page,
        tables={name: _sorted(request, table) for name, table in page.tables.items()},
        pictures={
            name: replace(picture, table=_sorted(request, picture.table)) for name, picture in page.pictures.items()
        },
        path=request.url.path,
        query=request.query_params,
        with_query=lambda **other: _with_query(request, other),
        environment=request.app.state.settings.environment,
        token=token_of(request),
        who=who(request),
        needs_login=request.app.state.access.needs_login,
    )
    return HTMLResponse(content, status_code=page.status)


def _sorted(request: Request, table: Table) -> Table:
    name, _, column = request.query_params.get("sort", "").partition(".")
    descending = request.query_params.get("order") == "down"
    return table.sorted_by(column, descending=descending) if name == table.name else table


def _with_query(request: Request, other: Mapping[str, str | None]) -> str:
    pairs = {**request.query_params, **other}
    return f"{request.url.path}?{urlencode({name: value for name, value in pairs.items() if value is not None})}"


def address(*parts: str, **query: str | None) -> str:
    """A path of ours with a query; whatever stands in a part stays in that part."""
    path = "/" + "/".join(quote(part, safe="") for part in parts)
    asked = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{asked}" if asked else path


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {"shown": shown, "money": money, "readable": readable}
_ENVIRONMENT.globals["address"] = address
