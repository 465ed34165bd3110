"""Amounts as receivers read them: plain decimals in major units, with exactly the currency's minor digits.

Belongs here: the digits of a currency and the text of an amount. Does not belong here: rounding. A value is rounded
where it is computed; one that does not fit its currency is refused here, never changed on the way out.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cache

from iso4217 import Currency

from postback_pipeline.destinations.base import DestinationError


@cache
def minor_digits(currency: str) -> int:
    """Digits after the dot: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises:
        DestinationError: the code is not of ISO 4217, or names something without minor units, such as gold.
    """
    try:
        digits = Currency(currency).exponent
    except ValueError:
        digits = None
    if digits is None:
        raise DestinationError(f"{currency!r} is not a currency of ISO 4217 with minor units.")
    return int(digits)


@cache
def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_digits(currency))


def wire_amount(value: Decimal, currency: str) -> str:
    """`Decimal("12.5")`, `"EUR"` -> `"12.50"`.

    Raises:
        DestinationError: the currency is unknown, or the value has more digits than the currency.
    """
    unit = _unit(currency)
    try:
        exact = value.quantize(unit)
    except InvalidOperation:
        exact = None
    if exact is None or not exact.is_finite() or exact != value:
        raise DestinationError(
            f"The amount {value} is no whole number of {currency} minor units ({minor_digits(currency)} digits)."
        )
    return f"{exact + 0:f}" if exact else f"{abs(exact):f}"


def number(value: Decimal, currency: str) -> float | int:
    """The amount in major units as a JSON number that reads back as exactly the same decimal.

    Raises:
        DestinationError: as `wire_amount`, or it has more digits than such a number holds.
    """
    text = wire_amount(value, currency)
    if "." not in text:
        return int(text)
    found = float(text)
    if Decimal(repr(found)) != value:
        raise DestinationError("The amount has more digits than a JSON number holds exactly.")
    return found


def minor_units(value: Decimal, currency: str) -> int:
    """The amount in minor units: `Decimal("12.5")`, `"EUR"` -> 1250. Raises DestinationError as `wire_amount`."""
    return int(wire_amount(value, currency).replace(".", ""))
