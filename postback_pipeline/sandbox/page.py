"""The sandbox's page: what each receiver got and believes, and the newest requests.

Belongs here: HTML. Everything that came in with a request is escaped, here and only here, by `_text`; the page holds
no script and its policy allows none.
"""

from __future__ import annotations

import json
from decimal import Decimal
from html import escape
from typing import Any

from postback_pipeline.sandbox.entry import KIND, TRANSACTION, VALUE, Entry, find

SHOWN = 300
#: Fields that have a column of their own, and so are left out of the last one.
COLUMNS = (*KIND, *TRANSACTION, *VALUE, "currency")

STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #8888; --good: #1a7f4b; --bad: #c0362c; --odd: #a86a00; }
@media (prefers-color-scheme: dark) { :root { --good: #4cc38a; --bad: #ff8077; --odd: #e5a83b; } }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; margin: 0 auto; max-width: 1180px;
  padding: 2rem 1.25rem; }
h1 { font-size: 1.45rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2.2rem 0 .6rem; }
p { margin: .25rem 0 1.4rem; color: light-dark(#555, #aaa); }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); }
.card { border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem; }
.card h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; }
.card strong { display: block; font-size: 1.6rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.card small { color: light-dark(#555, #aaa); }
dl { display: grid; grid-template-columns: 1fr auto; gap: .15rem 1rem; margin: .7rem 0 0; font-size: .88rem; }
dl + dl { border-top: 1px solid var(--line); padding-top: .5rem; margin-top: .5rem; }
dt, dd { margin: 0; } dd { font-variant-numeric: tabular-nums; text-align: right; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: .84rem; }
th, td { padding: .45rem .8rem; text-align: left; vertical-align: top; border-top: 1px solid var(--line); }
thead th { border-top: 0; font-weight: 600; white-space: nowrap; }
.number { text-align: right; } td.number { font-variant-numeric: tabular-nums; }
td { max-width: 12rem; overflow-wrap: break-word; } td.rest { max-width: none; }
td.time { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.rest { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .76rem; overflow-wrap: anywhere;
  color: light-dark(#444, #bbb); width: 45%; }
.accepted { color: var(--good); } .rejected, .failed, .unauthorized { color: var(--bad); }
.throttled, .garbage, .duplicate { color: var(--odd); }
"""


def render_page(summary: dict[str, Any]) -> str:
    """The whole page for a summary of the sandbox."""
    receivers = summary["receivers"]
    cards = "".join(_card(name, counts) for name, counts in receivers.items())
    rows = "".join(_row(entry) for entry in summary["last"])
    received = sum(counts["received"] for counts in receivers.values())
    head = "".join(
        f"<th{' class=number' if name == 'Value' else ''}>{name}</th>"
        for name in ("Time (UTC)", "Receiver", "Answer", "Kind", "Transaction", "Value", "Request")
    )
    listing = f"<div class=wide><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Sandbox network</title>"
        '<meta name=viewport content="width=device-width"><meta http-equiv=refresh content=5>'
        f'<link rel=icon href="data:,"><style>{STYLE}</style></head><body>'
        "<h1>Sandbox network</h1>"
        f"<p>Stand-ins for the ad networks and partners. {received:,} requests received; nothing left this machine.</p>"
        + (f"<div class=cards>{cards}</div><h2>Newest requests</h2>{listing}" if receivers else "<p>Nothing yet.</p>")
        + "</body></html>"
    )


def _card(name: str, counts: dict[str, Any]) -> str:
    values = " · ".join(f"{Decimal(value):,} {_text(currency)}" for currency, value in counts["values"].items())
    answers = [(f"<span class={word}>{word}</span>", number) for word, number in counts["answers"].items()]
    kinds = [(f"taken as {_text(kind)}", number) for kind, number in counts["kinds"].items()]
    twice = [("<span class=rejected>taken twice</span>", counts["taken_twice"])] if counts["taken_twice"] else []
    return (
        f"<section class=card><h3>{_text(name) or '(no name)'}</h3><strong>{values or '0'}</strong>"
        f"<small>worth of what it took</small>{_list(answers)}{_list(kinds + twice)}</section>"
    )


def _list(lines: list[tuple[str, int]]) -> str:
    listed = "".join(f"<dt>{label}</dt><dd>{number:,}</dd>" for label, number in lines)
    return f"<dl>{listed}</dl>" if listed else ""


def _row(entry: Entry) -> str:
    parts = [entry["query"], entry["body"] if isinstance(entry["body"], dict) else {"body": entry["body"]}]
    rest = " ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}"
        for fields in parts
        for name, value in fields.items()
        if value is not None and name not in COLUMNS
    )
    value = f"{find(entry, *VALUE) or ''} {find(entry, 'currency') or ''}"
    cells = [
        f"<td class=time>{_text(entry['time'][11:23])}</td>",
        f"<td>{_text(entry['receiver'])}</td>",
        f"<td class={entry['answer']}>{entry['answer']}</td>",
        f"<td>{_text(find(entry, *KIND) or '')}</td>",
        f"<td>{_text(find(entry, *TRANSACTION) or '')}</td>",
        f"<td class=number>{_text(value.strip())}</td>",
        f"<td class=rest>{_text(entry['method'])} {_text(entry['path'])} {_text(rest)}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _text(value: str) -> str:
    """Text from outside, shortened and safe in HTML."""
    return escape(value if len(value) <= SHOWN else value[:SHOWN] + "…", quote=True)
