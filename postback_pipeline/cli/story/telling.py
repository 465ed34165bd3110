"""How a story reads: what came in, then each conversion, then each destination's decision about it.

Belongs here: order, titles and labels of what is printed. Does not belong here: how values look (`cli/output.py`), the
ledger's part (`cli/postbacks.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer

from postback_pipeline.cli.output import print_fields, print_table, readable
from postback_pipeline.cli.story.answers import Row, WarehouseStory

#: Printed where there are rows.
_RECORDS = {
    "orders": "Orders, version by version",
    "leads": "Leads, status by status",
    "subscription_events": "Events of the subscription",
    "app_events": "App events",
    "pixel_events": "Pixel events",
}


def tell(story: WarehouseStory) -> None:
    """Prints the warehouse's part, all times in UTC; nothing where there is no warehouse."""
    if story.as_of is None:
        return
    typer.echo(f"As the build of {readable(story.as_of)} UTC saw it. All times are UTC.")
    typer.echo()
    for part, title in _RECORDS.items():
        if rows := getattr(story, part):
            _print_rows(title, rows)
    if story.orders or story.refunds:
        _print_rows("Refunds", story.refunds)
    _print_rows("Rows in quarantine", story.quarantine)
    for conversion in story.conversions:
        _tell_conversion(story, conversion)
    computed = {conversion["conversion_key"] for conversion in story.conversions}
    for reversal_key in sorted({row["conversion_key"] for row in story.reversals} - computed):
        _print_rows(
            f"Reversals that wait for {readable(reversal_key)}", _of(story.reversals, conversion_key=reversal_key)
        )
    for decision in story.decisions:
        if decision["conversion_key"] not in computed:
            typer.echo(f"Told of {readable(decision['conversion_key'])}, which is no longer computed")
            _tell_decision(story, decision)


def _tell_conversion(story: WarehouseStory, conversion: Row) -> None:
    key = conversion["conversion_key"]
    typer.echo(f"Conversion {readable(key)}")
    print_fields({_label(name): value for name, value in conversion.items() if name != "conversion_key"})
    for rule in _of(story.rules, definition_version=conversion["definition_version"]):
        typer.echo("  By the rule")
        print_fields({f"  {_label(name)}": value for name, value in rule.items() if name not in conversion})
    typer.echo()
    _print_rows("Reversals", _of(story.reversals, conversion_key=key))
    _print_rows("Consent records", [row for row in story.consents if key in row["conversion_keys"]])
    _print_rows("Identifiers stored on the record", _of(story.identifiers, conversion_key=key))
    _print_rows("Reports of pixels", _of(story.pixel_reports, conversion_key=key))
    decisions = _of(story.decisions, conversion_key=key)
    if not decisions:
        typer.echo("Decisions: none, no route wants it")
        typer.echo()
    for decision in decisions:
        _tell_decision(story, decision)


def _tell_decision(story: WarehouseStory, decision: Row) -> None:
    here = {name: decision[name] for name in ("conversion_key", "destination")}
    typer.echo(f"{readable(here['destination'])}: {decision['decision']}, {decision['reason_code']}")
    typer.echo(f"  {readable(decision['sentence'] or decision['reason_code'])}")
    routes = _of(story.routes, destination=decision["destination"], event_name=decision["event_name"])
    print_fields(_evidence(decision, routes[0] if routes else None))
    typer.echo()
    clicks = _of(story.candidates, **here)
    total = clicks[0]["clicks"] if clicks else 0
    shown = "" if total == len(clicks) else f", {len(clicks)} of {total}"
    _print_rows(f"  Clicks that share a key{shown}", clicks, but=(*here, "place", "clicks"))
    for row in _of(story.outbox, **here):
        typer.echo("  In the outbox of the last build")
        print_fields({f"  {_label(name)}": value for name, value in row.items() if name not in here})
        typer.echo()


def _evidence(decision: Row, route: Row | None) -> dict[str, object]:
    told_in, own = decision["currency"], decision["source_currency"]
    wanted = "would be told" if decision["decision"] == "withhold" else "should believe"
    return {
        "route": route and _said(route, "receiver_event", "match_on", "identifiers", "scope", "timing"),
        "window": decision["window_start"] and _said(decision, "window_start", "window_end", between=" to "),
        "click": _said(decision, "click_id", "clicked_at", "matched_by", "identifier"),
        "consent": _said(decision, "consent_state", "consent_record"),
        "leaves without the person": decision["is_keys_only"] or None,
        "pixel event": decision["pixel_event_id"],
        "value": _money(decision["value"], own),
        "net value": _money(decision["net_value"], own),
        "exchange rate": decision["exchange_rate"],
        wanted: _money(decision["desired_value"], told_in),
        "was told": _money(decision["reported_value"], told_in),
        "newest postback": decision["newest_revision"]
        and f"revision {decision['newest_revision']}, {decision['newest_state']}",
        "event time": decision["event_time"],
        "eligible at": decision["eligible_at"],
        "not before": decision["not_before"],
        "expires at": decision["expires_at"],
        "may change by itself at": decision["next_change_at"],
        "due": decision["is_due"],
    }


def _money(amount: object, currency: str | None) -> str | None:
    return None if amount is None else f"{readable(amount)} {readable(currency)}".rstrip()


def _said(row: Row, *columns: str, between: str = ", ") -> str:
    return between.join(readable(row[column]) for column in columns if row[column])


def _of(rows: Iterable[Row], **values: Any) -> list[Row]:
    return [row for row in rows if all(row[column] == value for column, value in values.items())]


def _label(column: str) -> str:
    return column.replace("_", " ")


def _print_rows(title: str, rows: list[Row], *, but: tuple[str, ...] = ("conversion_key", "conversion_keys")) -> None:
    """A table without the columns that are empty in every row, and without those in `but`."""
    filled = (name for name in (rows[0] if rows else {}) if any(row[name] not in (None, "") for row in rows))
    columns = [name for name in filled if name not in but]
    print_table([_label(name) for name in columns], [[row[name] for name in columns] for row in rows], title=title)
    typer.echo()
