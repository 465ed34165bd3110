"""An enqueue that cannot go on writes nothing and says why; the next one does it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from postback_pipeline.ledger import LedgerError, LedgerUnavailable
from postback_pipeline.ledger.planning import Batch
from postback_pipeline.ledger.spool import Spool

if TYPE_CHECKING:
    from tests.ledger.conftest import Shop

ROWS = 300


def enqueue(shop: Shop) -> int:
    shop.guard = shop.guard.model_copy(update={"minimum": ROWS})
    return shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(ROWS)]).inserted


def test_row_18_a_full_disk_in_the_middle_leaves_nothing_behind(sqlite_shop: Shop) -> None:
    database = sqlite_shop.ledger._database
    with database.writing() as connection:
        pages: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
    with pytest.raises(LedgerUnavailable, match="full"):
        enqueue(sqlite_shop)
    with database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert (sqlite_shop.history(), sqlite_shop.stories("purchase:0")) == ([], [])
    assert enqueue(sqlite_shop) == ROWS


def cut(url: str, session: int) -> None:
    """Ends this session."""
    engine = sqlalchemy.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_terminate_backend(:session)"), {"session": session})
    engine.dispose()


@pytest.fixture(params=["COPY", "INSERT INTO history"])
def cutting(request: pytest.FixtureRequest, postgres_shop: Shop, postgres_url: str) -> Iterator[Shop]:
    """A ledger whose connection is lost right before the first statement of this kind, once."""
    engine = postgres_shop.ledger._database.engine
    cuts = iter([cut])

    # New postbacks go past SQLAlchemy, right after their ids were taken.
    word = "nextval" if request.param == "COPY" else request.param

    def before(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if word in statement:
            next(cuts, lambda *_: None)(postgres_url, cursor.connection.info.backend_pid)

    sqlalchemy.event.listen(engine, "before_cursor_execute", before)
    yield postgres_shop
    sqlalchemy.event.remove(engine, "before_cursor_execute", before)


def test_row_20_a_connection_lost_in_the_middle_leaves_nothing_behind(cutting: Shop) -> None:
    with pytest.raises(LedgerUnavailable, match="could not be used"):
        enqueue(cutting)
    assert (cutting.history(), cutting.stories("purchase:0")) == ([], [])
    assert enqueue(cutting) == ROWS


def test_batches_come_back_from_the_disk_as_they_were_in_order_and_again(tmp_path: Path) -> None:
    batches = [Batch(rows={f"{number}-{row}": ("x" * 1_000, row, None) for row in range(50)}) for number in range(20)]
    with Spool(in_memory=10_000) as spool:
        for batch in batches:
            spool.add(batch)
        spool.add(Batch())
        assert list(spool) == batches
        assert list(spool) == batches


def test_a_folder_for_temporary_files_that_takes_nothing_is_said(tmp_path: Path) -> None:
    batch = Batch(rows={"purchase:1": ("x" * 1_000,)})
    said = pytest.raises(LedgerError, match=r"could not be kept in .*gone.*Nothing was")
    with Spool(in_memory=10, folder=str(tmp_path / "gone")) as spool, said:
        spool.add(batch)
