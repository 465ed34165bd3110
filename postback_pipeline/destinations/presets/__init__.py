"""Presets: settings of type `url_template` for trackers that everybody spells alike, each a file to copy.

    [destinations.tracker]
    type = "url_template"
    preset = "keitaro"
    base_url = "https://track.example.com"

Belongs here: `NAME.toml` (the table of a settings file, with `{option:NAME}` where a deployment differs, and a table
`[option.NAME]` about each of those) and filling them in. Does not belong here: what a key of the table means
(`url_template`). A key that the user's table has replaces the preset's, whole tables too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from postback_pipeline.destinations.base import DestinationError

_PLACE = re.compile(r"\{option:([a-z_]+)\}")


class Option(BaseModel):
    """What a preset asks of its user."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: What it is, in which form, and where it is found.
    description: str
    #: Matched whole; a slash at the end is left out.
    pattern: str
    default: str | None = None


class Preset(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True)

    name: str
    #: The file as it is.
    text: str
    options: Mapping[str, Option]
    #: The table that it stands for, places still open.
    table: Mapping[str, Any]

    @property
    def title(self) -> str:
        """The first line of its comments."""
        return self.text.partition("\n")[0].removeprefix("# ")

    def filled(self, destination: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The table for a destination, under what is `given` for it beside the preset's own options.

        Raises:
            DestinationError: one sentence per option that is missing or has another form.
        """
        values: dict[str, str] = {}
        mistakes: list[str] = []
        for name, option in self.options.items():
            value = given.get(name, option.default)
            if isinstance(value, str) and re.fullmatch(option.pattern, value.rstrip("/")):
                values[name] = value.rstrip("/")
                continue
            problem = "is missing" if value is None else "has another form"
            mistakes.append(
                f"destinations.{destination}: {name}: {problem}; preset {self.name} needs it. {option.description}"
            )
        if mistakes:
            raise DestinationError("\n".join(mistakes))
        own = {key: value for key, value in given.items() if key not in self.options}
        table: dict[str, Any] = _filled(dict(self.table), values)
        return table | own


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACE.sub(lambda place: values[place[1]], value)
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    return [_filled(each, values) for each in value] if isinstance(value, list) else value


@cache
def presets() -> Mapping[str, Preset]:
    """All of them, by name."""
    found: dict[str, Preset] = {}
    for file in sorted(files(__name__).iterdir(), key=lambda each: each.name):
        name, dot, ending = file.name.rpartition(".")
        if dot and ending == "toml":
            text = file.read_text(encoding="utf-8")
            table = tomllib.loads(text)
            found[name] = Preset(name=name, text=text, options=table.pop("option", {}), table=table)
    return found


def with_preset(destination: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a destination, those of the preset that it names filled in.

    Raises:
        DestinationError: there is no such preset, or it needs more; a sentence per mistake.
    """
    own = dict(given)
    name = own.pop("preset", None)
    if name is None:
        return own
    if name not in presets():
        raise DestinationError(
            f"destinations.{destination}: preset: {name!r} is unknown. Known are {', '.join(presets())}."
        )
    return presets()[name].filled(destination, own)
