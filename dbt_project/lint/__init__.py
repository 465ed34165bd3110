"""What dbt puts in a macro's hands, as far as sqlfluff needs it to render a model without dbt and without a warehouse.

Belongs here: stand-ins that sqlfluff does not bring itself (.sqlfluff names this folder as its `library_path`).
Does not belong here: anything that dbt or the pipeline runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

#: dbt's own is false while it parses; the models are linted as parsed.
execute = False


class _Adapter:
    @pass_context
    def dispatch(self, context: Context, macro: str, package: str) -> Any:
        """The default implementation: the one that DuckDB runs."""
        return context.resolve(f"default__{macro}")

    def quote(self, name: str) -> str:
        """A name that is a keyword elsewhere."""
        return f'"{name}"'


#: dbt's own macros of which the SQL is read as it stands.
_RENDERED: dict[str, Callable[..., str]] = {
    "listagg": lambda measure, delimiter, order: f"string_agg({measure}, {delimiter} {order})",
    "escape_single_quotes": lambda text: text.replace("'", "''"),
    "string_literal": lambda text: f"'{text}'",
}


class _CrossDatabaseMacros:
    def __getattr__(self, macro: str) -> Callable[..., str]:
        """A call of a function by the macro's name, or a type where the macro names one."""
        if macro in _RENDERED:
            return _RENDERED[macro]
        if macro.startswith("type_"):
            return lambda *arguments: "varchar"
        return lambda *arguments: f"{macro}({', '.join(map(str, arguments))})"


class _Relation:
    def create(self, *, database: str, schema: str, identifier: str) -> str:
        """The name of a table that is no reference."""
        return f"{schema}.{identifier}"


class _Api:
    Relation = _Relation()


class _Target:
    database = "warehouse"


adapter = _Adapter()
api = _Api()
target = _Target()
dbt = _CrossDatabaseMacros()
