"""The deployment that the build benchmark measures: one event, four routes, receivers that nobody calls.

Belongs here: its settings and definitions, and a warehouse that knows them. Does not belong here: rows of the shop
(`build_input.py`), the same rules written by hand (`single_statement/`).
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.build_input import START, Shape, write_arrivals
from postback_pipeline.destinations import build_destinations
from postback_pipeline.settings import load_settings
from postback_pipeline.sources.build_context import write_build_context
from postback_pipeline.sources.definitions import load_definitions, read_definitions
from postback_pipeline.sources.reference import load_reference
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse

_DESTINATIONS = ("google", "meta", "impact", "microsoft")
_DESTINATION = """
[destinations.{name}]
type = "url_template"
deduplicates = true
reinstatement = true
accepted_when = {{ status = [200] }}
conversion.url = "http://127.0.0.1:9/{name}?key={{key}}&value={{value}}"
restatement.url = "http://127.0.0.1:9/{name}?key={{key}}&value={{value}}"
retraction.url = "http://127.0.0.1:9/{name}?key={{key}}&value={{value}}"
"""
_CONVERSIONS = """\
event_name,source_entity,qualifying_statuses,effective_from,action_at,qualified_at,occurred_at,value_rule,fixed_value,currency,zero_values,hold_days,source_of_truth,first_only_per,test_rules
purchase,orders,paid|shipped|completed,,ordered_at,ordered_at,action_at,gross,,,exclude,0,server,,
"""
_ROUTES = """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,scope,hold_days,timing,event_time,currency,consent_purposes,consent_denied,consent_unknown,pixel_deduplication,event_id_template,send_reversals,start_at,end_at
google,purchase,purchase,click,gclid|gbraid|wbraid,30,network,0,after_hold,action_at,,,block,flag,none,,true,{start},
meta,purchase,purchase,click,fbclid,30,network,0,after_hold,action_at,,ad_user_data,block,strip,suppress,,true,{start},
impact,purchase,purchase,click,irclickid,30,group:partners,0,after_hold,action_at,,,block,flag,none,,true,{start},
microsoft,purchase,purchase,click,msclkid,30,group:partners,0,after_hold,action_at,,,block,flag,none,,true,{start},
"""
_PARAMETERS = """\
parameter,identifier,network,valid_days
gclid,gclid,google,90
gbraid,gbraid,google,90
wbraid,wbraid,google,90
fbclid,fbclid,meta,90
ttclid,ttclid,tiktok,
msclkid,msclkid,microsoft,90
irclickid,irclickid,impact,
"""


def write_warehouse(warehouse: Path, shape: Shape) -> None:
    """Makes `warehouse` anew, as the loading steps would leave it after the history that `shape` describes."""
    home = warehouse.parent
    home.mkdir(parents=True, exist_ok=True)
    for file in (warehouse, warehouse.with_name(warehouse.name + ".wal")):
        file.unlink(missing_ok=True)
    config = home / "postbacks.toml"
    config.write_text("".join(_DESTINATION.format(name=name) for name in _DESTINATIONS), encoding="utf-8")
    definitions = home / "definitions"
    definitions.mkdir(exist_ok=True)
    for name, text in {
        "conversions": _CONVERSIONS,
        "routes": _ROUTES.format(start=START.date().isoformat()),
        "click_id_parameters": _PARAMETERS,
    }.items():
        (definitions / f"{name}.csv").write_text(text, encoding="utf-8")
    settings = load_settings(config)
    destinations = build_destinations(settings)
    with open_warehouse(warehouse) as connection:
        create_raw_tables(connection)
        load_definitions(connection, read_definitions(definitions, destinations=destinations), START)
        load_reference(connection, destinations, settings.destinations)
        write_arrivals(connection, shape, 0, shape.days)
        write_build_context(connection, as_of=shape.as_of, window=None, run_id="benchmark")
