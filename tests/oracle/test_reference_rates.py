"""Real exchange rates on real orders: every rate is in, every amount is exact, a weekend takes Friday's."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from tests.models.dbt_process import DbtProcess
from tests.models.deployment import ADJUSTABLE
from tests.oracle.datasets import LANDING, REFERENCE_RATES
from tests.oracle.real_deployment import RealDeployment, at
from tests.oracle.reference_rates import ReferenceRates

#: Destination -> what it is told in. The krona had no reference rate from December 2008 to January 2018.
CURRENCIES = {"euro": "EUR", "dollar": "USD", "yen": "JPY", "krona": "ISK"}
MINOR_UNIT = {"EUR": Decimal("0.01"), "USD": Decimal("0.01"), "JPY": Decimal(1)}
#: Orders that the rate's twelve decimals cost a unit, of 24,221.
OFF_BY_A_UNIT = {"EUR": 0, "USD": 3, "JPY": 1}
#: Currencies that went, or that nobody fixes a rate for any more, and the day of the last one.
LAST_DAYS = {"RUB": date(2022, 3, 1), "HRK": date(2022, 12, 30), "SKK": date(2008, 12, 31), "TRL": date(2004, 12, 31)}
DAYS_LATE = (0, 1, 6, 7)
DEFINITIONS = {
    "conversions": "event_name,source_entity,qualifying_statuses\npurchase,orders,paid|shipped|completed\n",
    "routes": "destination,event_name,receiver_event,match_on,identifiers,lookback_days,scope,hold_days,currency,"
    "consent_purposes,start_at\n"
    + "".join(
        f"{destination},purchase,purchase,click,gclid,30,network,0,{currency},,2004-01-01\n"
        for destination, currency in CURRENCIES.items()
    ),
    "click_id_parameters": "parameter,identifier,network,valid_days\ngclid,gclid,google,90\n",
}


@pytest.fixture(scope="module")
def rates() -> ReferenceRates:
    return ReferenceRates(REFERENCE_RATES)


@pytest.fixture(scope="module")
def shop(home: Path, dbt: DbtProcess, rates: ReferenceRates) -> RealDeployment:
    """The real shop, all rates, and a few orders in currencies that went."""
    shop = RealDeployment(
        home, dbt, {destination: ADJUSTABLE for destination in CURRENCIES}, DEFINITIONS, zone="Europe/London"
    )
    for entity in ("clicks", "orders", "refunds"):
        shop.bring(LANDING / entity, entity)
    shop.file(
        "fx_rates",
        "ecb",
        [
            {"date": day.isoformat(), "currency": currency, "rate_to_base": f"{rate:f}"}
            for day, currency, rate in rates.rows()
        ],
    )
    shop.file(
        "orders",
        "retired",
        [
            {
                "order_id": f"{currency}-{late}",
                "ordered_at": f"{last_day + timedelta(days=late)}T12:00:00Z",
                "status": "paid",
                "amount": "10000.00",
                "currency": currency,
                "gclid": f"{currency}{late}",
            }
            for currency, last_day in LAST_DAYS.items()
            for late in DAYS_LATE
        ],
    )
    shop.build(at("2023-02-01"))
    return shop


def test_every_rate_is_in_and_none_in_quarantine(shop: RealDeployment, rates: ReferenceRates) -> None:
    told = Counter(currency for _, currency, _ in rates.rows())
    assert (len(told), sum(told.values()), told["EUR"]) == (42, 221_702 + 7_126, 7_126)
    found = shop.counts("select currency, count(*) from raw.fx_rates group by 1")
    assert found == told
    assert shop.query("select count(*) from raw.quarantine where entity = 'fx_rates'") == [(0,)]


def test_every_rate_keeps_its_twelve_decimals(shop: RealDeployment, rates: ReferenceRates) -> None:
    found = {
        (day, currency): rate
        for day, currency, rate in shop.query("select date, currency, rate_to_base from raw.fx_rates")
    }
    assert found == {(day, currency): rate for day, currency, rate in rates.rows()}


def test_every_order_is_worth_what_exact_arithmetic_says(shop: RealDeployment, rates: ReferenceRates) -> None:
    orders = _orders(shop, "GBP")
    off_by_a_unit = Counter[str]()
    for destination, currency in list(CURRENCIES.items())[:3]:
        unit = MINOR_UNIT[currency]
        found = _told(shop, destination)
        for order_id, (ordered_at, net) in orders.items():
            day = ordered_at.date()
            rate = rates.rate("GBP", currency, day)
            assert rate is not None
            worth = (net * rate).quantize(unit, ROUND_HALF_UP)
            assert found[order_id][1:] == (currency, rate, worth), (order_id, destination)
            true = rates.true_amount(net, "GBP", currency, day).quantize(unit, ROUND_HALF_UP)
            assert abs(worth - true) <= unit
            off_by_a_unit[currency] += worth != true
    assert len(orders) == 24_221
    assert off_by_a_unit == OFF_BY_A_UNIT


def test_saturdays_and_sundays_take_fridays_rate(shop: RealDeployment, rates: ReferenceRates) -> None:
    days = Counter(ordered_at.date() for ordered_at, _ in _orders(shop, "GBP").values())
    late = {day: rates.day_of_rate("GBP", day) for day in days if rates.day_of_rate("GBP", day) != day}
    assert all(taken is not None and taken.isoweekday() == 5 for taken in late.values())
    assert {day.isoweekday() for day in late} == {6, 7}
    assert sum(days[day] for day in late) == 2_752
    found = {order_id: rate for order_id, (_, _, rate, _) in _told(shop, "euro").items()}
    by_day: dict[date, set[Decimal | None]] = {}
    for order_id, (ordered_at, _) in _orders(shop, "GBP").items():
        by_day.setdefault(ordered_at.date(), set()).add(found[order_id])
    assert all(len(each) == 1 for each in by_day.values())
    # A Sunday and the Friday before it.
    assert by_day[date(2009, 12, 6)] == by_day[date(2009, 12, 4)]


def test_a_currency_without_a_rate_is_told_nothing(shop: RealDeployment, rates: ReferenceRates) -> None:
    reasons = shop.counts(
        "select destination, reason_code, count(*) from marts.decisions where source_currency = 'GBP' group by all"
    )
    assert {each: count for each, count in reasons.items() if each[1] not in ("no_match", "zero_value")} == {
        **{(destination, "eligible"): 9_212 for destination in ("euro", "dollar", "yen")},
        **{(destination, "fully_reversed"): 114 for destination in CURRENCIES},
        ("krona", "no_rate"): 9_212,
    }


def test_a_rate_serves_for_a_week_after_its_last_day(shop: RealDeployment, rates: ReferenceRates) -> None:
    expected: dict[str, tuple[str, str, Decimal | None, Decimal | None]] = {}
    for currency, last_day in LAST_DAYS.items():
        assert rates.last_day(currency) == last_day
        rate = rates.rate(currency, "EUR", last_day)
        assert rate is not None
        worth = (10_000 * rate).quantize(MINOR_UNIT["EUR"], ROUND_HALF_UP)
        expected |= {f"{currency}-{late}": ("eligible", "EUR", rate, worth) for late in DAYS_LATE}
        expected[f"{currency}-7"] = ("no_rate", "EUR", None, None)
    found = _told(shop, "euro")
    assert {order_id: found[order_id] for order_id in found if "-" in order_id} == expected


def _orders(shop: RealDeployment, currency: str) -> dict[str, tuple[datetime, Decimal]]:
    """Order -> when it was placed (UTC), and what it is worth now in its own currency."""
    rows = shop.query(
        f"""
        select source_id, timezone('UTC', action_at), net_value
        from marts.conversions where currency = '{currency}'
        """
    )
    return {order_id: (ordered_at, net) for order_id, ordered_at, net in rows}


def _told(shop: RealDeployment, destination: str) -> dict[str, tuple[str, str, Decimal | None, Decimal | None]]:
    """Order -> reason, currency, rate and value towards a destination."""
    rows = shop.query(
        f"""
        select source_id, reason_code, currency, exchange_rate, desired_value
        from marts.decisions where destination = '{destination}'
        """
    )
    return {order_id: (reason, currency, rate, value) for order_id, reason, currency, rate, value in rows}
