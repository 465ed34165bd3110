"""Payloads are erased a set time after they were needed; what they were stays provable."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy

from postback_pipeline.model import Outcome, State

if TYPE_CHECKING:
    from tests.ledger.conftest import Clock, Shop


def test_final_postbacks_lose_their_payload_and_keep_its_hash(shop: Shop, clock: Clock) -> None:
    shop.tell("10.00", "purchase:1", person={"ip": "192.0.2.7"})
    element = "purchase:1.1 conversion 10.00 192.0.2.7"
    shop.report("10.00", "purchase:2")
    shop.send(Outcome.UNKNOWN)
    shop.report("10.00", "purchase:3", not_before=clock.now + timedelta(days=60))
    clock.forward(days=30)
    shop.tell("10.00", "purchase:4")
    assert shop.ledger.erase_payloads(clock.now) == 1
    erased = shop.newest("purchase:1")
    assert (erased.element_erased, erased.state) == (True, State.ACCEPTED)
    assert erased.element_hash == hashlib.sha256(element.encode()).hexdigest()
    # A parked one may have to be sent again, a pending one will be, and one accepted just now is too young.
    assert [shop.newest(f"purchase:{number}").element_erased for number in (2, 3, 4)] == [False, False, False]
    assert shop.ledger.erase_payloads(clock.now) == 0


def test_more_payloads_than_one_statement_holds_are_erased(shop: Shop, clock: Clock) -> None:
    shop.guard = shop.guard.model_copy(update={"minimum": 10_000})
    shop.enqueue(*[shop.desired(f"purchase:{number}", against=0) for number in range(2_100)])
    for _ in range(3):
        shop.ledger.record([shop.result(claim) for claim in shop.claim(1_000)], rules=shop.rules)
    clock.forward(days=1)
    assert shop.ledger.erase_payloads(clock.now) == 2_100


def test_an_adjustment_of_an_erased_conversion_is_rendered_anew(shop: Shop, clock: Clock) -> None:
    shop.tell("10.00")
    clock.forward(days=1)
    shop.ledger.erase_payloads(clock.now)
    shop.report("7.00")
    (claim,) = shop.claim()
    assert claim.element == "purchase:1.2 restatement 7.00 "


def test_personal_data_is_in_the_element_alone(shop: Shop, clock: Clock, ledger_url: str) -> None:
    shop.report("10.00", person={"ip": "192.0.2.7", "email": "canary@example.org"})
    shop.send(reason="ok", reply_head="{}")
    clock.forward(days=1)
    shop.ledger.erase_payloads(clock.now)
    engine = sqlalchemy.create_engine(ledger_url)
    with engine.connect() as connection:
        tables = sqlalchemy.inspect(connection).get_table_names()
        rows = [str(row) for table in tables for row in connection.execute(sqlalchemy.text(f'SELECT * FROM "{table}"'))]
    engine.dispose()
    assert len(rows) > 5
    assert [row for row in rows if "192.0.2.7" in row or "canary" in row] == []


def test_erased_bytes_are_gone_from_the_file(sqlite_shop: Shop, clock: Clock, tmp_path: Path) -> None:
    sqlite_shop.report("10.00", person={"ip": "canary-192.0.2.7"})
    sqlite_shop.report("10.00", "purchase:2", person={"ip": "kept-192.0.2.8"}, not_before=clock.now + timedelta(days=9))
    sqlite_shop.send()
    clock.forward(days=1)
    sqlite_shop.ledger.erase_payloads(clock.now)
    sqlite_shop.ledger.close()
    contents = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"kept-192.0.2.8" in contents
    assert b"canary" not in contents
