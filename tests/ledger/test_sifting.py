"""Most rows of an outbox are settled many at a time: exactly as the decision would have it row by row."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import sqlalchemy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from postback_pipeline.ledger import Action, Ledger, Rules, open_ledger
from postback_pipeline.ledger.decision import Known, decide
from postback_pipeline.ledger.known import read_known
from postback_pipeline.ledger.outbox import Belief, RowsInMemory
from postback_pipeline.ledger.schema import postbacks, standings
from postback_pipeline.model import Desired, Facts, Kind, State
from postback_pipeline.settings import Guard

if TYPE_CHECKING:
    from tests.ledger.conftest import Shop

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FACTS = Facts("Purchase", None, "1", NOON, NOON, None, None)
RULES = Rules(restatement=True, retraction=True, adjusts_pixel=True)
#: More than a range may hold besides what is asked for, all of them between the keys that are.
BETWEEN = [f"purchase:0-{number}" for number in range(600)]


class Held(NamedTuple):
    """One revision, as an example puts it into the ledger."""

    kind: Kind
    state: State
    value: str
    by_person: bool
    attempts: int
    unknown: int


held = st.builds(
    Held,
    st.sampled_from(Kind),
    st.sampled_from(State),
    st.sampled_from(["0", "8", "10"]),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 1),
)
conversion = st.tuples(
    st.lists(held, max_size=3),
    st.sampled_from(["0", "8", "10", "10.00"]),
    st.integers(0, 3),
    st.booleans(),
    st.sampled_from([None, "8", "10"]),
)


def row(key: str, value: str = "10", against: int = 0, zero_counts: bool = False, pixel: str | None = None) -> Desired:
    return Desired(
        destination="meta",
        conversion_key=key,
        event_name="purchase",
        desired_value=Decimal(value),
        currency="GBP",
        fingerprint=f"{Decimal(value):.4f} GBP",
        computed_against=against,
        reason_code="reported",
        facts=FACTS,
        pixel_reported_value=None if pixel is None else Decimal(pixel),
        zero_counts=zero_counts,
    )


def stored(key: str, number: int, revision: Held) -> dict[str, Any]:
    """A revision: what its rows in both tables hold, save the id."""
    value = Decimal(revision.value)
    return {
        **dict.fromkeys(("event_name", "receiver_event", "reason_code", "transaction_id"), "x"),
        **dict.fromkeys(("definition_version", "element", "element_hash"), ""),
        **dict.fromkeys(("action_at", "event_time", "created_at", "changed_at", "due_at"), NOON),
        "destination": "meta",
        "conversion_key": key,
        "revision": number,
        "kind": revision.kind.value,
        "value": value,
        "currency": "GBP",
        "fingerprint": f"{value:.4f} GBP",
        "state": revision.state.value,
        "by_person": revision.by_person,
        "attempts": revision.attempts,
        "unknown_attempts": revision.unknown,
        "origin": "enqueue",
        "identifiers": {},
        "expires_at": None,
    }


def store(connection: sqlalchemy.Connection, revisions: Sequence[dict[str, Any]]) -> None:
    """Writes revisions and their standings."""
    last: int = connection.execute(sqlalchemy.select(sqlalchemy.func.max(postbacks.c.id))).scalar_one() or 0
    numbered = [{"id": number, **revision} for number, revision in enumerate(revisions, start=last + 1)]
    for table in (postbacks, standings):
        rows = [{name: row[name] for name in row.keys() & table.columns.keys()} for row in numbered]
        if rows:
            connection.execute(sqlalchemy.insert(table), rows)


@pytest.fixture(scope="module")
def crowded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that holds much besides what an example asks for."""
    file = Path(shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("crowded") / "ledger.sqlite"))
    engine = sqlalchemy.create_engine(f"sqlite:///{file}")
    accepted = Held(Kind.CONVERSION, State.ACCEPTED, "10", False, 1, 0)
    with engine.begin() as connection:
        store(connection, [stored(key, 1, accepted) for key in BETWEEN])
    engine.dispose()
    return file


def by_row(ledger: Ledger, rows: Sequence[Desired]) -> Counter[Action]:
    """What the decision says about each row by itself."""
    with ledger._database.reading() as connection:
        known = read_known(connection, "meta", [each.conversion_key for each in rows])
        return Counter(decide(each, known.get(each.conversion_key, Known()), RULES).action for each in rows)


