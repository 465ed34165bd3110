"""Routes against what their receivers' contracts say; and those contracts as SQL reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.webhook import Webhook
from postback_pipeline.settings import DestinationSettings
from postback_pipeline.sources.contract import IDENTITY
from postback_pipeline.sources.definitions import DefinitionsError, read_definitions
from postback_pipeline.sources.reference import load_reference
from postback_pipeline.sources.warehouse import create_raw_tables
from tests.sources.receivers import ANYTHING, Declared

CONVERSIONS = "event_name,source_entity,qualifying_statuses\npurchase,orders,paid\n"
PARAMETERS = "parameter,identifier,network\ngclid,gclid,google\nwbraid,wbraid,google\nfbclid,fbclid,meta\n"
ROUTES = "destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes\n"
GOOGLE = replace(ANYTHING, title="Google", identifiers={"gclid": "[A-Za-z0-9_-]+", "wbraid": "[A-Za-z0-9_-]+"})
PATTERNS = sorted({pattern for each in DESTINATIONS.values() for pattern in each.contract.identifiers.values()})


def mistakes(folder: Path, route: str, receiver: Declared) -> list[str]:
    """What is wrong with one route, without the folder's own path; empty for nothing."""
    for name, text in {"conversions": CONVERSIONS, "click_id_parameters": PARAMETERS, "routes": ROUTES + route}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    try:
        read_definitions(folder, destinations={"google": receiver})
    except DefinitionsError as error:
        return [sentence.replace(f"{folder}/", "") for sentence in str(error).splitlines()[:-1]]
    return []


def test_an_identifier_that_the_receivers_contract_does_not_know_is_a_mistake(tmp_path: Path) -> None:
    route = "google,purchase,Purchase,click,gclid|fbclid|fbp,30,\n"
    assert mistakes(tmp_path, route, Declared(contract=GOOGLE)) == [
        "routes.csv, row 2, column identifiers: google (Google) is not told 'fbclid'; it takes gclid, wbraid.",
        "routes.csv, row 2, column identifiers: google (Google) is not told 'fbp'; it takes gclid, wbraid.",
    ]
    assert mistakes(tmp_path, route, Declared()) == []
    assert mistakes(tmp_path, route.replace("|fbclid|fbp", "|wbraid"), Declared(contract=GOOGLE)) == []


@pytest.mark.parametrize("match_on", ["identity", "click_or_identity"])
def test_a_receiver_that_matches_no_persons_is_not_asked_to(tmp_path: Path, match_on: str) -> None:
    route = f"google,purchase,Purchase,{match_on},gclid,30,\n"
    assert mistakes(tmp_path, route, Declared(contract=GOOGLE)) == [
        "routes.csv, row 2, column match_on: google (Google) matches no persons; write 'click'."
    ]
    assert mistakes(tmp_path, route, Declared(contract=replace(GOOGLE, matches_person=("email",)))) == []
    assert mistakes(tmp_path, route, Declared()) == []


class Ads(Webhook):
    """A webhook that says what it takes."""

    contract = replace(GOOGLE, matches_person=("email", "phone"))


def test_contracts_arrive_where_sql_decides() -> None:
    configured = DestinationSettings.model_validate({"type": "webhook", "url": "http://127.0.0.1/", "secret_env": "S"})
    receivers = {name: kind.from_settings(name, configured) for name, kind in (("ads", Ads), ("own", Webhook))}
    with duckdb.connect() as connection:
        create_raw_tables(connection)
        load_reference(connection, receivers, dict.fromkeys(receivers, configured))
        identifiers = connection.execute("from raw.destination_identifiers order by all").fetchall()
        attributes = connection.execute("from raw.destination_person_attributes order by all").fetchall()
    assert identifiers == [("ads", "gclid", "[A-Za-z0-9_-]+"), ("ads", "wbraid", "[A-Za-z0-9_-]+")]
    assert attributes == [("ads", "email"), ("ads", "phone")]


@pytest.mark.parametrize("kind", DESTINATIONS)
def test_what_a_receiver_matches_a_person_by_is_on_records(kind: str) -> None:
    assert set(DESTINATIONS[kind].contract.matches_person) <= {column.name for column in IDENTITY}


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def test_there_are_declared_forms_to_compare() -> None:
    assert PATTERNS


@given(data=st.data())
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_and_adapters_read_declared_forms_alike(engine: duckdb.DuckDBPyConnection, data: st.DataObject) -> None:
    pattern = data.draw(st.sampled_from(PATTERNS))
    fitting = st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="utf-8", exclude_characters="\0"))
    near = st.tuples(fitting, st.sampled_from(["", " ", "\n", "é", "x", "."])).map("".join)
    value = data.draw(st.one_of(fitting, near, st.text(st.characters(codec="utf-8", exclude_characters="\0"))))
    found = engine.execute("select regexp_full_match(?, ?)", [value, pattern]).fetchall()
    assert found == [(re.fullmatch(pattern, value) is not None,)]
