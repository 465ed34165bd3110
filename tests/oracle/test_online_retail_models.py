"""The real shop's year in the models: every row as the invoice lines and the independent program say."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE
from tests.oracle.datasets import INVOICE_LINES, LANDING
from tests.oracle.invoice_lines import InvoiceLines
from tests.oracle.online_retail import CENT, LOOKBACK, ROUTES
from tests.oracle.online_retail_decisions import Decided, Terms, decisions, effects, touchpoints
from tests.oracle.real_deployment import RealDeployment, at

DEFINITIONS = Path(__file__).parents[2] / "examples" / "online_retail" / "definitions"
AS_OF = at("2011-01-01")
#: By the shop's clock.
ORDERS_BY_MONTH = {
    "2009-12": 1_929, "2010-01": 1_333, "2010-02": 1_729, "2010-03": 1_960, "2010-04": 1_587, "2010-05": 2_011,
    "2010-06": 1_859, "2010-07": 1_672, "2010-08": 1_604, "2010-09": 2_004, "2010-10": 2_488, "2010-11": 3_093,
    "2010-12": 952,
}  # fmt: skip
REFUNDS_BY_MONTH = {
    "2009-12": 401, "2010-01": 300, "2010-02": 240, "2010-03": 407, "2010-04": 304, "2010-05": 407, "2010-06": 357,
    "2010-07": 344, "2010-08": 273, "2010-09": 371, "2010-10": 476, "2010-11": 576, "2010-12": 136,
}  # fmt: skip
#: (destination, reason) -> orders.
DECISIONS = {
    ("google", "eligible"): 9_212,
    ("google", "fully_reversed"): 114,
    ("google", "no_match"): 11_625,
    ("google", "zero_value"): 3_270,
    ("meta", "eligible"): 4_575,
    ("meta", "fully_reversed"): 65,
    ("meta", "no_match"): 16_311,
    ("meta", "zero_value"): 3_270,
    ("impact", "eligible"): 5_380,
    ("impact", "fully_reversed"): 69,
    ("impact", "lost_to_other_route"): 588,
    ("impact", "no_match"): 14_914,
    ("impact", "zero_value"): 3_270,
    ("microsoft", "eligible"): 3_944,
    ("microsoft", "fully_reversed"): 31,
    ("microsoft", "lost_to_other_route"): 678,
    ("microsoft", "no_match"): 16_298,
    ("microsoft", "zero_value"): 3_270,
}
#: Conversions with a click, and their clicks.
CREDITED, TOUCHPOINTS = 16_534, 30_800


@pytest.fixture(scope="module")
def shop(home: Path, dbt: DbtProcess) -> RealDeployment:
    """The deployment of the example, built once on the whole year."""
    definitions = {file.stem: file.read_text(encoding="utf-8") for file in DEFINITIONS.glob("*.csv")}
    shop = RealDeployment(
        home, dbt, {route.destination: ADJUSTABLE for route in ROUTES}, definitions, zone="Europe/London"
    )
    shop.bring(LANDING)
    shop.build(AS_OF)
    return shop


@pytest.fixture(scope="module")
def lines() -> InvoiceLines:
    return InvoiceLines(INVOICE_LINES)


def test_every_invoice_that_is_no_credit_note_is_one_conversion_of_its_lines_sum(
    shop: RealDeployment, lines: InvoiceLines
) -> None:
    conversions = dict(shop.query("select source_id, gross_amount from marts.conversions"))
    orders = {order: total.quantize(CENT, ROUND_HALF_UP) for order, total in lines.orders().items()}
    assert len(orders) == lines.count("order") == 24_221
    assert conversions == orders
    # Some goods cost a fraction of a penny: fourteen invoices are a tenth of a penny more than they charge.
    assert sum(lines.orders().values()) - sum(orders.values()) == Decimal("0.014")


def test_every_credit_note_is_a_reversal_of_its_order_or_in_quarantine(
    shop: RealDeployment, lines: InvoiceLines
) -> None:
    notes = lines.refunds()
    reversals = {
        refund: (order, amount)
        for refund, order, amount in shop.query("select reversal_id, source_id, amount from marts.reversals")
    }
    quarantined = shop.counts("select reason, count(*) from raw.quarantine where entity = 'refunds' group by 1")
    assert len(notes) == lines.count("refund") == 4_592
    assert reversals == {note: each for note, each in notes.items() if each[0]}
    assert len(reversals) == 3_711
    assert quarantined == {
        "order_id is missing.": 880,
        "order_id is missing. amount has another sign than its source declares (refund_sign = positive).": 1,
    }
    assert [note for note, (_, given_back) in notes.items() if given_back < 0] == ["C496350"]


def test_adjustments_of_bad_debt_are_neither(shop: RealDeployment, lines: InvoiceLines) -> None:
    assert lines.count("adjustment") == 3
    assert shop.query("select count(*) from raw.orders where order_id like 'A%'") == [(0,)]
    assert shop.query("select count(*) from raw.refunds where refund_id like 'A%'") == [(0,)]


def test_orders_and_refunds_tie_month_by_month(shop: RealDeployment, lines: InvoiceLines) -> None:
    months = "select strftime(timezone('Europe/London', {}), '%Y-%m'), count(*) from {} group by 1 order by 1"
    assert shop.counts(months.format("occurred_at", "marts.conversions")) == lines.by_month("order")
    loaded = Counter(shop.counts(months.format("refunded_at", "raw.refunds")))
    refused = shop.counts(
        "select json_extract_string(\"row\", '$.refunded_at')[:7], count(*) from raw.quarantine group by 1"
    )
    assert loaded + Counter(refused) == Counter(lines.by_month("refund"))
    assert lines.by_month("order") == ORDERS_BY_MONTH
    assert lines.by_month("refund") == REFUNDS_BY_MONTH


def test_every_refund_takes_what_the_independent_program_says(shop: RealDeployment) -> None:
    found = {
        row[0]: row[1:]
        for row in shop.query(
            """
            select
                reversal_id, source_id, kind, strftime(timezone('UTC', reversed_at), '%Y-%m'), status,
                applied_amount, excess_amount
            from marts.reversals
            """
        )
    }
    expected = effects(LANDING)
    assert found == expected
    assert Counter((each.kind, each.status) for each in expected.values()) == {
        ("cancellation", "applied"): 3_620,
        ("cancellation", "over_refund"): 91,
    }


def test_every_order_has_the_decision_and_the_click_that_the_independent_program_says(shop: RealDeployment) -> None:
    expected = decisions(LANDING, [Terms(route) for route in ROUTES], AS_OF)
    found = {
        (order, destination): decided
        for order, destination, *decided in shop.query(
            "select source_id, destination, reason_code, click_id from marts.decisions"
        )
    }
    assert {key: Decided(*decided) for key, decided in found.items()} == expected
    by_reason = Counter((destination, each.reason) for (_, destination), each in expected.items())
    assert by_reason == DECISIONS
    assert sum(by_reason.values()) == 24_221 * len(ROUTES)


def test_the_outbox_holds_what_is_eligible_and_nothing_else(shop: RealDeployment) -> None:
    eligible = {each[0]: count for each, count in DECISIONS.items() if each[1] == "eligible"}
    assert shop.counts("select destination, count(*) from outbox.postbacks group by 1") == eligible


def test_credits_go_to_the_touchpoints_of_the_independent_program_and_sum_to_the_conversions(
    shop: RealDeployment,
) -> None:
    expected = touchpoints(LANDING, LOOKBACK)
    rows = shop.query("select conversion_key, click_id, position from marts.attribution_credits order by 1, 3")
    found: dict[str, list[str]] = {}
    for key, click_id, _ in rows:
        found.setdefault(key.removeprefix("purchase:"), []).append(click_id)
    assert found == expected
    assert [row[2] for row in rows] == [place for key in sorted(expected) for place in range(1, len(expected[key]) + 1)]
    for model in ("first_touch", "last_touch", "linear", "time_decay", "position_based"):
        (sums,) = shop.query(
            f"""
            select min(credit), max(credit), sum(credit)
            from (select sum({model}) as credit from marts.attribution_credits group by conversion_key)
            """
        )
        assert [float(each) for each in sums] == pytest.approx([1, 1, len(expected)], abs=1e-6), model
    assert (len(expected), len(rows)) == (CREDITED, TOUCHPOINTS)
