"""The few colours of all pictures, in light and in dark.

Belongs here: the colours, each with its name in the pages' style sheet. Does not belong here: what they stand for.

Blue and orange are told apart with any kind of colour blindness; where a third is needed it is a grey. No meaning rests
on a colour alone: each mark has its label.
"""

from __future__ import annotations

from typing import NamedTuple


class Colour(NamedTuple):
    """A colour under its name in the style sheet."""

    name: str
    light: str
    dark: str


FIRST = Colour("first", "#2a78d6", "#5b9cf0")
SECOND = Colour("second", "#c8571b", "#e88a55")
QUIET = Colour("quiet", "#a3a19b", "#77756f")
INK = Colour("ink", "#1c1b19", "#f2f1ee")
SOFT_INK = Colour("soft-ink", "#5d5b56", "#b4b2ab")
LINES = Colour("lines", "#e4e3df", "#3a3935")

ALL = (FIRST, SECOND, QUIET, INK, SOFT_INK, LINES)


def style_variables(*, dark: bool) -> str:
    """The colours as declarations of a style sheet."""
    return " ".join(f"--{each.name}: {each.dark if dark else each.light};" for each in ALL)
