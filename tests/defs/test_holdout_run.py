"""A holdout from the definitions folder to the receiver: what is held out never gets there, refunded or not."""

from __future__ import annotations

from typing import Any

import pytest

from postback_pipeline.defs.runs import run_pipeline
from postback_pipeline.model import PostbackError

EXPERIMENTS = """\
experiment,destination,event_name,unit,share,salt,start_at,end_at
third,google,purchase,user,0.3333,s,2026-01-08,2026-01-20
"""
ORDERS = range(1, 41)


def run(shop: Any) -> dict[str, Any]:
    """One run over whatever is new."""
    return run_pipeline(shop.settings(), None, progress=lambda line: None)


def test_what_is_held_out_never_reaches_the_receiver(shop: Any, make: Any) -> None:
    experiments = shop.home / "definitions" / "experiments.csv"
    experiments.write_text(EXPERIMENTS)
    shop.orders(*(make.order(number, "30.00", user_id=f"u{number}") for number in ORDERS))
    shop.clicks(*(make.click(number) for number in ORDERS))
    run(shop)

    decisions = dict(shop.query("select source_id, reason_code from marts.decisions where destination = 'google'"))
    held_out = {order for order, reason in decisions.items() if reason == "holdout"}
    assert 5 < len(held_out) < 25
    assert {each["transaction_id"] for each in shop.received()} == decisions.keys() - held_out

    # Every second one is refunded, in part or whole; the warehouse is built anew.
    shop.refunds(*(make.refund(number, number, "30.00" if number % 4 else "10.00") for number in ORDERS[::2]))
    run(shop)
    shop.settings().warehouse_path.unlink()
    run(shop)
    assert {each["transaction_id"] for each in shop.received()} == decisions.keys() - held_out
    assert {each["kind"] for each in shop.received()} > {"conversion"}

    experiments.write_text(EXPERIMENTS.replace("0.3333", "0.1"))
    with pytest.raises(PostbackError, match="definitions_and_reference"):
        run(shop)
    assert {each["transaction_id"] for each in shop.received()} == decisions.keys() - held_out
