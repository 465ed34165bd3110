"""What the oracle says about the whole data set, where that lies beside the repository."""

from __future__ import annotations

from pathlib import Path

from tests.oracle import online_retail

LANDING = Path(__file__).parents[3] / "shared" / "data" / "online_retail_ii" / "landing"


def test_the_first_year_of_the_shop() -> None:
    answer = online_retail.report(LANDING)
    requests = [(row["destination"], row["order_id"]) for row in answer.pop("expected")]
    assert len(requests) == len(set(requests)) == 23_111
    assert answer == {
        "orders": 24_221,
        "zero_value": 3_270,
        "zero_value_with_refund": 0,
        "conversions": 20_951,
        "fully_reversed": 194,
        "partly_reversed": 3_028,
        "over_refunded": 77,
        "refunds": 4_592,
        "refunds_not_loaded": 881,
        "refunds_without_order_id": 881,
        "refunds_awaiting_order": 0,
        "gross": "10305892.01",
        "net": "10041778.50",
        "destinations": {
            "google": {"matches": 9_326, "winners": 9_326, "lost": 0, "requests": 9_212, "value": "4690208.00"},
            "meta": {"matches": 4_640, "winners": 4_640, "lost": 0, "requests": 4_575, "value": "2385223.54"},
            "impact": {"matches": 6_037, "winners": 5_449, "lost": 588, "requests": 5_380, "value": "2691700.56"},
            "microsoft": {"matches": 4_653, "winners": 3_975, "lost": 678, "requests": 3_944, "value": "1810889.09"},
        },
    }
