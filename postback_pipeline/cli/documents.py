"""Writes what is made from the code: the pages about destinations and platforms' reports, and `.env.example`.

    python -m postback_pipeline.cli.documents        (make docs)

Belongs here: which files, and writing them. Does not belong here: what they say (`destinations.pages`,
`platforms.pages`).
"""

from __future__ import annotations

from pathlib import Path

from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.pages import BEGIN, END, environment, overview, page
from postback_pipeline.platforms import pages as platform_pages

ROOT = Path(__file__).parents[2]


def files() -> dict[Path, str]:
    """Every file that is made, relative to the checkout, with its text."""
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    before, _, rest = example.partition(BEGIN)
    after = rest.partition(END)[2].partition(platform_pages.BEGIN)
    secrets = environment()
    reports = platform_pages.environment(secrets)
    made = {Path("docs/destinations") / f"{name}.md": page(name) for name in DESTINATIONS}
    return {
        **made,
        Path("docs/destinations.md"): overview(),
        Path("docs/platform-reports.md"): platform_pages.overview(),
        Path(".env.example"): "\n\n".join([before.rstrip("\n"), secrets, reports])
        + (after[0].rstrip("\n") + (after[2].partition(platform_pages.END)[2] or "\n")),
    }


def main() -> None:
    """Writes them."""
    for file, text in files().items():
        (ROOT / file).parent.mkdir(exist_ok=True)
        (ROOT / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
