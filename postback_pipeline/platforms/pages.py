"""What people read about platforms' reports, made from the platforms' files: `docs/platform-reports.md`.

Belongs here: the words around what platforms declare. Does not belong here: any fact about a platform; writing the
file (`cli.documents`).
"""

from __future__ import annotations

from pydantic.fields import FieldInfo

from postback_pipeline.platforms import PLATFORMS
from postback_pipeline.platforms.base import Platform
from postback_pipeline.platforms.client import LONGEST_SILENCE

_COLUMNS = ("platform", "`platform`", "a day is the day", "window", "read again", "unverified")

BEGIN = "# --- Secrets of platforms' reports; made by `make docs` ---"
END = "# --- End of the secrets of platforms' reports ---"
_BEFORE = f"""\
# Platforms' own reports

What a platform says it counted is asked for by the pipeline itself: one table of `postbacks.toml` per report, one asset
`reports/NAME` in Dagster. What is new or restated lands as rows of `platform_reports` in the landing folder, like a
file that somebody uploads, and the next build loads it: [metrics.md](metrics.md) says what is made of it. Where a
platform is not on the list, or may not be asked, upload its report: [your-own-data.md](your-own-data.md).

```toml
[reports.meta]
destination = "meta"             # whose conversions they are
platform = "meta"
accounts = ["1234567890"]        # added up
# lookback_days = 28             # closed days that are read again each time
# events = {{ purchase = "offsite_conversion.fb_pixel_purchase" }}   # ours = theirs; default: as the routes call them
# source = "landing"             # the source of kind folder in which the rows land
# rate = 1.0                     # requests per second and account
```

- **Days** are the destination's: `report_time_zone`. A platform that tells its account's zone is refused where its days
  are others. Only days that are over are read; a day that is not is refused.
- **One report per destination**, with all its accounts. Of a day and event that were pulled, uploads do not count; only
  their `match_rate` does.
- **Windows** are the platform's or its campaigns': none of them only counts days from the click, so of what is pulled
  cause `attribution_window` is never told; such differences are `unexplained`.
- **Restated days** are read again, `lookback_days` back, four times a day; every version is kept
  (`metrics.report_delay_curve`). A number that a platform no longer tells becomes zero, and so does a day on which it
  tells nothing about an event. `Materialize` with `first_day` and `last_day`, or `postback pull
  NAME --from DAY --to DAY`, reads further back once.
- **Nothing by halves**: all accounts and pages are read before one file is written. What failed is read by the next
  pull; the failed run is an [alert](alerts.md).
- **Patience**: `Retry-After` is kept to, up to {LONGEST_SILENCE:.0f} seconds; whoever wants more is asked by the next
  pull.
- **Mode `test`** of the destination asks nobody, unless `base_url` leads to this machine.
- Secrets are environment variables; `postback check` names those that are missing.
- What Google's Data Manager and impact.com say about single conversions is no report: delivery itself asks for it
  ([destinations.md](destinations.md)).

This page is made from the platforms' files by `make docs`.
"""


def overview() -> str:
    """`docs/platform-reports.md`."""
    platforms = sorted(PLATFORMS.values(), key=lambda each: each.title.lower())
    table = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|", *map(_row, platforms)]
    return "\n".join([_BEFORE, *table, "", *[line for each in platforms for line in _section(each)]])


def environment(known: str) -> str:
    """The part of `.env.example` about reports, from BEGIN to END, without what stands in `known`."""
    lines = [BEGIN]
    for each in sorted(PLATFORMS.values(), key=lambda each: each.title.lower()):
        fields = [field for name, field in each.options_type.model_fields.items() if name.endswith("_env")]
        own = [field for field in fields if f"# {field.default}=" not in known]
        if own:
            lines += ["", f"# {each.title}, reports"]
        for field in own:
            lines += [f"# {field.description}", f"# {field.default}="]
    return "\n".join([*lines, "", END])


def _row(platform: type[Platform]) -> str:
    cells = (
        f"[{platform.title}](#{platform.title.lower().replace(' ', '-').replace('.', '')})",
        f"`{platform.name}`",
        platform.day,
        platform.window,
        f"{platform.lookback_days} days",
        "<br>".join(platform.unverified),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _section(platform: type[Platform]) -> list[str]:
    options = [
        _option(name, field)
        for name, field in platform.options_type.model_fields.items()
        if name not in ("allow_http", "base_url")
    ]
    return [
        f"## {platform.title}",
        "",
        f"<{platform.documentation}>",
        "",
        f"- An account is {platform.account}.",
        f"- Events: {platform.event}",
        *options,
        "",
    ]


def _option(name: str, field: FieldInfo) -> str:
    default = "" if field.default is None or field.is_required() else f" Default: `{field.default}`."
    return f"- `{name}`: {field.description}{default}"
