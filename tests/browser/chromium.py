"""Which Chromium opens pages in tests.

    python -m tests.browser.chromium

fetches the one of `fetched`, as `make test` does first, and says so where that fails. Without it another one that the
machine has is used; without any the tests fail: nothing is skipped.

Belongs here: the choice. Does not belong here: starting it (`opening`), what pages are looked at for (`complaints`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.environments import NotInstalled
from tests.browser import fetched

VARIABLE = "POSTBACK_CHROMIUM"
#: What a machine may have: names in PATH, then programs where macOS keeps them.
INSTALLED = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)


class NoChromium(Exception):
    """There is none; the text says what to do."""


@dataclass(frozen=True)
class Chromium:
    """A program, and the variables it needs beside the usual ones."""

    program: Path
    needs: Mapping[str, str] = field(default_factory=dict)


def chromium(variables: Mapping[str, str], folder: Path = fetched.FOLDER) -> Chromium:
    """The one that the variables name; the fetched one; one that is installed.

    Raises:
        NoChromium: there is none, or the variables name what is none.
    """
    named = variables.get(VARIABLE)
    if named:
        found = shutil.which(named, path=variables.get("PATH"))
        if found is None:
            raise NoChromium(f"{VARIABLE} names no program: {named}")
        return Chromium(Path(found))
    if fetched.program(folder).is_file():
        return Chromium(fetched.program(folder), fetched.environment(folder))
    for name in INSTALLED:
        found = shutil.which(name, path=variables.get("PATH"))
        if found is not None:
            return Chromium(Path(found))
    raise NoChromium(
        "Tests of pages need a Chromium, and there is none: `make test` fetches one on Linux on x86-64. "
        f"Otherwise install Chromium or Chrome, or name one: {VARIABLE}=/path/to/chromium make test"
    )


def main() -> None:
    """Fetches the browser; where that fails, says why and what is used instead. The tests decide what that means."""
    if os.environ.get(VARIABLE):
        return
    try:
        fetched.fetch()
    except NotInstalled as failure:
        print(f"Chromium was not fetched: {failure}", file=sys.stderr)
        try:
            print(f"Tests of pages use {chromium(os.environ).program}.", file=sys.stderr)
        except NoChromium as none:
            print(none, file=sys.stderr)


if __name__ == "__main__":
    main()
