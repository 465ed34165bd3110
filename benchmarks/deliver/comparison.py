"""What the runs say, one object per contender and latency, and how they compare.

Belongs here: which run counts (the quickest), the ratios, the table. Does not belong here: running.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.deliver.running import Turns

#: Others are told as a multiple of these.
_MEASURES = ("drt", "dlt", "procrastinate", "aiohttp")
#: CPU is compared with these, which keep no ledger: the same client, and the one that most people would take.
_BARE = ("own_transport", "aiohttp")
#: Heads of the table's columns, and what stands below them.
_COLUMNS = {
    "rows": "rows",
    "in flight": "in_flight",
    "rows/s": "rows_per_s",
    "CPU us": "cpu_us_per_row",
    "server us": "server_cpu_us_per_row",
    "peak MB": "peak_mb",
    "lost": "lost",
    "repeated": "duplicated",
    "CPU/own": "cpu_ratio_to_own_transport",
    "CPU/aioh.": "cpu_ratio_to_aiohttp",
    "x aiohttp": "ratio_to_aiohttp",
    "x drt": "ratio_to_drt",
    "x dlt": "ratio_to_dlt",
    "x procr.": "ratio_to_procrastinate",
}


def compared(turns: Sequence[Turns]) -> list[dict[str, Any]]:
    """The objects of `--json`, in the order in which the contenders ran."""
    told = [_figures(each) for each in turns]
    rates = {(each["name"], each["latency_ms"]): each for each in told if each["error"] is None}
    for each in told:
        if each["error"] is not None:
            continue
        for name in _MEASURES:
            if other := rates.get((name, each["latency_ms"])):
                each[f"ratio_to_{name}"] = round(each["rows_per_s"] / other["rows_per_s"], 2)
        for name in _BARE:
            if bare := rates.get((name, each["latency_ms"])):
                each[f"cpu_ratio_to_{name}"] = round(each["cpu_us_per_row"] / bare["cpu_us_per_row"], 2)
    return told


def _figures(turns: Turns) -> dict[str, Any]:
    named = {"name": turns.contender.name, "latency_ms": turns.latency_ms, "error": turns.error}
    if turns.error is not None:
        return named
    best = max(turns.runs, key=lambda run: run.rows_per_s)
    server = best.server_cpu_s
    return named | {
        "rows": best.rows,
        "in_flight": best.in_flight,
        "rows_per_s": round(best.rows_per_s, 1),
        "cpu_us_per_row": round(best.cpu_s / best.rows * 1e6, 1),
        "server_cpu_us_per_row": None if server is None else round(server / best.rows * 1e6, 1),
        "peak_mb": round(max(run.peak_mb for run in turns.runs)),
        "lost": sum(run.lost for run in turns.runs),
        "duplicated": sum(run.duplicated for run in turns.runs),
        "rows_per_s_by_round": [round(run.rows_per_s, 1) for run in turns.runs],
    }


def is_faultless(figures: Mapping[str, Any]) -> bool:
    """Whether something was measured, and nothing of it lost or repeated."""
    return not any(figures.get(fault) for fault in ("error", "lost", "duplicated"))


def table(told: Sequence[dict[str, Any]]) -> str:
    """The same for people."""
    lines = []
    for latency in dict.fromkeys(each["latency_ms"] for each in told):
        lines += [f"The receiver answers after {latency} ms", f"{'':20}" + "".join(f"{head:>10}" for head in _COLUMNS)]
        for each in told:
            if each["latency_ms"] == latency:
                lines.append(f"{each['name']:20}" + (each["error"] or _cells(each)))
        lines.append("")
    lines.append("CPU/: its CPU per row as a multiple of that contender's. x: its rows per second, likewise.")
    return "\n".join(lines)


def _cells(each: dict[str, Any]) -> str:
    values = [each.get(name) for name in _COLUMNS.values()]
    return "".join(f"{'' if value is None else f'{value:,}':>10}" for value in values)


def figures_table(told: dict[str, dict[str, Any]]) -> str:
    """The engine's own figures, one paragraph each."""
    paragraphs = []
    for name, figures in told.items():
        lines = [f"{name} (aim: {figures['aim']})"]
        lines += [f"  {figure:26} {value}" for figure, value in figures.items() if figure != "aim"]
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs)
