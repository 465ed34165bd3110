"""`postback run` end to end: landing files in, accepted postbacks out, metrics back."""

from __future__ import annotations

import gzip
import shutil
from decimal import Decimal
from typing import Any

import pytest

from postback_pipeline.defs.runs import run_pipeline
from postback_pipeline.ledger import create_ledger
from postback_pipeline.model import PostbackError


def run(shop: Any) -> dict[str, Any]:
    """One run over whatever is new."""
    return run_pipeline(shop.settings(), None, progress=lambda line: None)


def sent(shop: Any) -> list[tuple[str, str, str]]:
    """(order, kind, value) of every request received so far."""
    return [(each["transaction_id"], each["kind"], each["value"]) for each in shop.received()]


def test_a_matched_order_is_reported_once_with_its_decoded_click_id(shop: Any, make: Any) -> None:
    shop.orders(make.order(1, "10.00"), make.order(2, "20.00"), make.order(3, "0.00"))
    shop.clicks(make.click(1), make.click(3))

    summary = run(shop)

    assert [(each["transaction_id"], each["gclid"], each["value"]) for each in shop.received()] == [
        ("1", "id/1", "10.00")
    ]
    decisions = shop.query(
        "select conversion_key, decision, reason_code from marts.decisions where destination = 'google'"
    )
    assert sorted(decisions) == [
        ("purchase:1", "report", "eligible"),
        ("purchase:2", "withhold", "no_match"),
        ("purchase:3", "withhold", "zero_value"),
    ]
    (google,) = [row for row in summary["destinations"] if row["destination"] == "google"]
    assert (google["accepted_postbacks"], google["accepted_value"]) == (1, "10.0000")
    assert shop.query("select state, value from marts.deliveries") == [("accepted", Decimal("10.0000"))]


def test_nothing_is_sent_again_whatever_is_repeated_renamed_removed_or_rebuilt(shop: Any, make: Any) -> None:
    orders = shop.orders(make.order(1), make.order(2, "20.00"), file="first")
    shop.clicks(make.click(1), make.click(2))
    run(shop)
    assert len(shop.received()) == 2

    run(shop)
    with gzip.open(orders.with_name("copy.csv.gz"), "wt") as handle:
        header, *rows = orders.read_text().splitlines()
        handle.write("\n".join([header, *reversed(rows)]) + "\n")
    run(shop)
    assert shop.query("select count(*) from raw.orders") == [(2,)]

    shutil.rmtree(shop.home / "landing")
    (shop.home / "landing").mkdir()
    run(shop)
    shop.settings().warehouse_path.unlink()
    run(shop)
    assert len(shop.received()) == 2, "absence is never a reversal"
    kept = shop.query("select conversion_key, decision, reason_code from marts.decisions order by 1")
    assert kept == [
        ("purchase:1", "kept_as_reported", "source_gone"),
        ("purchase:2", "kept_as_reported", "source_gone"),
    ]


def test_refunds_move_what_was_reported_and_nothing_else_does(shop: Any, make: Any) -> None:
    shop.orders(*(make.order(number, "30.00") for number in range(1, 6)))
    shop.clicks(*(make.click(number) for number in range(1, 5)), make.click(5, "irclickid"))
    shop.refunds(make.refund(9, 4, "10.00"))
    run(shop)
    assert sorted(sent(shop)) == [
        ("1", "conversion", "30.00"),
        ("2", "conversion", "30.00"),
        ("3", "conversion", "30.00"),
        ("4", "conversion", "20.00"),
        ("5", "conversion", "30.00"),
    ]

    # Part of one, all and more of another, none of a third that stopped qualifying, one that cannot be adjusted.
    shop.refunds(make.refund(1, 1, "12.50"), make.refund(2, 2, "31.00"), make.refund(5, 5, "30.00"))
    shop.orders(make.order(3, "30.00", status="pending"))
    run(shop)
    assert sorted(sent(shop)[5:]) == [("1", "restatement", "17.50"), ("2", "retraction", "0.00")]
    decisions = dict(
        (key, (decision, reason))
        for key, decision, reason in shop.query(
            "select conversion_key, decision, reason_code from marts.decisions where reported_value is not null"
        )
    )
    assert decisions == {
        "purchase:1": ("report", "eligible"),
        "purchase:2": ("retract", "fully_reversed"),
        "purchase:3": ("kept_as_reported", "not_qualified"),
        "purchase:4": ("report", "eligible"),
        "purchase:5": ("kept_as_reported", "unsupported_reversal"),
    }
    assert shop.query("select source_id, excess_amount from marts.conversions where is_over_refunded") == [
        ("2", Decimal("1.0000"))
    ]
    (ties,) = shop.query(
        "select sum(accepted_value) - sum(backend_value) - (select sum(value) from metrics.reconciliation_causes"
        " where step not in ('processed', 'reported')) from metrics.reconciliation"
    )
    assert ties == (Decimal("0.0000"),)

    run(shop)
    assert len(shop.received()) == 7, "a second look at the same facts sends nothing"


def test_a_window_reports_its_own_days_and_an_overlapping_one_repeats_nothing(shop: Any, make: Any) -> None:
    shop.orders(make.order(1, day=5), make.order(2, day=15), make.order(3, day=25))
    shop.clicks(make.click(1, day=4), make.click(2, day=14), make.click(3, day=24))
    settings = shop.settings()

    run_pipeline(settings, make.days(10, 20), progress=lambda line: None)
    assert [each[0] for each in sent(shop)] == ["2"]
    run_pipeline(settings, make.days(1, 20), progress=lambda line: None)
    assert [each[0] for each in sent(shop)] == ["2", "1"]
    with pytest.raises(PostbackError, match="first_day"):
        run_pipeline(settings, make.days(1, 20, year=2025), progress=lambda line: None)


def test_a_file_that_is_refused_stops_the_build_with_a_sentence_that_names_it(shop: Any, make: Any) -> None:
    good = shop.orders(make.order(1))
    shop.clicks(make.click(1))
    (shop.home / "landing" / "refunds").mkdir()
    (shop.home / "landing" / "refunds" / "broken.csv").write_text("refund_id,order_id\nr1,1\n")

    with pytest.raises(PostbackError, match=r"refunds/broken\.csv.*refunded_at") as raised:
        run(shop)
    assert "Traceback" not in str(raised.value)
    assert shop.received() == []
    assert good.exists()


def test_a_foreign_ledger_beside_a_warehouse_refuses_to_enqueue(shop: Any, make: Any) -> None:
    shop.orders(make.order(1))
    shop.clicks(make.click(1))
    run(shop)

    (shop.home / "ledger.sqlite").unlink()
    with pytest.raises(PostbackError, match="postback ledger init"):
        run(shop)
    create_ledger(shop.settings().ledger_url(), "testing")
    with pytest.raises(PostbackError, match="built beside"):
        run(shop)
    assert len(shop.received()) == 1
