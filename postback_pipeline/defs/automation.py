"""What starts by the clock: builds and measures.

Belongs here: schedules. Does not belong here: what a run does, what starts a delivery (`due_postbacks`).
https://docs.dagster.io/guides/automate
"""

from datetime import timedelta

import dagster as dg

from postback_pipeline.defs.partitions import OPEN_WINDOW


@dg.definitions
def defs() -> dg.Definitions:
    """Two build schedules, the measure schedule."""

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

    return dg.Definitions(schedules=[hourly, closed_day, measure_hourly])