#: A row that the ledger holds already, and the same one computed before it did.
FOUND = ([Held(Kind.CONVERSION, State.ACCEPTED, "10", False, 1, 0)], "10", 1, False, None)
BEHIND = (*FOUND[:2], 0, *FOUND[3:])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(conversion, min_size=1, max_size=8), st.booleans())
@example([FOUND, BEHIND], False)
@example([FOUND, BEHIND], True)
def test_any_mix_comes_to_what_the_decision_says_row_by_row(
    sqlite_template: Path, crowded: Path, conversions: list[Any], among_many: bool
) -> None:
    keys = [f"purchase:{number}" for number in range(len(conversions))]
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{shutil.copyfile(crowded if among_many else sqlite_template, Path(folder) / 'ledger.sqlite')}"
        with open_ledger(url, "test") as ledger:
            revisions = [
                stored(key, number, revision)
                for key, (before, *_) in zip(keys, conversions, strict=True)
                for number, revision in enumerate(before, start=1)
            ]
            with ledger._database.writing() as connection:
                store(connection, revisions)
            rows = [row(key, *wanted) for key, (_, *wanted) in zip(keys, conversions, strict=True)]
            report = ledger.enqueue(
                "meta", rows, rules=RULES, render=lambda postback: postback.key, guard=Guard(), dry_run=True
            )
            assert report.actions == by_row(ledger, rows)
            if conversions == [FOUND, BEHIND]:
                # The examples did get into the ledger.
                assert report.actions == {Action.KNOWN: 1, Action.STALE: 1}


KEYS = ["purchase:B", "purchase:a", "purchase:Z", "purchase:é", "purchase:_", "purchase:-1", "lead:1", "purchase:🧾"]


def test_keys_are_found_whatever_the_order_of_the_database_s_language(shop: Shop) -> None:
    rows = [shop.desired(key, against=0) for key in KEYS]
    assert shop.enqueue(*rows).inserted == len(KEYS)
    for some in (rows, rows[::2], rows[3:5]):
        again = [replace(row, computed_against=1) for row in some]
        assert shop.enqueue(*again).actions == {Action.KNOWN: len(some)}


def test_many_between_the_few_that_are_asked_for_hide_none(shop: Shop) -> None:
    shop.guard = shop.guard.model_copy(update={"minimum": 10_000})
    shop.enqueue(*[shop.desired(key, against=0) for key in [*BETWEEN, "purchase:0", "purchase:1"]])
    asked = [shop.desired("purchase:0", against=1), shop.desired("purchase:1", "8.00", against=1)]
    new = shop.desired("purchase:0-new", against=0)
    assert shop.enqueue(*asked, new).actions == {Action.KNOWN: 1, Action.REPLACE: 1, Action.INSERT: 1}


class Watched(RowsInMemory):
    """Notes which rows are asked for whole."""

    def __init__(self, destination: str, rows: Sequence[Desired]) -> None:
        super().__init__(destination, rows)
        self.read: list[str] = []

    def beliefs(self) -> Iterator[list[Belief]]:
        # In small pieces, so that a conversion's second row comes in another one.
        for beliefs in super().beliefs():
            yield from ([belief] for belief in beliefs)

    def rows(self, keys: Collection[str]) -> Iterator[list[Desired]]:
        self.read += keys
        return super().rows(keys)


def test_only_rows_that_differ_are_read_whole(shop: Shop) -> None:
    known, changed, new = (f"purchase:{number}" for number in range(3))
    shop.enqueue(shop.desired(known), shop.desired(changed))
    rows = [shop.desired(known), shop.desired(changed, "8.00"), shop.desired(new), shop.desired(new, "9.00")]
    outbox = Watched("meta", rows)
    report = shop.ledger.enqueue("meta", outbox, rules=shop.rules, render=shop.render, guard=shop.guard)
    assert report.actions == {Action.KNOWN: 1, Action.REPLACE: 1, Action.INSERT: 1, Action.REFUSED: 1}
    assert outbox.read == [changed, new]
    assert shop.newest(new).value == Decimal("10.00")


@pytest.mark.parametrize("odd", ["a\tb", "a\\b", "line\nbreak", "\r", "\x02", "\\N", "", "'\"", "🧾", "\\x02"])
def test_any_text_is_stored_as_it_is(shop: Shop, odd: str) -> None:
    facts = shop.facts(event_id=odd, click_id=odd, identifiers={"subid": odd, odd: "x"})
    shop.enqueue(shop.desired(facts=facts), render=lambda postback: f"<{odd}>")
    story = shop.newest()
    assert (story.event_id, story.click_id) == (odd, odd)
    with shop.ledger._database.reading() as connection:
        assert connection.execute(sqlalchemy.select(postbacks.c.identifiers)).scalar_one() == facts.identifiers
    assert shop.claim()[0].element == f"<{odd}>"
