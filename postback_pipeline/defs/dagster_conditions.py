"""What Dagster knows to be wrong, as conditions: jobs whose newest run failed, checks whose newest evaluation did.

Belongs here: asking the instance, and the sentences. Does not belong here: what a check checks; what the ledger knows
better (a pause, a flood).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.tags import PARTITION_NAME_TAG

from postback_pipeline.alerting.condition import Condition, Place, Seen, Severity
from postback_pipeline.alerting.wording import counted
from postback_pipeline.defs import deliver, enqueue, warehouse
from postback_pipeline.settings.alerts import ConditionKind

KINDS = frozenset({ConditionKind.FAILED_RUN, ConditionKind.FAILED_CHECK, ConditionKind.REFUSED_ROWS})
#: The ledger tells of these more exactly, and sooner.
TOLD_ELSEWHERE = frozenset({deliver.NOT_PAUSED, enqueue.NO_APPROVAL_WAITS, warehouse.EXPLAINED})
#: A run that failed longer ago, and none of its job since: nobody waits for that job.
_LOOK_BACK = timedelta(days=14)
_MOST_RUNS = 100
#: A person starts these in the UI, and sees there how they end.
_BY_HAND = "ledger_"

STATUS = dg.DagsterRunStatus
ENDED = [STATUS.SUCCESS, STATUS.FAILURE, STATUS.CANCELED]

Checks = Callable[[], Collection[dg.AssetCheckKey]]


def dagster_place(instance: dg.DagsterInstance, checks: Checks, destinations: Collection[str], now: datetime) -> Place:
    """The instance's runs and checks.

    Args:
        instance: where they are recorded.
        checks: gives the keys of the checks that there are; asked for only where something has changed.
        destinations: names; each has runs of its own.
        now: aware UTC.
    """

    def look(mark: str) -> Seen | None:
        current = _mark(instance)
        if current == mark:
            return None
        return Seen((*_failed_runs(instance, destinations, now), *_failed_checks(instance, checks())), current)

    return Place("Dagster instance", KINDS, look)


def _mark(instance: dg.DagsterInstance) -> str:
    """The run that ended last: only runs bring checks."""
    newest = instance.get_run_records(dg.RunsFilter(statuses=ENDED), limit=1, order_by="update_timestamp")
    return "none" if not newest else f"{newest[0].dagster_run.run_id} {newest[0].update_timestamp.isoformat()}"


def _failed_runs(instance: dg.DagsterInstance, destinations: Collection[str], now: datetime) -> Iterator[Condition]:
    failures = instance.get_run_records(
        dg.RunsFilter(statuses=[STATUS.FAILURE], updated_after=now - _LOOK_BACK), limit=_MOST_RUNS
    )
    seen: set[tuple[str, str | None]] = set()
    for record in failures:
        job, destination = record.dagster_run.job_name, _destination(record, destinations)
        if (job, destination) in seen or job.startswith(_BY_HAND):
            continue
        seen.add((job, destination))
        if _is_newest(instance, record, destination):
            yield _failed_run(instance, record, destination)


def _destination(record: dg.RunRecord, destinations: Collection[str]) -> str | None:
    """Whose run it is; a run over days, or over nothing, is its job's."""
    partition = record.dagster_run.tags.get(PARTITION_NAME_TAG)
    return partition if partition in destinations else None


def _is_newest(instance: dg.DagsterInstance, record: dg.RunRecord, destination: str | None) -> bool:
    tags = {PARTITION_NAME_TAG: destination} if destination else {}
    job = record.dagster_run.job_name
    succeeded = dg.RunsFilter(job_name=job, tags=tags, statuses=[STATUS.SUCCESS])
    newest = instance.get_run_records(succeeded, limit=1)
    return not newest or newest[0].storage_id < record.storage_id


