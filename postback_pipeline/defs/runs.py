"""`postback run` and `postback plan`: the three jobs, one after the other, in this process, on the configured instance.

Belongs here: which instance, which partitions, what to say when a job fails. Does not belong here: what a step does.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from postback_pipeline.defs.due_postbacks import has_work, look
from postback_pipeline.defs.instance import open_instance
from postback_pipeline.defs.partitions import OPEN_WINDOW, range_tags
from postback_pipeline.defs.summary import summarise
from postback_pipeline.ledger import open_ledger
from postback_pipeline.model import PostbackError
from postback_pipeline.settings import Settings

Progress = Callable[[str], None]


class RunFailed(PostbackError):
    """A job did not succeed; the text says which step, and why."""


def run_pipeline(settings: Settings, window: tuple[date, date] | None, *, progress: Progress) -> dict[str, Any]:
    """Build, deliver, measure; returns the summary that the command line prints.

    Raises:
        PostbackError: a step failed; nothing after it ran.
    """
    partitions = partitions_of(settings, window)
    started = time.monotonic()
    with open_instance(settings) as instance:
        definitions = code_location()

        def run(job: str, said: str, **how: Any) -> None:
            began = time.monotonic()
            execute(definitions.resolve_job_def(job), instance, settings, **how)
            progress(f"{said}: {time.monotonic() - began:.1f} s")

        run("build", "build", **partitions)
        for name in due_destinations(settings):
            run("deliver", f"deliver to {name}", partition_key=name)
        run("measure", "measure")
    return {"seconds": round(time.monotonic() - started, 1), **summarise(settings)}


def due_destinations(settings: Settings) -> list[str]:
    """Destinations with something that a drain could work on now; ends pauses that end by themselves."""
    with open_ledger(settings.ledger_url(), settings.environment, mark=settings.ledger_mark_path) as ledger:
        due = look(ledger, settings)
    return [name for name, each in due.items() if has_work(each)]


def code_location() -> dg.Definitions:
    """Everything in this folder, for the deployment that `POSTBACK_CONFIG` names."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)


def partitions_of(settings: Settings, window: tuple[date, date] | None) -> dict[str, Any]:
    """How a run over a window, or over whatever is new, is asked for: arguments of `execute`.

    Raises:
        RunFailed: the window reaches beyond the partitions.
    """
    today = datetime.now(UTC).date()
    if window is None:
        return {"partition_key": today.isoformat(), "tags": OPEN_WINDOW}
    first, last = window
    if first < settings.first_day or last > today:
        raise RunFailed(
            f"{settings.file}: days run from first_day ({settings.first_day}) to today ({today}); the run asks for"
            f" {first} to {last}. Ask for other days, or set first_day to an earlier one."
        )
    return {"tags": range_tags(first, last)}


def execute(job: dg.JobDefinition, instance: dg.DagsterInstance, settings: Settings, **how: Any) -> None:
    """Runs a job in this process; `how` goes to Dagster. What dbt prints is kept in the reports folder.

    Raises:
        RunFailed: a step failed.
    """
    # Every event is in the instance, for the UI; on a terminal they would bury what the run has to say.
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    reports = settings.home / settings.paths.reports
    reports.mkdir(parents=True, exist_ok=True)
    with open(reports / f"{job.name}.log", "w", encoding="utf-8") as said, redirect_stdout(said):
        result = job.execute_in_process(instance=instance, run_config=quiet, raise_on_error=False, **how)
    if result.success:
        return
    for event in result.all_events:
        if event.is_step_failure:
            raise RunFailed(_explain(job.name, event))
    raise RunFailed(f"Job {job.name} failed; see run {result.run_id} in the Dagster UI.")


def _explain(job: str, event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    text = "no reason was recorded" if error is None else error.message.strip()
    kind, _, rest = text.partition(": ")
    # Our own errors are whole sentences; the class name in front is for programmers.
    said = rest if rest and kind.rpartition(".")[2][:1].isupper() and " " not in kind else text
    return f"{job}: step {event.step_key} failed. {said}"
