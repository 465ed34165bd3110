"""Fixtures of the command line's tests: a deployment in a folder, and the command line on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner
from typer.testing import Result as CliResult

from postback_pipeline.cli import app
from postback_pipeline.delivery.enqueue import enqueue_outbox, rules_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import EnqueueReport, Ledger, Result, create_ledger, open_ledger
from postback_pipeline.model import Desired, Facts
from postback_pipeline.settings import Settings, load_settings

SETTINGS = """
environment = "staging"
[destinations.partner]
type = "url_template"
accepted_when = { status = [200], body_regex = "^OK" }
headers = { "X-Token" = "{secret:PARTNER_TOKEN}" }
[destinations.partner.conversion]
url = "http://127.0.0.1:9/p?key={secret:PARTNER_KEY}&click={gclid}&value={value}&currency={currency}&em={email_sha256?}"
[destinations.crm]
type = "webhook"
url = "http://127.0.0.1:9/crm"
secret_env = "CRM_SECRET"
"""
CONVERSIONS = "event_name,source_entity,qualifying_statuses\npurchase,orders,paid\n"
ROUTES = (
    "destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes\n"
    "partner,purchase,sale,click,gclid,30,\n"
)
PARAMETERS = "parameter,identifier,network\ngclid,gclid,google\n"
ACTED = datetime(2026, 1, 10, 9, tzinfo=UTC)

Postback = Callable[..., CliResult]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the surrounding deployment."""
    for name in ("POSTBACK_CONFIG", "POSTBACK_HOME", "PARTNER_TOKEN", "PARTNER_KEY", "CRM_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings and definitions in the working folder, no ledger and no warehouse yet."""
    (tmp_path / "postbacks.toml").write_text(SETTINGS)
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "conversions.csv").write_text(CONVERSIONS)
    (tmp_path / "definitions" / "routes.csv").write_text(ROUTES)
    (tmp_path / "definitions" / "click_id_parameters.csv").write_text(PARAMETERS)
    (tmp_path / "data" / "landing").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return load_settings()


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, deployment: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """The deployment's ledger, open beside the command line, on SQLite and on PostgreSQL."""
    if request.param == "postgres":
        monkeypatch.setenv("LEDGER_URL", request.getfixturevalue("postgres_database"))
        deployment.file.write_text(
            SETTINGS.replace("[destinations", '[ledger]\nurl_env = "LEDGER_URL"\n[destinations', 1)
        )
    settings = load_settings()
    create_ledger(settings.ledger_url(), settings.environment)
    with open_ledger(settings.ledger_url(), settings.environment) as opened:
        yield opened


@pytest.fixture
def sqlite_ledger(deployment: Settings) -> Iterator[Ledger]:
    """The deployment's ledger, open beside the command line, on SQLite."""
    create_ledger(deployment.ledger_url(), deployment.environment)
    with open_ledger(deployment.ledger_url(), deployment.environment) as opened:
        yield opened


@pytest.fixture
def postback(deployment: Settings) -> Postback:
    """Runs `postback ...` in the deployment's folder."""

    def run(*arguments: str, answer: str | None = None) -> CliResult:
        return CliRunner().invoke(app, list(arguments), input=answer)

    return run


@pytest.fixture
def desired() -> Callable[..., Desired]:
    """Makes rows of the outbox for destination `partner`; `other` replaces fields."""

    def make(order: str, value: str = "10.50", **other: object) -> Desired:
        values: dict[str, object] = {
            "destination": "partner",
            "conversion_key": f"purchase:{order}",
            "event_name": "purchase",
            "desired_value": Decimal(value),
            "currency": "GBP",
            "fingerprint": f"{Decimal(value):.4f} GBP",
            "computed_against": 0,
            "reason_code": "eligible",
            "facts": Facts(
                receiver_event="sale",
                event_id=None,
                transaction_id=order,
                action_at=ACTED,
                event_time=ACTED,
                click_id=f"clk-{order}",
                clicked_at=ACTED - timedelta(hours=2),
                identifiers={"gclid": f"g-{order}"},
            ),
            "person": {"email": "Ann@Example.com", "ip": "203.0.113.9"},
        }
        return Desired(**(values | other))  # type: ignore[arg-type]

    return make


@pytest.fixture
def enqueue() -> Callable[..., EnqueueReport]:
    """Writes rows of one destination's outbox into a ledger, as a build does, and returns what happened."""

    def write(ledger: Ledger, *rows: Desired) -> EnqueueReport:
        settings = load_settings()
        (destination,) = {row.destination for row in rows}
        return enqueue_outbox({destination: rows}, ledger, build_destinations(settings), settings)[destination]

    return write


@pytest.fixture
def send() -> Callable[..., None]:
    """Claims what is due for `partner` and records every attempt as `ended`, as a drain does."""

    def work(ledger: Ledger, **ended: object) -> None:
        settings = load_settings()
        rules = rules_of(build_destinations(settings)["partner"], settings.destinations["partner"])
        for claim in ledger.claim("partner", 100, lease_seconds=60, owner="worker", rules=rules):
            values = {"finished_at": ledger.now(), **ended}
            ledger.record([Result(claim.postback_id, claim.token, **values)], rules=rules)  # type: ignore[arg-type]

    return work
