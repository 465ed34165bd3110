"""What must never happen by accident: a flood, a leak, a plan that touches something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from postback_pipeline.defs.plan import plan_pipeline
from postback_pipeline.defs.runs import run_pipeline
from postback_pipeline.ledger import open_ledger


def test_a_flood_waits_for_an_approval_that_names_it(shop: Any, make: Any) -> None:
    make.deployment(shop, guard_minimum=2)
    shop.orders(*(make.order(number) for number in range(1, 6)))
    shop.clicks(*(make.click(number) for number in range(1, 6)))
    settings = shop.settings()

    run_pipeline(settings, None, progress=lambda line: None)
    assert shop.received() == []
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        (waiting,) = ledger.approvals()
        assert (waiting.destination, waiting.postbacks) == ("google", 5)
        ledger.approve(waiting.id, actor="a person", reason="the first load")

    run_pipeline(settings, None, progress=lambda line: None)
    assert len(shop.received()) == 5


def test_a_plan_says_what_a_run_would_send_and_touches_nothing(shop: Any, make: Any) -> None:
    shop.orders(make.order(1), make.order(2))
    shop.clicks(make.click(1), make.click(2, "irclickid"))
    before = files(shop.home)

    planned = plan_pipeline(shop.settings(), None, progress=lambda line: None)

    assert {each["destination"]: each["send"] for each in planned["destinations"]} == {"google": 1, "partner": 1}
    changed = {name for name, content in files(shop.home).items() if before.get(name) != content}
    assert {name.split("/")[0] for name in changed} <= {"reports", "dbt"}, "only logs of the scratch build are new"
    assert shop.received() == []


def test_personal_data_is_in_no_log_report_metadata_or_attempt(shop: Any, make: Any) -> None:
    canary = "canary.person@example.com"
    shop.orders(
        make.order(1, email=canary, phone="+491700000017", ip="198.51.100.77"),
        make.order(2, email=canary, phone="+491700000017", ip="198.51.100.77", amount="not an amount"),
    )
    shop.clicks(make.click(1))
    settings = shop.settings()
    run_pipeline(settings, None, progress=lambda line: None)
    assert len(shop.received()) == 1

    leaked = [
        name
        for name, content in files(shop.home).items()
        if not name.startswith(("landing/", "warehouse.duckdb", "published/"))
        and any(word in content for word in (canary.encode(), b"491700000017", b"198.51.100.77"))
    ]
    assert leaked == []


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
