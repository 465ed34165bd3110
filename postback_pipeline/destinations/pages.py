"""What people read about destinations, made from the adapters: `docs/destinations.md`, a page for each, `.env.example`.

Belongs here: the words around what adapters declare. Does not belong here: any fact about a receiver; writing the files
(`cli.documents`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from datetime import timedelta

from pydantic.fields import FieldInfo

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Capabilities, Destination
from postback_pipeline.destinations.presets import Preset, presets
from postback_pipeline.destinations.vendor import Vendor

_COLUMNS = (
    *("receiver", "type", "told", "oldest event", "in one request", "drops repeats", "mode `test`"),
    *("judged by", "unverified"),
)
BEGIN = "# --- Secrets of destinations; made from the adapters by `make docs` ---"
END = "# --- End of the secrets of destinations ---"


def vendors() -> dict[str, type[Vendor]]:
    """The types with a vendor of their own, by title."""
    found = {name: each for name, each in DESTINATIONS.items() if issubclass(each, Vendor)}
    return dict(sorted(found.items(), key=lambda item: item[1].contract.title.lower()))


def overview() -> str:
    """`docs/destinations.md`."""
    described = [(name, each) for name, each in DESTINATIONS.items() if not issubclass(each, Vendor)]
    lines = [
        "# Destinations",
        "",
        "A destination is a table of `postbacks.toml`: its `type` names the receiver's adapter, its secrets come by"
        " environment variables. Each name leads to a page, which `postback destinations TYPE` prints, too; `postback"
        " check NAME` tries a configured one out. This page is made from the adapters by `make docs`.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        "|---" * len(_COLUMNS) + "|",
        *[_row(name, each) for name, each in vendors().items()],
        "",
        "*told*: besides conversions, a new total (one that may only be less: ↓), nothing at all, a total again after"
        " nothing. *drops repeats*: a request whose fate is unknown is sent again by itself only there; elsewhere it"
        " waits for a person. *judged by*: packages and schemata of others that our requests are held against in the"
        " tests. *unverified*: facts that no text of the vendor confirmed; each behind a constant of the adapter.",
        "",
        "What is not on the list is described by its user:",
        "",
        *[f"- [`{name}`](destinations/{name}.md): {_first(each)}" for name, each in described],
        "",
        "## Presets",
        "",
        "Trackers and networks whose postback is one address with macros: type `url_template` with `preset` and a few"
        " options of its own. `postback destinations NAME` prints the file with its sources and what is unverified; any"
        " key of your table replaces the preset's, and copied into your table the file needs no preset.",
        "",
        *[_preset(each) for each in presets().values()],
        "",
    ]
    return "\n".join(lines)


def page(name: str) -> str:
    """One type's page."""
    adapter = DESTINATIONS[name]
    contract = adapter.contract
    version = f", {contract.version}" if contract.version else ""
    source = f"\n\n<{contract.documentation}>" if contract.documentation else ""
    parts = [f"# {contract.title}\n\nType `{name}`{version}.{source}", _prose(adapter)]
    if issubclass(adapter, Vendor):
        parts += [_options(adapter), _facts(adapter), _list("Unverified", contract.unverified)]
    return "\n\n".join(part for part in parts if part) + "\n"


def environment() -> str:
    """The part of `.env.example` about vendors, from BEGIN to END."""
    lines = [BEGIN]
    for each in vendors().values():
        lines += ["", f"# {each.contract.title}"]
        for field in _secret_fields(each):
            lines += [f"# {field.description}", f"# {field.default}="]
    return "\n".join([*lines, "", END])


def _preset(preset: Preset) -> str:
    needed = ", ".join(f"`{name}`" for name, option in preset.options.items() if option.default is None)
    return f"- `{preset.name}`" + (f" (needs {needed})" if needed else "") + f": {preset.title}"


def _row(name: str, adapter: type[Vendor]) -> str:
    can, contract = adapter.can, adapter.contract
    cells = (
        f"[{contract.title}](destinations/{name}.md)",
        f"`{name}`",
        _told(can),
        _span(can.max_age) or "any",
        f"{can.batch_rows:,}" if can.batch_rows > 1 else "1",
        ("yes" if can.dedup_window is None else _span(can.dedup_window)) if can.deduplicates else "no",
        "the vendor's own" if contract.testing else "sandbox only",
        ", ".join(contract.judges) or "our own checker of its contract",
        _cell("<br>".join(contract.unverified)),
    )
    return f"| {' | '.join(cells)} |"


