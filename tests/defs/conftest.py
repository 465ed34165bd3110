"""A small deployment in a temporary folder: landing files, definitions, settings, a sandbox network, a ledger."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from postback_pipeline.delivery.enqueue import enqueue_outbox, rules_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Ledger, Result, create_ledger
from postback_pipeline.model import Desired, Facts, Outcome
from postback_pipeline.sandbox.running import sandbox_thread
from postback_pipeline.sandbox.server import Sandbox
from postback_pipeline.settings import CONFIG_VARIABLE, HOME_VARIABLE, Settings, load_settings
from tests.defs.production import CHECKOUT, Deployment, production

ENVIRONMENT = "testing"

SETTINGS = """
environment = "{environment}"
first_day = 2026-01-01

[ledger]
{ledger}

[sources.landing]
kind = "folder"

[guard]
minimum = {guard_minimum}

[destinations.google]
type = "url_template"
deduplicates = true
accepted_when = {{ status = [200], json = {{ status = "accepted" }} }}
duplicate_when = {{ json = {{ status = "duplicate" }} }}
rejected_when = {{ json = {{ status = "rejected" }} }}
conversion.url = "{url}/google/conversion?{query}&gclid={{gclid}}"
restatement.url = "{url}/google/restatement?{query}"
retraction.url = "{url}/google/retraction?{query}"