def _failed_run(instance: dg.DagsterInstance, record: dg.RunRecord, destination: str | None) -> Condition:
    run = record.dagster_run
    failed = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE, limit=1).records
    step = failed[0].event_log_entry.step_key if failed else None
    to, at = f" to {destination}" if destination else "", f" at step {step}" if step else ""
    job = "a materialization by hand" if run.job_name.startswith("__") else f"job {run.job_name}"
    return Condition(
        key=f"failed_run:{run.job_name}{f':{destination}' if destination else ''}",
        kind=ConditionKind.FAILED_RUN,
        subject=destination or run.job_name,
        sentence=f"The newest run of {job}{to} failed{at}, and none succeeded since.",
        act="Read the run's error; then postback run, or Re-execute in the UI",
        link=f"/runs/{run.run_id}",
        since=_ended_at(record),
        figures={"run": run.run_id, "job": run.job_name, **({"step": step} if step else {})},
    )


def _ended_at(record: dg.RunRecord) -> datetime:
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    return record.update_timestamp.replace(tzinfo=UTC)


def _failed_checks(instance: dg.DagsterInstance, keys: Collection[dg.AssetCheckKey]) -> Iterator[Condition]:
    asked = [key for key in keys if key.name not in TOLD_ELSEWHERE]
    for key, record in sorted(_newest(instance, asked).items(), key=lambda each: each[0].to_user_string()):
        if record.status is not AssetCheckExecutionRecordStatus.FAILED:
            continue
        evaluation = record.evaluation
        if key.name == enqueue.ALL_RENDERED and evaluation is not None:
            yield from _refused_rows(evaluation, record)
        else:
            yield _failed_check(key, evaluation, record)


def _newest(
    instance: dg.DagsterInstance, keys: list[dg.AssetCheckKey]
) -> Mapping[dg.AssetCheckKey, AssetCheckExecutionRecord]:
    """The newest evaluation that ended: one query, and one more for each that is under way."""
    storage = instance.event_log_storage
    found = dict(storage.get_latest_asset_check_execution_by_key(keys))
    under_way = [key for key, each in found.items() if each.status is AssetCheckExecutionRecordStatus.PLANNED]
    for key, summary in storage.get_asset_check_summary_records(under_way).items() if under_way else ():
        if summary.last_completed_check_execution_record is None:
            del found[key]
        else:
            found[key] = summary.last_completed_check_execution_record
    return found


def _refused_rows(evaluation: dg.AssetCheckEvaluation, record: AssetCheckExecutionRecord) -> Iterator[Condition]:
    """A destination's refusals are its metadata, a line each; the lines stay where they are."""
    for name, value in evaluation.metadata.items():
        rows = len(str(value.value).splitlines())
        yield Condition(
            key=f"refused_rows:{name}",
            kind=ConditionKind.REFUSED_ROWS,
            subject=name,
            sentence=f"The newest build could not make postbacks for {name} of {counted(rows, 'row')} or more.",
            act="Read the check's reasons; mend the source or the route; postback run",
            link=_check_link(evaluation.asset_check_key),
            since=datetime.fromtimestamp(record.create_timestamp, UTC),
            figures={"rows": rows},
        )


def _failed_check(
    key: dg.AssetCheckKey, evaluation: dg.AssetCheckEvaluation | None, record: AssetCheckExecutionRecord
) -> Condition:
    asset = key.asset_key.to_user_string()
    warns = evaluation is not None and evaluation.severity is dg.AssetCheckSeverity.WARN
    rows = None if evaluation is None else evaluation.metadata.get("dagster_dbt/failed_row_count")
    count = rows.value if rows is not None else None
    of_rows = f" for {counted(count, 'row')}" if isinstance(count, int) else ""
    said = "warns" if warns else "failed"
    return Condition(
        key=f"failed_check:{asset}:{key.name}",
        kind=ConditionKind.FAILED_CHECK,
        subject=asset,
        sentence=f"Check {key.name} of {asset} {said}{of_rows}.",
        act="Look at what the check says; postback trace KEY tells the story of one conversion",
        link=_check_link(key),
        since=datetime.fromtimestamp(record.create_timestamp, UTC),
        severity=Severity.WARNING if warns else Severity.URGENT,
        figures={"check": key.name, **({"rows": count} if isinstance(count, int) else {})},
    )


def _check_link(key: dg.AssetCheckKey) -> str:
    path = "/".join(quote(part) for part in key.asset_key.path)
    return f"/assets/{path}?view=checks&checkDetail={quote(key.name)}"
