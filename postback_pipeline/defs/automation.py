"""What starts by itself: builds and measures by the clock, deliveries when something is due.

Belongs here: schedules and sensors. Does not belong here: what a run does, and any state of a delivery (the ledger's).
https://docs.dagster.io/guides/automate
"""

from datetime import timedelta

import dagster as dg

from postback_pipeline.defs.partitions import OPEN_WINDOW, PARTITION_NAME_TAG
from postback_pipeline.ledger import LedgerError, LedgerUnavailable, open_ledger
from postback_pipeline.settings import Settings

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def has_unfinished_run(instance: dg.DagsterInstance, job: str, partition: str) -> bool:
    """Whether a run of this partition exists that will still look at what is due."""
    filters = dg.RunsFilter(job_name=job, statuses=UNFINISHED, tags={PARTITION_NAME_TAG: partition})
    return bool(instance.get_run_ids(filters, limit=1))


@dg.definitions
def defs() -> dg.Definitions:
    """Two build schedules, the delivery sensor, the measure schedule."""

    @dg.schedule(
        name="build_hourly",
        job_name="build",
        cron_schedule="0 * * * *",
        description="Brings everything up to date, whatever its day.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def hourly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        moment = context.scheduled_execution_time
        return dg.RunRequest(partition_key=moment.strftime("%Y-%m-%d"), tags=OPEN_WINDOW)

    @dg.schedule(
        name="build_closed_day",
        job_name="build",
        cron_schedule="20 0 * * *",
        description="Once more for the day that just closed.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def closed_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        day = context.scheduled_execution_time - timedelta(days=1)
        return dg.RunRequest(partition_key=day.strftime("%Y-%m-%d"), tags=OPEN_WINDOW)

    @dg.schedule(
        name="measure_hourly",
        job_name="measure",
        cron_schedule="40 * * * *",
        description="Deliveries and metrics on a fresh copy of the ledger's history.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def measure_hourly() -> dg.RunRequest:
        return dg.RunRequest()

    @dg.sensor(
        name="due_postbacks",
        job_name="deliver",
        minimum_interval_seconds=30,
        description="Starts a drain for each destination with something due. Costs one indexed look at the ledger.",
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def due_postbacks(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            with open_ledger(settings.ledger_url(), settings.environment) as ledger:
                due = ledger.due(sorted(settings.destinations))
        except LedgerUnavailable:
            raise
        except LedgerError as error:
            # A deployment that has no ledger yet has nothing due; every build says so too, and fails.
            return dg.SkipReason(str(error))
        waiting = [name for name, each in due.items() if each.count and not each.paused]
        free = [name for name in waiting if not has_unfinished_run(context.instance, "deliver", name)]
        if not free:
            return dg.SkipReason("A drain is at it already." if waiting else "Nothing is due.")
        return dg.SensorResult(run_requests=[dg.RunRequest(partition_key=name) for name in free])

    return dg.Definitions(schedules=[hourly, closed_day, measure_hourly], sensors=[due_postbacks])
