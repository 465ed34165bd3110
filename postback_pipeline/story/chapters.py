"""How a story reads: what came in, then each conversion, then each destination's decision about it.

Belongs here: order, headings and labels of the warehouse's part. Does not belong here: how it looks, the ledger's part
(`postback_parts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from postback_pipeline.story.answers import Row, WarehouseStory
from postback_pipeline.story.part import Part
from postback_pipeline.story.readable import readable

#: Shown where there are rows.
_RECORDS = {
    "orders": "Orders, version by version",
    "leads": "Leads, status by status",
    "subscription_events": "Events of the subscription",
    "app_events": "App events",
    "pixel_events": "Pixel events",
}


def chapters(story: WarehouseStory) -> Iterator[Part]:
    """The warehouse's part, all times in UTC; nothing where there is no warehouse."""
    if story.as_of is None:
        return
    for part, title in _RECORDS.items():
        if rows := getattr(story, part):
            yield _table(title, rows)
    if story.orders or story.refunds:
        yield _table("Refunds", story.refunds)
    yield _table("Rows in quarantine", story.quarantine)
    for conversion in story.conversions:
        yield from _conversion(story, conversion)
    computed = {conversion["conversion_key"] for conversion in story.conversions}
    for reversal_key in sorted({row["conversion_key"] for row in story.reversals} - computed):
        yield _table(
            f"Reversals that wait for {readable(reversal_key)}", _of(story.reversals, conversion_key=reversal_key)
        )
    for decision in story.decisions:
        if decision["conversion_key"] not in computed:
            yield Part(f"Told of {readable(decision['conversion_key'])}, which is no longer computed")
            yield from _decision(story, decision)


def _conversion(story: WarehouseStory, conversion: Row) -> Iterator[Part]:
    key = conversion["conversion_key"]
    facts = {_label(name): value for name, value in conversion.items() if name != "conversion_key"}
    yield Part(f"Conversion {readable(key)}", facts=facts)
    for rule in _of(story.rules, definition_version=conversion["definition_version"]):
        stated = {_label(name): value for name, value in rule.items() if name not in conversion}
        yield Part("By the rule", 1, facts=stated)
    yield _table("Reversals", _of(story.reversals, conversion_key=key))
    yield _table("Consent records", [row for row in story.consents if key in row["conversion_keys"]])
    yield _table("Identifiers stored on the record", _of(story.identifiers, conversion_key=key))
    yield _table("Reports of pixels", _of(story.pixel_reports, conversion_key=key))
    decisions = _of(story.decisions, conversion_key=key)
    if not decisions:
        yield Part("Decisions: none, no route wants it")
    for decision in decisions:
        yield from _decision(story, decision)


def _decision(story: WarehouseStory, decision: Row) -> Iterator[Part]:
    here = {name: decision[name] for name in ("conversion_key", "destination")}
    routes = _of(story.routes, destination=decision["destination"], event_name=decision["event_name"])
    yield Part(
        f"{readable(here['destination'])}: {decision['decision']}, {decision['reason_code']}",
        sentence=readable(decision["sentence"] or decision["reason_code"]),
        facts=_evidence(decision, routes[0] if routes else None),
    )
    clicks = _of(story.candidates, **here)
    total = clicks[0]["clicks"] if clicks else 0
    shown = "" if total == len(clicks) else f", {len(clicks)} of {total}"
    yield _table(f"Clicks that share a key{shown}", clicks, depth=1, but=(*here, "place", "clicks"))
    for row in _of(story.outbox, **here):
        facts = {_label(name): value for name, value in row.items() if name not in here}
        yield Part("In the outbox of the last build", 1, facts=facts)


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


def _table(
    title: str, rows: list[Row], *, depth: int = 0, but: tuple[str, ...] = ("conversion_key", "conversion_keys")
) -> Part:
    """A table without the columns that are empty in every row, and without those in `but`."""
    filled = (name for name in (rows[0] if rows else {}) if any(row[name] not in (None, "") for row in rows))
    columns = [name for name in filled if name not in but]
    cells = [[row[name] for name in columns] for row in rows]
    return Part(title, depth, columns=[_label(name) for name in columns], rows=cells)