def _told(can: Capabilities) -> str:
    told = [
        *(["new total" + ("" if can.increase else " ↓")] if can.restatement else []),
        *(["nothing"] if can.retraction else []),
        *(["again"] if can.reinstatement else []),
    ]
    return ", ".join(told) or "conversions only"


def _span(span: timedelta | None) -> str:
    if span is None:
        return ""
    days = span / timedelta(days=1)
    return f"{days:g} d" if days >= 3 else f"{span / timedelta(hours=1):g} h"


def _prose(adapter: type[Destination]) -> str:
    """The module's docstring: indented lines are its examples."""
    text = inspect.cleandoc(inspect.getmodule(adapter).__doc__ or "")
    first, _, rest = text.partition("\n")
    said = first.partition(": ")[2] or first
    lines, fenced = [said[:1].upper() + said[1:]], False
    for line in rest.splitlines():
        code = line.startswith("    ") or (fenced and not line.strip())
        if code != fenced:
            kind = "toml" if line.strip().startswith("[") else "text"
            lines.append(f"```{kind}" if code else "```")
            fenced = code
        lines.append(line.removeprefix("    ") if fenced else line)
    lines += ["```"] if fenced else []
    # A blank line before the end of a block belongs behind it.
    return "\n".join(lines).replace("\n\n```\n", "\n```\n\n").strip()


def _options(adapter: type[Vendor]) -> str:
    lines = ["## Options", "", "| option | default | |", "|---|---|---|"]
    for name, field in adapter.options_type.model_fields.items():
        lines.append(f"| `{name}` | {_default(field)} | {_cell(field.description or _ALLOW_HTTP)} |")
    return "\n".join([*lines, "", "Beside those that every destination has (`mode`, `concurrency`, `rate` ...)."])


_ALLOW_HTTP = "Mode live may send in clear to `base_url`."


def _facts(adapter: type[Vendor]) -> str:
    can, contract = adapter.can, adapter.contract
    facts = {
        "The route's `receiver_event`": contract.event,
        "Identifiers": ", ".join(f"`{name}`" for name in contract.identifiers),
        "Matches a person by": _names(contract.matches_person),
        "Takes along": _names(contract.takes_person),
        "Proof of acceptance": contract.proof,
        "Reversals": contract.reversals,
        "Adjustments": _ages(can),
        "Consent": contract.consent,
        "Testing": contract.testing or "The vendor has no facility for it: mode `test` reaches a sandbox on loopback.",
        "Oldest event": _span(can.max_age),
        "In one request": f"{can.batch_rows:,}" if can.batch_rows > 1 else "one",
        "Bytes of one request": f"{can.batch_bytes:,}" if can.batch_bytes else "",
        "One bad postback": "fails its whole request, which is then taken apart." if can.one_bad_fails_all else "",
        "Drops repeats": "by our key" + (f", for {_span(can.dedup_window)}" if can.dedup_window else "")
        if can.deduplicates
        else "no: a request of unknown fate waits for a person",
        "Judges": "later: accepted is not processed" if can.judges_later else "at once",
        "Judged by": ", ".join(contract.judges),
    }
    lines = [f"- **{name}**: {told}" for name, told in facts.items() if told]
    return "\n".join(["## Contract", "", *lines])


def _ages(can: Capabilities) -> str:
    youngest, oldest = _span(can.adjustment_min_age), _span(can.adjustment_max_age)
    parts = [f"not before {youngest}" if youngest else "", f"not after {oldest}" if oldest else ""]
    return ", ".join(part for part in parts if part) + (" after the event" if youngest or oldest else "")


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _list(title: str, items: Iterable[str]) -> str:
    lines = [f"- {each}" for each in items]
    return "\n".join([f"## {title}", "", *lines]) if lines else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None:
        return ""
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _first(adapter: type[Destination]) -> str:
    return (adapter.__doc__ or "").strip().splitlines()[0]


def _secret_fields(adapter: type[Vendor]) -> Iterator[FieldInfo]:
    for name, field in adapter.options_type.model_fields.items():
        if name.endswith("_env") and field.default:
            yield field
