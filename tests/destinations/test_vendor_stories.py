"""Every receiver is told conversions and reversals by the real engine, and believes what the ledger says it does.

These are the golden folders with a `receiver.py`: all vendors, and presets.
"""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import Desired, State
from postback_pipeline.settings import Delivery, DestinationSettings
from tests.delivery.lines import Clock, Line, desired
from tests.delivery.receivers import receiving
from tests.destinations.contract_receiver import receiver_of
from tests.destinations.samples import GOLDEN, folder_changes, golden_destination_of, secrets_of

ORDERS = 3
FOLDERS = [folder for folder in sorted(GOLDEN.iterdir()) if (folder / "receiver.py").is_file()]


def line_to(folder: Path, ledger: Ledger, clock: Clock, url: str) -> Line:
    """A folder's destination, in test mode towards a receiver on loopback; whatever else it calls is there, too."""
    table = tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8")) | {"mode": "test", "base_url": url}
    adapter = DESTINATIONS[table["type"]]
    if issubclass(adapter, Vendor) and "token_url" in adapter.options_type.model_fields:
        table["token_url"] = f"{url}/token"
    settings = DestinationSettings(**table)
    destination = adapter.from_settings("partner", settings)
    delivery = Delivery().model_copy(update={"linger_seconds": 0})
    return Line(destination, settings, ledger, clock, delivery, secrets_of(destination))


def orders(folder: Path, value: str, against: int) -> list[Desired]:
    """What the receiver should believe about each order."""
    changes = folder_changes(folder)
    rows = [desired(number, value, against) for number in range(1, ORDERS + 1)]
    own = {name: changes[name] for name in ("person", "consent") if name in changes}
    facts = {name: changes[name] for name in ("receiver_event", "event_id", "clicked_at") if name in changes}
    person = {"person": {"email": "ada@example.com", "user_agent": "Mozilla/5.0", "page_url": "https://shop.example/"}}
    found = []
    for number, row in enumerate(rows, start=1):
        identifiers = {
            **changes.get("identifiers", row.facts.identifiers),
            **receiver_of(folder).identifiers_of(number),
        }
        found.append(replace(row, facts=replace(row.facts, **facts, identifiers=identifiers), **{**person, **own}))
    return found


def test_every_vendor_has_a_receiver_that_checks_its_contract(golden: Path) -> None:
    assert golden in FOLDERS or not isinstance(golden_destination_of(golden), Vendor)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.name))
def test_a_story_ends_with_both_sides_of_one_mind(folder: Path, ledger: Ledger, clock: Clock) -> None:
    receiver = receiver_of(folder)

    async def story() -> None:
        async with receiving(receiver.answering()) as notes:
            line = line_to(folder, ledger, clock, notes.url)
            can = line.destination.capabilities
            steps = [("10.00", True), ("7.50", can.restatement), ("0.00", can.retraction)]
            told, against = "", 0
            for value, is_told in steps:
                if not is_told:
                    continue
                against += 1
                report = line.enqueue(*orders(folder, value, against - 1))
                assert not report.refusals, report.refusals
                await line.drain()
                if can.judges_later:
                    # By then it is asked.
                    clock.forward(minutes=3)
                    await line.drain()
                told = value
                assert receiver.violations == []
                expected = {f"order-{number}": Decimal(told) for number in range(1, ORDERS + 1)}
                assert receiver.beliefs == ({} if told == "0.00" else expected)
            assert set(line.states()) == {State.PROCESSED if can.judges_later else State.ACCEPTED}
            assert len(line.stories()) == ORDERS * against

    asyncio.run(story())
