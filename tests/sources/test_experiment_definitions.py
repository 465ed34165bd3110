"""`experiments.csv`: what it may say, which sentences refuse the rest, what may be edited once an experiment began."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from postback_pipeline.sources.definitions import DefinitionsError, load_definitions, read_definitions
from postback_pipeline.sources.warehouse import create_raw_tables, open_warehouse
from tests.sources.receivers import Declared

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "experiment,destination,event_name,unit,share,salt,start_at,end_at,outcome,region_pairs"
USUAL = "tenth,meta,purchase,user,0.1,s,2026-02-01,2026-03-01,backend_value,"
GEO = "geo,google,,region,,,2026-02-01,2026-03-01,backend_value,Bavaria:Saxony | hesse:bremen|a:b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Definitions with two destinations and two events, without experiments."""
    (tmp_path / "conversions.csv").write_text(
        "event_name,source_entity,qualifying_statuses\npurchase,orders,paid\nlead,leads,new\n"
    )
    (tmp_path / "routes.csv").write_text(
        "destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes\n"
        "meta,purchase,Purchase,click,fbclid,30,\nmeta,lead,Lead,click,fbclid,30,\ngoogle,purchase,p,click,gclid,30,\n"
    )
    (tmp_path / "click_id_parameters.csv").write_text("parameter,identifier,network\ngclid,gclid,google\n")
    return tmp_path


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with its raw tables."""
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        create_raw_tables(connection)
        yield connection


def write(folder: Path, *rows: str) -> None:
    """The file, with these rows."""
    (folder / "experiments.csv").write_text("\n".join((HEADER, *rows)) + "\n")


def load(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    """Reads the folder and loads it."""
    load_definitions(
        warehouse, read_definitions(folder, destinations={"meta": Declared(), "google": Declared()}), CREATED
    )


def built(warehouse: duckdb.DuckDBPyConnection, day: int, month: int = 2) -> None:
    """As if the last whole build was made on that day."""
    warehouse.execute("delete from raw.build_marks")
    warehouse.execute(
        "insert into raw.build_marks (as_of, seen) values (?, 1)", [datetime(2026, month, day, tzinfo=UTC)]
    )


def test_there_may_be_no_experiments(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    load(folder, warehouse)
    assert warehouse.sql("from raw.experiments").fetchall() == []


def test_a_load_tells_the_models_who_is_held_out(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    write(folder, USUAL, GEO)
    load(folder, warehouse)
    assert warehouse.sql(
        "select experiment, destination, event_name, unit, outcome, salt, held_below from raw.experiments order by all"
    ).fetchall() == [
        ("geo", "google", None, "region", "backend_value", None, None),
        # A tenth of 16 ** 8, in hex.
        ("tenth", "meta", "purchase", "user", "backend_value", "s", "1999999a"),
    ]
    assert warehouse.sql("select * from raw.experiment_regions order by pair, is_held_out desc").fetchall() == [
        ("geo", 1, "bavaria", True),
        ("geo", 1, "saxony", False),
        ("geo", 2, "hesse", True),
        ("geo", 2, "bremen", False),
        ("geo", 3, "a", True),
        ("geo", 3, "b", False),
    ]


@pytest.mark.parametrize(
    ("row", "column", "what"),
    [
        (USUAL.replace("0.1", "1"), "share", "'1' is not a share between 0 and 1"),
        (USUAL.replace("0.1", "0.00001"), "share", "is not a share between 0 and 1"),
        (USUAL.replace("0.1", ""), "share", "a value is required here where the unit is 'user'"),
        (USUAL.replace(",s,", ",,"), "salt", "a value is required here where the unit is 'user'"),
        (USUAL.replace("user", "household"), "unit", "'household' is unknown"),
        (USUAL.replace("user", "conversion"), "outcome", "a conversion does nothing"),
        (USUAL.replace("backend_value", "clicks"), "outcome", "'clicks' is unknown"),
        (USUAL.replace("2026-03-01", "2026-01-31"), "end_at", "it lies before start_at"),
        (USUAL.replace("2026-03-01", ""), "end_at", "a value is required here"),
        (USUAL.replace("2026-03-01", "2026-03-01T10:00"), "end_at", "has no time zone"),
        (USUAL.replace("meta", "tiktok"), "destination", "'tiktok' has no route in routes.csv"),
        (USUAL.replace("meta,purchase", "google,lead"), "event_name", "'google' has no route of 'lead'"),
        (USUAL + "a:b", "region_pairs", "write 'region' there, or nothing here"),
        (GEO.replace(",,,2026-02", ",0.5,,2026-02"), "share", "not by a hash; leave this empty"),
        (GEO.replace("|a:b", ""), "region_pairs", "an interval needs at least 3 pairs"),
        (GEO.replace("a:b", "a"), "region_pairs", "'a' is no pair"),
        (GEO.replace("a:b", "a:SAXONY"), "region_pairs", "'saxony' is there twice"),
    ],
)
def test_a_wrong_cell_is_a_sentence_with_file_row_and_column(folder: Path, row: str, column: str, what: str) -> None:
    write(folder, "other,google,,conversion,0.5,t,2026-06-01,2026-07-01,,", row)
    with pytest.raises(DefinitionsError) as error:
        read_definitions(folder, destinations={"meta": Declared(), "google": Declared()})
    sentence = str(error.value).splitlines()[0]
    assert sentence.startswith(f"{folder / 'experiments.csv'}, row 3, column {column}: ")
    assert what in sentence


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        ("other,meta,purchase,conversion,0.5,t,2026-02-28,2026-04-01,,", True),
        ("other,meta,,conversion,0.5,t,2026-01-01,2026-02-02,,", True),
        ("other,meta,purchase,conversion,0.5,t,2026-03-01,2026-04-01,,", False),
        ("other,meta,lead,conversion,0.5,t,2026-02-01,2026-03-01,,", False),
        ("other,google,purchase,conversion,0.5,t,2026-02-01,2026-03-01,,", False),
    ],
)
def test_two_experiments_about_one_conversion_are_refused(folder: Path, row: str, refused: bool) -> None:
    write(folder, USUAL, row)
    if refused:
        with pytest.raises(DefinitionsError, match=r"row 3, column start_at: it overlaps with 'tenth' in row 2"):
            read_definitions(folder, destinations={"meta": Declared(), "google": Declared()})
    else:
        assert len(read_definitions(folder, destinations={"meta": Declared(), "google": Declared()}).experiments) == 2


@pytest.mark.parametrize(
    ("edit", "column"),
    [
        (USUAL.replace("0.1", "0.2"), "share"),
        (USUAL.replace(",s,", ",z,"), "salt"),
        (USUAL.replace("user", "conversion").replace("backend", "platform"), "unit"),
        (USUAL.replace("2026-02-01", "2026-02-05"), "start_at"),
        (USUAL.replace("meta,purchase", "meta,lead"), "event_name"),
        (USUAL.replace("2026-03-01", "2026-02-08"), "end_at"),
    ],
)
def test_an_experiment_that_began_is_not_edited(
    folder: Path, warehouse: duckdb.DuckDBPyConnection, edit: str, column: str
) -> None:
    write(folder, USUAL)
    load(folder, warehouse)
    built(warehouse, 10)
    write(folder, edit)
    with pytest.raises(DefinitionsError, match=f"experiment 'tenth', column {column}: "):
        load(folder, warehouse)
    assert warehouse.sql("select held_below, salt, unit from raw.experiments").fetchall() == [("1999999a", "s", "user")]


def test_the_pairs_of_an_experiment_that_began_are_not_edited(
    folder: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    write(folder, GEO)
    load(folder, warehouse)
    built(warehouse, 10)
    load(folder, warehouse)
    write(folder, GEO.replace("a:b", "b:a"))
    with pytest.raises(DefinitionsError, match="experiment 'geo', column region_pairs: "):
        load(folder, warehouse)


def test_before_it_began_everything_may_be_edited(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    write(folder, USUAL)
    load(folder, warehouse)
    built(warehouse, 31, month=1)
    write(folder, USUAL.replace("0.1", "0.5"))
    load(folder, warehouse)
    write(folder)
    load(folder, warehouse)
    assert warehouse.sql("from raw.experiments").fetchall() == []


def test_an_end_may_be_moved_while_it_lies_ahead_and_not_afterwards(
    folder: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    write(folder, USUAL)
    load(folder, warehouse)
    built(warehouse, 10)
    for end in ("2026-02-11", "2026-05-01"):
        write(folder, USUAL.replace("2026-03-01", end))
        load(folder, warehouse)
    built(warehouse, 2, month=5)
    write(folder, USUAL.replace("2026-03-01", "2026-06-01"))
    with pytest.raises(DefinitionsError, match="column end_at: "):
        load(folder, warehouse)


def test_a_row_stays_unless_the_experiment_was_called_off(folder: Path, warehouse: duckdb.DuckDBPyConnection) -> None:
    write(folder, USUAL)
    load(folder, warehouse)
    built(warehouse, 10)
    write(folder)
    with pytest.raises(DefinitionsError, match="'tenth' began on 2026-02-01 00:00 UTC and is not there any more"):
        load(folder, warehouse)
    write(folder, USUAL.replace("2026-03-01", "2026-02-01"))
    load(folder, warehouse)
    write(folder)
    load(folder, warehouse)
    assert warehouse.sql("from raw.experiments").fetchall() == []
