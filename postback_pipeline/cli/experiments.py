"""`postback experiments ...`: what there is, what a planned one could see, what a running or ended one shows.

Belongs here: these commands and their printing. Does not belong here: statistics and reading (`experiments`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from postback_pipeline.cli.frame import Config, Json, read_settings
from postback_pipeline.cli.output import print_fields, print_json, print_table, readable
from postback_pipeline.model import PostbackError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from postback_pipeline.experiments.planning import Design
    from postback_pipeline.experiments.results import Result
    from postback_pipeline.settings import Settings

experiments = typer.Typer(name="experiments", help="Holdouts: what there is, could be seen, was seen.")

Name = Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Its name in experiments.csv.")]


@experiments.callback(invoke_without_command=True)
def listed(context: typer.Context, json: Json = False, config: Config = None) -> None:
    """List the experiments that the last run was told."""
    if context.invoked_subcommand is not None:
        return
    from postback_pipeline.experiments.results import read_experiments

    with _published(read_settings(config)) as connection:
        found = read_experiments(connection)
    if json:
        print_json([{**vars(each), "state": each.state} for each in found])
        return
    print_table(
        ("experiment", "state", "destination", "event", "unit", "share", "from", "until", "outcome"),
        [
            (
                *(each.experiment, each.state, each.destination, each.event_name or "(all)", each.unit),
                *("" if each.share is None else f"{each.share:.2%}", each.start_at, each.end_at, each.outcome),
            )
            for each in found
        ],
        title="Experiments",
    )


@experiments.command()
def show(experiment: Name, json: Json = False, config: Config = None) -> None:
    """Compare the groups: what telling adds, how sure that is, and what speaks against trusting it."""
    from postback_pipeline.experiments.results import read_experiments, read_result

    with _published(read_settings(config)) as connection:
        known = {each.experiment: each for each in read_experiments(connection)}
        if experiment not in known:
            there = ", ".join(known) or "none"
            raise PostbackError(f"The last run knew no experiment {experiment!r}. There are: {there}.")
        result = read_result(connection, known[experiment])
    if json:
        print_json(result)
    else:
        _print_result(result)


@experiments.command()
def plan(experiment: Name, json: Json = False, config: Config = None) -> None:
    """Tell what it could see and what it would cost, from the past. The row need not have been loaded yet."""
    from postback_pipeline.experiments.planning import read_plan

    settings = read_settings(config)
    design = _design(settings, experiment)
    with _published(settings) as connection:
        planned = read_plan(connection, design)
    if json:
        print_json({**vars(planned), "detectable_lift": planned.detectable_lift})
        return
    least = "no effect at all" if planned.detectable is None else f"{planned.detectable:.4g}"
    lift = "" if planned.detectable_lift is None else f" ({planned.detectable_lift:+.1%})"
    typer.echo(f"{experiment}: {design.destination}, {design.unit}, {design.outcome}")
    print_fields(
        {
            "past": f"{readable(planned.past_from)} to {readable(planned.past_until)} UTC",
            "units": planned.units,
            "conversions": planned.conversions,
            "held out": f"{planned.held_out} {'conversions' if design.region_pairs else 'units'} as long as it lasts",
            "held-out group": None if planned.baseline is None else f"{planned.baseline:.4g}",
            "seen in 4 of 5": f"{least}{lift} or more",
        }
    )


@experiments.command()
def regions(
    destination: Annotated[str, typer.Argument(help="The destination that will not be told.")],
    salt: Annotated[str, typer.Option(help="Any text; it chooses the region of each pair that is held out.")],
    event: Annotated[str | None, typer.Option(help="Our name of the event. Default: all.", show_default=False)] = None,
    days: Annotated[int, typer.Option(help="Days of the past to look at.", min=14)] = 84,
    json: Json = False,
    config: Config = None,
) -> None:
    """Propose pairs of regions that resemble each other, as a cell for `region_pairs`."""
    from postback_pipeline.experiments.planning import propose_pairs

    with _published(read_settings(config)) as connection:
        pairs = propose_pairs(connection, destination, event, days, salt)
    if json:
        print_json(pairs)
        return
    print_table(
        ("held out", "told", "distance"),
        [(pair.held_out, pair.told, f"{pair.distance:.3f}") for pair in pairs],
        title="Pairs, the most alike first",
    )
    if pairs:
        typer.echo("|".join(f"{pair.held_out}:{pair.told}" for pair in pairs))


@contextmanager
def _published(settings: Settings) -> Iterator[DuckDBPyConnection]:
    from duckdb import BinderException, CatalogException, Error

    from postback_pipeline.sources.warehouse import open_warehouse

    published = settings.published_path
    if not published.is_file():
        raise PostbackError(f"There is no published warehouse at {published} yet. Run: postback run")
    try:
        with open_warehouse(published, read_only=True) as connection:
            yield connection
    except (BinderException, CatalogException) as error:
        raise PostbackError(
            f"The published warehouse {published} was built by another version, or not measured yet. Run: postback run"
        ) from error
    except Error as error:
        cause = str(error).partition("\n")[0]
        raise PostbackError(f"The published warehouse {published} cannot be read: {cause}") from error


def _design(settings: Settings, name: str) -> Design:
    from postback_pipeline.destinations import build_destinations
    from postback_pipeline.experiments.planning import Design
    from postback_pipeline.sources.definitions import read_definitions

    read = read_definitions(settings.definitions_path, destinations=build_destinations(settings))
    known = {each.experiment: each for each in read.experiments}
    if name not in known:
        there = ", ".join(known) or "none"
        raise PostbackError(f"{settings.definitions_path / 'experiments.csv'} has no {name!r}. There are: {there}.")
    row = known[name]
    return Design(
        destination=row.destination,
        event_name=row.event_name,
        unit=row.unit.value,
        outcome=row.outcome.value,
        share=None if row.share is None else float(row.share),
        start_at=row.start_at,
        end_at=row.end_at,
        region_pairs=row.region_pairs,
    )


def _print_result(result: Result) -> None:
    experiment, compared = result.experiment, result.comparison
    typer.echo(f"{experiment.experiment}: {experiment.destination}, {experiment.unit}, {experiment.state}")
    print_table(
        ("group", "units", "conversions", "value", "known", "known value", "later", "later value"),
        [
            (
                *(name, group.units, group.conversions, f"{group.value:.2f}", group.known_conversions),
                *(f"{group.known_value:.2f}", group.later_conversions, f"{group.later_value:.2f}"),
            )
            for name, group in result.groups.items()
        ],
        title=f"Groups, amounts in {result.currency or 'no currency yet'}",
    )
    if compared is None:
        typer.echo("There is too little to compare.")
    else:
        low, high = compared.difference_interval
        said = "telling makes a difference" if compared.is_clear else "no difference is proven"
        print_fields(
            {
                "outcome": experiment.outcome,
                "told": f"{compared.told:.4g}",
                "held out": f"{compared.held_out:.4g}",
                "difference": f"{compared.difference:+.4g}, 95 % between {low:+.4g} and {high:+.4g}: {said}",
                "lift": None if compared.lift is None else f"{compared.lift:+.1%}{_between(compared.lift_interval)}",
                "p": f"{compared.p_value:.3g}",
                "method": compared.method,
            }
        )
    for caution in result.cautions:
        typer.echo(f"! {caution}")


def _between(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f", 95 % between {interval[0]:+.1%} and {interval[1]:+.1%}"