[destinations.partner]
type = "url_template"
accepted_when = {{ status = [200], json = {{ status = "accepted" }} }}
conversion.url = "{url}/partner/conversion?{query}&irclickid={{irclickid}}"
"""
QUERY = "key={key}&transaction_id={transaction_id}&kind={kind}&value={value}&currency={currency}"

CONVERSIONS = """\
event_name,source_entity,qualifying_statuses,action_at,qualified_at,value_rule,zero_values,hold_days
purchase,orders,paid|shipped|completed,ordered_at,ordered_at,gross,exclude,0
"""
ROUTES = """\
destination,event_name,receiver_event,match_on,identifiers,lookback_days,scope,hold_days,event_time,consent_purposes,\
consent_denied,consent_unknown,pixel_deduplication,event_id_template,send_reversals,start_at,end_at
google,purchase,Purchase,click,gclid,30,network,0,action_at,,block,send,none,,true,2026-01-01T00:00:00Z,
partner,purchase,sale,click,irclickid,30,network,0,action_at,,block,send,none,,true,2026-01-01T00:00:00Z,
"""
PARAMETERS = """\
parameter,identifier,network
gclid,gclid,google
irclickid,irclickid,partner
"""


@dataclass
class Shop:
    """The deployment under test."""

    home: Path
    sandbox: Sandbox
    log: Path
    _files: int = field(default=0)

    def settings(self) -> Settings:
        return load_settings()

    def clicks(self, *rows: Mapping[str, Any], file: str = "") -> Path:
        path = self._path("clicks", file, "jsonl")
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def orders(self, *rows: Mapping[str, Any], file: str = "") -> Path:
        return self._csv("orders", rows, file)

    def refunds(self, *rows: Mapping[str, Any], file: str = "") -> Path:
        return self._csv("refunds", rows, file)

    def received(self) -> list[dict[str, Any]]:
        """The decoded query of every request that the sandbox read, in order."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line)["query"] for line in lines]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings().published_path), read_only=True) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).fetchall()

    def _csv(self, entity: str, rows: Sequence[Mapping[str, Any]], file: str) -> Path:
        path = self._path(entity, file, "csv")
        with path.open("w", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def _path(self, entity: str, file: str, ending: str) -> Path:
        self._files += 1
        path = self.home / "landing" / entity / f"{file or f'{self._files:03}'}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def order(order_id: int, amount: str = "10.00", *, day: int = 10, session: str = "", **more: Any) -> dict[str, Any]:
    """An order of January 2026, whose session is its own unless named."""
    return {
        "order_id": order_id,
        "ordered_at": f"2026-01-{day:02}T12:00:00Z",
        "status": "paid",
        "amount": amount,
        "currency": "EUR",
        "session_id": session or f"s{order_id}",
        **more,
    }


def click(order_id: int, parameter: str = "gclid", *, day: int = 9, **more: Any) -> dict[str, Any]:
    """A click of January 2026 in the session of an order."""
    return {
        "click_id": f"{parameter}-{order_id}",
        "clicked_at": f"2026-01-{day:02}T12:00:00Z",
        "landing_url": f"https://shop.example/?{parameter}=id%2F{order_id}",
        "session_id": f"s{order_id}",
        **more,
    }


def refund(refund_id: int, order_id: int, amount: str, *, day: int = 12, kind: str = "refund") -> dict[str, Any]:
    """A refund of January 2026."""
    return {
        "refund_id": f"r{refund_id}",
        "order_id": order_id,
        "refunded_at": f"2026-01-{day:02}T12:00:00Z",
        "amount": amount,
        "currency": "EUR",
        "kind": kind,
    }


def write_deployment(home: Path, url: str, *, guard_minimum: int = 1_000, ledger: str = "") -> Path:
    """Settings and definitions of the small deployment, as files; returns the settings file."""
    definitions = home / "definitions"
    definitions.mkdir(parents=True, exist_ok=True)
    (definitions / "conversions.csv").write_text(CONVERSIONS)
    (definitions / "routes.csv").write_text(ROUTES)
    (definitions / "click_id_parameters.csv").write_text(PARAMETERS)
    (home / "landing").mkdir(exist_ok=True)
    file = home / "postbacks.toml"
    file.write_text(
        SETTINGS.format(environment=ENVIRONMENT, ledger=ledger, guard_minimum=guard_minimum, url=url, query=QUERY)
    )
    return file


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A deployment with an empty landing folder, its own Dagster instance, and a fresh ledger on SQLite."""
    log = tmp_path / "received.jsonl"
    with sandbox_thread(log) as sandbox:
        monkeypatch.setenv(CONFIG_VARIABLE, str(write_deployment(tmp_path, sandbox.url)))
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
        # Read when an instance is made; without it the run makes its own, below the deployment's home.
        monkeypatch.delenv("DAGSTER_HOME", raising=False)
        settings = load_settings()
        create_ledger(settings.ledger_url(), ENVIRONMENT)
        yield Shop(tmp_path, sandbox, log)


def desired(destination: str, number: int, **person: str) -> Desired:
    """A row of the outbox about order `number`."""
    now = datetime.now(UTC)
    identifier = {"google": "gclid", "partner": "irclickid"}[destination]
    facts = Facts(
        receiver_event="Purchase",
        event_id=None,
        transaction_id=str(number),
        action_at=now - timedelta(hours=2),
        event_time=now - timedelta(hours=1),
        click_id=f"click-{number}",
        clicked_at=None,
        identifiers={identifier: f"id/{number}"},
    )
    return Desired(
        destination=destination,
        conversion_key=f"purchase:{number}",
        event_name="purchase",
        desired_value=Decimal("10.00"),
        currency="EUR",
        fingerprint="10.0000 EUR",
        computed_against=0,
        reason_code="eligible",
        facts=facts,
        person=person,
    )


@pytest.fixture
def deployment(
    shop: Shop, make: Make, postgres_database: str, second_postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """Dagster's processes over the small shop, everything of theirs on PostgreSQL; so is the ledger."""
    monkeypatch.setenv("TEST_LEDGER_URL", postgres_database)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", second_postgres_database)
    monkeypatch.setenv("DAGSTER_HOME", str(shop.home / "instance"))
    make.deployment(shop, ledger='url_env = "TEST_LEDGER_URL"')
    (shop.home / "instance").mkdir()
    shutil.copy(CHECKOUT / "dagster.yaml", shop.home / "instance")
    create_ledger(postgres_database, ENVIRONMENT)
    with production(shop.home) as answers:
        yield answers


class Make:
    """Rows and windows for the small shop."""

    order = staticmethod(order)
    click = staticmethod(click)
    refund = staticmethod(refund)
    desired = staticmethod(desired)

    @staticmethod
    def deployment(shop: Shop, *, guard_minimum: int = 1_000, ledger: str = "") -> None:
        """Writes the shop's settings anew, with another guard or another ledger."""
        write_deployment(shop.home, shop.sandbox.url, guard_minimum=guard_minimum, ledger=ledger)

    @staticmethod
    def due(ledger: Ledger, destination: str, *numbers: int, **person: str) -> None:
        """Enqueues postbacks about these orders, without a build."""
        settings = load_settings()
        rows = [desired(destination, number, **person) for number in numbers]
        report = enqueue_outbox({destination: rows}, ledger, build_destinations(settings), settings)[destination]
        assert report.inserted == len(numbers), report

    @staticmethod
    def flood(ledger: Ledger, destination: str, *numbers: int) -> int:
        """Enqueues too many postbacks, without a build; the number of the approval that waits."""
        settings = load_settings()
        rows = [desired(destination, number) for number in numbers]
        stopped_by = enqueue_outbox({destination: rows}, ledger, build_destinations(settings), settings)[
            destination
        ].stopped_by
        assert stopped_by is not None
        return stopped_by.id

    @staticmethod
    def settle(ledger: Ledger, destination: str, outcome: Outcome, reason: str = "", receipt: str = "") -> None:
        """Claims whatever is due and records that every attempt ended so, without sending anything.

        With a `receipt` the receiver has taken it, and is to judge later.
        """
        settings = load_settings()
        rules = rules_of(build_destinations(settings)[destination], settings.destinations[destination])
        rules = replace(rules, judges_later=bool(receipt))
        claims = ledger.claim(destination, 100, lease_seconds=60, owner="a drain", rules=rules)
        results = [
            Result(claim.postback_id, claim.token, outcome, ledger.now(), reason=reason, receipt=receipt)
            for claim in claims
        ]
        ledger.record(results, rules=rules)

    @staticmethod
    def days(first: int, last: int, *, year: int = 2026) -> tuple[date, date]:
        """A window of days of January."""
        return date(year, 1, first), date(year, 1, last)


@pytest.fixture
def make() -> Make:
    """What builds rows; test modules cannot import from a conftest."""
    return Make()
