"""A holdout from the definitions folder to the receiver: what is held out never gets there, refunded or not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from postback_pipeline.cli import app
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


def command(*arguments: str) -> str:
    """What `postback` prints; it must succeed."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


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

    # What people and the console read: the groups, and the comparison of what the platform knows.
    ((state, told_units, held_units, told, held, cautions),) = shop.query(
        "select state, told_units, held_out_units, told, held_out, cautions from metrics.experiment_results"
    )
    assert (state, told_units, held_units, told, held) == (
        *("ended", len(decisions) - len(held_out), len(held_out), 1.0, 0.0),
    )
    assert "too few" in cautions
    assert shop.query(
        "select experiment_group, sum(entered_units), sum(known_conversions) from metrics.experiment_outcomes"
        " group by 1 order by 1"
    ) == [
        ("(all)", len(decisions), len(decisions) - len(held_out)),
        ("held_out", len(held_out), 0),
        ("told", len(decisions) - len(held_out), len(decisions) - len(held_out)),
    ]
    assert "third: google, user, ended" in command("experiments", "show", "third")
    assert "third" in command("experiments")
    assert "seen in 4 of 5" in command("experiments", "plan", "third")
    assert json.loads(command("experiments", "show", "third", "--json"))["comparison"]["told"] == 1.0

    experiments.write_text(EXPERIMENTS.replace("0.3333", "0.1"))
    with pytest.raises(PostbackError, match="definitions_and_reference"):
        run(shop)
    assert {each["transaction_id"] for each in shop.received()} == decisions.keys() - held_out
