"""A ledger on either database, a clock that tests move, and short ways to do to it what the system does."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from postback_pipeline.ledger import (
    Claim,
    EnqueueReport,
    Ledger,
    Result,
    Rules,
    Selection,
    Story,
    create_ledger,
    open_ledger,
)
from postback_pipeline.ledger.receipts import FIRST_AFTER
from postback_pipeline.ledger.schema import metadata
from postback_pipeline.model import Desired, Facts, Later, Outcome, Phase, Postback, State
from postback_pipeline.settings import Guard

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
EVERYTHING = Rules(restatement=True, retraction=True, reinstatement=True, adjusts_pixel=True, max_attempts=3)


@dataclass
class Clock:
    """The ledger's clock."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += timedelta(**amount)


@dataclass
class Shop:
    """One ledger with one destination, `meta`, unless told otherwise."""

    ledger: Ledger
    clock: Clock
    rules: Rules = EVERYTHING
    guard: Guard = field(default_factory=Guard)
    rendered: list[Postback] = field(default_factory=list)

    def desired(
        self,
        key: str = "purchase:1",
        value: str = "10.00",
        *,
        against: int | None = None,
        currency: str = "GBP",
        destination: str = "meta",
        facts: Facts | None = None,
        **more: Any,
    ) -> Desired:
        """A row of the outbox, computed against the ledger as it is unless told otherwise."""
        if against is None:
            against = max([story.revision for story in self.stories(key, destination)], default=0)
        return Desired(
            destination=destination,
            conversion_key=key,
            event_name="purchase",
            desired_value=Decimal(value),
            currency=currency,
            fingerprint=f"{Decimal(value):.4f} {currency}",
            computed_against=against,
            reason_code="reported" if Decimal(value) else "refunded",
            facts=facts or self.facts(key),
            **more,
        )

    def facts(self, key: str = "purchase:1", **changes: Any) -> Facts:
        facts = Facts(
            receiver_event="Purchase",
            event_id=f"event-{key}",
            transaction_id=key.partition(":")[2],
            action_at=START - timedelta(hours=2),
            event_time=START - timedelta(hours=1),
            click_id="click-1",
            clicked_at=START - timedelta(hours=3),
            identifiers={"fbclid": "fb.1"},
            definition_version="d1.r1",
        )
        return replace(facts, **changes)

    def render(self, postback: Postback) -> str:
        self.rendered.append(postback)
        return f"{postback.key} {postback.kind} {postback.value} {postback.person.get('ip', '')}"

    def enqueue(self, *rows: Desired, **given: Any) -> EnqueueReport:
        options: dict[str, Any] = {"rules": self.rules, "render": self.render, "guard": self.guard, **given}
        destination = rows[0].destination if rows else "meta"
        return self.ledger.enqueue(destination, rows, **options)

    def report(self, value: str, key: str = "purchase:1", **more: Any) -> EnqueueReport:
        """Enqueues one desired value."""
        return self.enqueue(self.desired(key, value, **more))

    def claim(
        self, limit: int = 100, *, destination: str = "meta", lease: float = 60, owner: str = "w1"
    ) -> list[Claim]:
        return self.ledger.claim(destination, limit, lease_seconds=lease, owner=owner, rules=self.rules)

    def result(self, claim: Claim, outcome: Outcome = Outcome.ACCEPTED, **more: Any) -> Result:
        values: dict[str, Any] = {"phase": Phase.DONE, "http_status": 200} | more
        if self.rules.judges_later and outcome is Outcome.ACCEPTED:
            values.setdefault("receipt", claim.key)
        return Result(claim.postback_id, claim.token, outcome, self.clock.now, **values)

    def record(self, claim: Claim, outcome: Outcome = Outcome.ACCEPTED, **more: Any) -> int:
        return self.ledger.record([self.result(claim, outcome, **more)], rules=self.rules).late

    def send(self, outcome: Outcome = Outcome.ACCEPTED, **more: Any) -> Claim:
        """Claims the one due postback and records its outcome."""
        (claim,) = self.claim()
        assert self.record(claim, outcome, **more) == 0
        return claim

    def tell(self, value: str, key: str = "purchase:1", **more: Any) -> None:
        """Enqueues a desired value and has it accepted."""
        self.report(value, key, **more)
        self.send()

    def judge(self, later: Later, key: str = "purchase:1.1", reason: str = "upload_done") -> int:
        """The receiver's later verdict on a postback that it took, as soon as it is asked for; how many it moved."""
        self.clock.forward(seconds=FIRST_AFTER.total_seconds())
        receipts = {inquiry.receipt: inquiry.receipt_id for inquiry in self.ledger.inquiries("meta", 1_000)}
        return self.ledger.heed(receipts[key], later, reason)

    def sweep(self, destination: str = "meta") -> Counter[State]:
        """Sweeps; how many postbacks went into each state."""
        before = len(self.history())
        self.ledger.sweep(destination, self.rules)
        return Counter(State(row["to_state"]) for row in self.history()[before:])

    def stories(self, key: str = "purchase:1", destination: str = "meta") -> list[Story]:
        return [story for story in self.ledger.inspect(key) if story.destination == destination]

    def newest(self, key: str = "purchase:1") -> Story:
        return self.stories(key)[-1]

    def state(self, key: str = "purchase:1") -> State:
        return self.newest(key).state

    def states(self, key: str = "purchase:1") -> list[State]:
        """By revision."""
        return [story.state for story in self.stories(key)]

    def replay(self, *ids: int, **options: Any) -> Any:
        return self.ledger.replay(Selection(ids=ids), actor="ann", reason="asked to", **options)

    def history(self) -> Sequence[dict[str, Any]]:
        return [row for rows in self.ledger.history(0) for row in rows]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty ledger; copying it is faster than making one."""
    file = tmp_path_factory.mktemp("template") / "ledger.sqlite"
    create_ledger(f"sqlite:///{file}", "test", clock=Clock())
    return file


@pytest.fixture(scope="session")
def postgres_ledger(postgres_server: str) -> Iterator[sqlalchemy.Engine]:
    """A ledger that the tests use one after the other: emptying it is faster than making one."""
    server = sqlalchemy.create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=sqlalchemy.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE ledger")
    url = sqlalchemy.make_url(postgres_server).set(database="ledger")
    create_ledger(url.render_as_string(hide_password=False), "test", clock=Clock())
    # Other tests crash this server: connections of before are no good.
    engine = sqlalchemy.create_engine(url, pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture
def postgres_url(postgres_ledger: sqlalchemy.Engine) -> str:
    """URL of an empty PostgreSQL ledger of environment `test`."""
    tables = ", ".join(table.name for table in metadata.sorted_tables if table.name != "ledger_identity")
    with postgres_ledger.begin() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
    return postgres_ledger.url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """URL of an empty SQLite ledger of environment `test`."""
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'ledger.sqlite')}"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """URL of an empty ledger of environment `test`."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(ledger_url: str, clock: Clock) -> Iterator[Shop]:
    with open_ledger(ledger_url, "test", clock=clock) as ledger:
        yield Shop(ledger, clock)


@pytest.fixture
def sqlite_shop(sqlite_url: str, clock: Clock) -> Iterator[Shop]:
    with open_ledger(sqlite_url, "test", clock=clock) as ledger:
        yield Shop(ledger, clock)


@pytest.fixture
def postgres_shop(postgres_url: str, clock: Clock) -> Iterator[Shop]:
    with open_ledger(postgres_url, "test", clock=clock) as ledger:
        yield Shop(ledger, clock)
