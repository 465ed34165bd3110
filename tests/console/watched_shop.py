"""A small shop whose figures are known by heart, measured by the real models, with a ledger of its own beside it.

Belongs here: its definitions, rows and postbacks. Does not belong here: any test, any expectation.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from postback_pipeline.delivery.enqueue import enqueue_outbox, rules_of
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Ledger, Result, create_ledger, open_ledger
from postback_pipeline.model import Desired, Facts, Outcome, Phase
from postback_pipeline.settings import Settings, load_settings
from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE, Deployment, Row

BUILT = datetime(2026, 1, 15, 12, tzinfo=UTC)
#: A click id that is a script, and an order's id that is one as well.
HOSTILE_CLICK = "<script>alert('click')</script>"
HOSTILE_ORDER = "<img src=x onerror=alert(1)>"
ORDERS = 12

DEFINITIONS = {
    "conversions": "event_name,source_entity,qualifying_statuses\npurchase,orders,paid\n",
    "routes": (
        "destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes\n"
        "partner,purchase,sale,click,gclid,30,\nrival,purchase,sale,click,msclkid,30,\n"
    ),
    "click_id_parameters": "parameter,identifier,network\ngclid,gclid,google\nmsclkid,msclkid,microsoft\n",
}
SETTINGS = """
environment = "watched"
first_day = 2026-01-01
[destinations.partner]
type = "url_template"
accepted_when = { status = [200] }
restatement.url = "http://127.0.0.1:9/r"
retraction.url = "http://127.0.0.1:9/r"
headers = { "X-Token" = "{secret:PARTNER_TOKEN}" }
[destinations.partner.conversion]
url = "http://127.0.0.1:9/p?click={gclid}&value={value}&currency={currency}&order={transaction_id}&em={email_sha256?}"
[destinations.rival]
type = "url_template"
accepted_when = { status = [200] }
conversion.url = "http://127.0.0.1:9/q?click={msclkid}"
"""


def _clicks() -> Iterator[Row]:
    for number in range(1, ORDERS + 1):
        yield {
            "click_id": HOSTILE_CLICK if number == 1 else f"click-{number}",
            "clicked_at": "2026-01-09T08:00Z",
            "landing_url": f"https://shop.example/?{'gclid' if number % 3 else 'msclkid'}=id-{number}",
            "session_id": f"session-{number}",
        }


def _orders() -> Iterator[Row]:
    for number in range(1, ORDERS + 1):
        day = f"2026-01-{10 + number % 3}T09:00Z"
        yield {
            "order_id": HOSTILE_ORDER if number == 1 else f"47{number:02d}",
            "ordered_at": day,
            "status": "paid",
            "amount": f"{number}.50",
            "currency": "EUR",
            "updated_at": day,
            "session_id": f"session-{number}",
            "email": "ann@example.com",
        }


def measure_shop(folder: Path) -> Path:
    """Builds and measures it, as if its receivers had accepted what was due; returns the warehouse file."""
    with DbtProcess(folder) as dbt:
        shop = Deployment(folder / "home", dbt, {"partner": ADJUSTABLE, "rival": ""}, DEFINITIONS)
        shop.file("clicks", "clicks", list(_clicks()))
        shop.file("orders", "orders", list(_orders()))
        shop.build(BUILT - timedelta(days=1))
        shop.accept_outbox(BUILT - timedelta(days=1))
        shop.build(BUILT)
        dbt.invoke(shop.warehouse, "run", "--select", "tag:measure")
    return shop.warehouse


def publish_shop(folder: Path, warehouse: Path) -> Settings:
    """A deployment of its own that has published this warehouse; no ledger yet."""
    (folder / "postbacks.toml").write_text(SETTINGS, encoding="utf-8")
    settings = load_settings(folder / "postbacks.toml")
    settings.published_path.parent.mkdir(parents=True)
    shutil.copyfile(warehouse, settings.published_path)
    return settings


@contextmanager
def shop_ledger(settings: Settings) -> Iterator[Ledger]:
    """Its ledger: of four postbacks one was accepted, one refused, one is parked, and one waits."""
    create_ledger(settings.ledger_url(), settings.environment)
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        built = build_destinations(settings)
        rules = rules_of(built["partner"], settings.destinations["partner"])
        for order, ended in (
            ("4702", {"outcome": Outcome.ACCEPTED, "http_status": 200, "reply_head": "HTTP 200; OK"}),
            ("4704", {"outcome": Outcome.REJECTED, "reason": "unknown <click>", "http_status": 422, "final": True}),
            ("4705", {"outcome": Outcome.UNKNOWN, "reason": "no reply", "phase": Phase.WRITTEN}),
        ):
            enqueue_outbox({"partner": [_desired(order)]}, ledger, built, settings)
            for claim in ledger.claim("partner", 10, lease_seconds=60, owner="worker", rules=rules):
                result = Result(claim.postback_id, claim.token, finished_at=ledger.now(), **ended)
                ledger.record([result], rules=rules)
        ledger.sweep("partner", rules)
        enqueue_outbox({"partner": [_desired("4707")]}, ledger, built, settings)
        yield ledger


def _desired(order: str) -> Desired:
    acted = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=2)
    facts = Facts(
        receiver_event="sale",
        event_id=None,
        transaction_id=order,
        action_at=acted,
        event_time=acted,
        click_id=HOSTILE_CLICK,
        clicked_at=acted - timedelta(hours=2),
        identifiers={"gclid": f"gclid-of-{order}"},
    )
    return Desired(
        destination="partner",
        conversion_key=f"purchase:{order}",
        event_name="purchase",
        desired_value=Decimal("10.50"),
        currency="EUR",
        fingerprint="10.5000 EUR",
        computed_against=0,
        reason_code="eligible",
        facts=facts,
        person={"email": "ann@example.com"},
    )
