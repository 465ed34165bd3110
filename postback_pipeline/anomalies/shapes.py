"""How much chance alone moves a number of each shape.

Belongs here: the scale on which a shape's chance is even, the way back, and the surprise of a day. Does not belong
here: what is expected (`baseline`).

Counts and shares move by chance alone in a way that statistics knows, so their spread has a floor: what was seen may
add to it, never take from it. On the scales used here it does not hang on the level.
"""

from __future__ import annotations

import math

from scipy import special

from postback_pipeline.anomalies.series import Shape

#: Shapes whose weekdays multiply the level: a closed day has none of it.
MULTIPLIED = frozenset({Shape.COUNT, Shape.RATIO})
#: Beyond this a surprise is no greater; far out nothing is exact.
MOST = 12.0


def to_scale(shape: Shape, value: float, weight: float) -> float:
    """The value where chance is even."""
    if shape in MULTIPLIED:
        return math.sqrt(max(value, 0.0))
    if shape is Shape.SHARE:
        # Not quite 0 and 1: of few, all is no proof of always.
        hits = min(max(value, 0.0), 1.0) * weight
        return math.asin(math.sqrt((hits + 0.375) / (weight + 0.75)))
    return math.log(max(value, 1e-9)) if shape is Shape.AMOUNT else value


def from_scale(shape: Shape, scaled: float) -> float:
    """The way back."""
    if shape in MULTIPLIED:
        return max(scaled, 0.0) ** 2
    if shape is Shape.SHARE:
        return math.sin(min(max(scaled, 0.0), math.pi / 2)) ** 2
    return math.exp(min(scaled, 700.0)) if shape is Shape.AMOUNT else scaled


def chance(shape: Shape, weight: float) -> float:
    """One standard deviation of chance alone, on the scale; for amounts up to a factor that the series tells."""
    if shape is Shape.COUNT:
        return 0.5
    halved = 0.5 if shape in (Shape.RATIO, Shape.SHARE) else 1.0
    return halved / math.sqrt(max(weight, 1e-9))


def surprise(shape: Shape, value: float, weight: float, scaled: float, spread: float) -> float:
    """How unlikely a day is, as standard deviations of a normal distribution; below what was expected: negative.

    Args:
        shape: of the metric.
        value: what was seen.
        weight: of the day.
        scaled: what was expected, on the scale.
        spread: of the series, in units of `chance`.
    """
    if shape is Shape.COUNT:
        return _counted(value, from_scale(shape, scaled), spread**2)
    if shape is Shape.RATIO:
        return _counted(value * weight, from_scale(shape, scaled) * weight, spread**2)
    if shape is Shape.SHARE:
        return _shared(value * weight, weight, from_scale(shape, scaled), spread**2)
    far = (to_scale(shape, value, weight) - scaled) / (chance(shape, weight) * spread)
    return min(max(far, -MOST), MOST)


def _counted(seen: float, mean: float, excess: float) -> float:
    # A day of which nothing is expected is no surprise until a handful came.
    mean = max(mean, 0.5)
    if excess < 1:
        # Less spread than chance has is as if there had been more of them.
        seen, mean = seen / excess, mean / excess
    if excess > 1.001:
        # Negative binomial with that variance.
        successes, probability = mean / (excess - 1), 1 / excess
        below = special.betainc(successes, seen, probability) if seen > 0 else 0.0
        up_to = special.betainc(successes, seen + 1, probability)
        above, from_it = _upper(successes, seen + 1, probability), _upper(successes, seen, probability)
    else:
        below = special.gammaincc(seen, mean) if seen > 0 else 0.0
        up_to = special.gammaincc(seen + 1, mean)
        above, from_it = special.gammainc(seen + 1, mean), special.gammainc(seen, mean) if seen > 0 else 1.0
    return _normal((below + up_to) / 2, (above + from_it) / 2)


def _upper(successes: float, seen: float, probability: float) -> float:
    return float(special.betainc(seen, successes, 1 - probability)) if seen > 0 else 1.0


def _shared(hits: float, of: float, share: float, excess: float) -> float:
    # More spread than chance explains is as if there had been fewer of them.
    hits, of = hits / excess, of / excess
    share = min(max(share, 1e-6), 1 - 1e-6)
    missed = of - hits
    up_to = special.betainc(missed, hits + 1, 1 - share) if missed > 0 else 1.0
    below = special.betainc(missed + 1, hits, 1 - share) if hits > 0 else 0.0
    above = special.betainc(hits + 1, missed, share) if missed > 0 else 0.0
    from_it = special.betainc(hits, missed + 1, share) if hits > 0 else 1.0
    return _normal((below + up_to) / 2, (above + from_it) / 2)


def _normal(lower: float, upper: float) -> float:
    # From the smaller tail, where there are digits left.
    found = special.ndtri(max(lower, 1e-40)) if lower < upper else -special.ndtri(max(upper, 1e-40))
    return float(min(max(found, -MOST), MOST))
