"""The sensor that starts a drain where something is due and nobody works on it.

Belongs here: whether a run is wanted. Does not belong here: whether a postback may be sent (the ledger's leases: two
drains of one destination are a waste, never a double). https://docs.dagster.io/guides/automate/sensors
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import dagster as dg

from postback_pipeline.defs.partitions import PARTITION_NAME_TAG
from postback_pipeline.delivery.pause_mark import resume_if_fixed
from postback_pipeline.destinations import build_destinations
from postback_pipeline.ledger import Due, Ledger, LedgerError, LedgerUnavailable, open_ledger
from postback_pipeline.settings import Settings, load_env_file

TICK_SECONDS = 10
#: A run that is being started loads the code first: seconds, on a busy machine minutes. A code server that lives sees
#: at once where its process dies meanwhile, and the run is failed; this is for what died together with it.
STARTING_UP = timedelta(seconds=120)
#: A started run's drain gives its first sign in the ledger within moments.
FIRST_SIGN = timedelta(seconds=20)

#: A run in one of these will still look at what is due, at least for so long after it got there; None: whenever its
#: turn comes. A run that is started shows in the ledger; what became of its process, Dagster does not know.
WILL_LOOK = {
    dg.DagsterRunStatus.QUEUED: None,
    dg.DagsterRunStatus.NOT_STARTED: STARTING_UP,
    dg.DagsterRunStatus.STARTING: STARTING_UP,
    dg.DagsterRunStatus.STARTED: FIRST_SIGN,
}


def look(ledger: Ledger, settings: Settings) -> dict[str, Due]:
    """What is due where; lets those destinations run again whose secrets changed since a drain paused them."""
    names = sorted(settings.destinations)
    due = ledger.due(names)
    if stumbled := [name for name in names if due[name].paused and due[name].pause_mark is not None]:
        load_env_file(settings.file)
        destinations = build_destinations(settings)
        # All of them, whatever the first one says.
        if any([resume_if_fixed(name, destinations[name], ledger, os.environ) for name in stumbled]):
            return ledger.due(names)
    return due


def has_work(due: Due) -> bool:
    """Whether a drain would find something to do: to send, or to ask for a verdict."""
    return (due.count > 0 or due.inquiries > 0) and not due.paused


def is_wanted(due: Due) -> bool:
    """Whether there is work, and no drain at it."""
    return has_work(due) and not due.working


def has_run_to_come(instance: dg.DagsterInstance, job: str, partition: str, now: datetime) -> bool:
    """Whether a run of this partition exists that has not looked at what is due yet, but will. `now` is aware UTC."""
    filters = dg.RunsFilter(job_name=job, statuses=list(WILL_LOOK), tags={PARTITION_NAME_TAG: partition})
    for record in instance.get_run_records(filters):
        patience = WILL_LOOK[record.dagster_run.status]
        if patience is None or now - _since(record) < patience:
            return True
    return False


def _since(record: dg.RunRecord) -> datetime:
    """When it entered its status, or a little later."""
    if record.start_time is not None:
        return datetime.fromtimestamp(record.start_time, UTC)
    return record.update_timestamp.replace(tzinfo=UTC)


@dg.definitions
def defs() -> dg.Definitions:
    """Asks the ledger every few seconds; costs milliseconds."""

    @dg.sensor(
        name="due_postbacks",
        job_name="deliver",
        minimum_interval_seconds=TICK_SECONDS,
        description="Starts a drain for each destination with something due and no drain at work. Costs one indexed"
        " look at the ledger.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def due_postbacks(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            with open_ledger(settings.ledger_url(), settings.environment, mark=settings.ledger_mark_path) as ledger:
                due = look(ledger, settings)
        except LedgerUnavailable:
            raise
        except LedgerError as error:
            # A deployment that has no ledger yet has nothing due; every build says so too, and fails.
            return dg.SkipReason(str(error))
        wanted = [name for name, each in due.items() if is_wanted(each)]
        now = datetime.now(UTC)
        requests = [
            dg.RunRequest(partition_key=name)
            for name in wanted
            if not has_run_to_come(context.instance, "deliver", name, now)
        ]
        if not requests:
            return dg.SkipReason(_why(due, wanted))
        return dg.SensorResult(run_requests=requests)

    return dg.Definitions(sensors=[due_postbacks])


def _why(due: dict[str, Due], wanted: list[str]) -> str:
    if wanted:
        return f"A run is on its way: {', '.join(wanted)}."
    if working := [name for name, each in due.items() if has_work(each) and each.working]:
        return f"A drain is at it: {', '.join(working)}."
    if paused := [name for name, each in due.items() if each.count and each.paused]:
        return f"Paused, with postbacks due: {', '.join(paused)}."
    return "Nothing is due."
