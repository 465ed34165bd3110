"""The sensor on a real instance: failed runs and checks are told, and what cannot be told is an event of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest

from postback_pipeline.alerting.memory import Held, read_memory
from postback_pipeline.defs import alerts
from postback_pipeline.defs.alerts import ALL_TOLD, KEY
from postback_pipeline.defs.enqueue import ALL_RENDERED
from postback_pipeline.defs.enqueue import KEY as ENQUEUED
from postback_pipeline.ledger import open_ledger
from postback_pipeline.settings.alerts import ConditionKind
from tests.alerting.receivers import HttpReceiver, http_receiver

CHANNEL = """
[alerts]
ui_url = "http://dagster.example"
over_after_minutes = 0
[alerts.channels.team]
kind = "slack"
url_env = "TEST_SLACK_URL"
"""


@dataclass
class Behaviour:
    """What the stand-ins for the real assets do."""

    fails: bool = False
    passed: bool = True
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    refused: str = ""


@dataclass
class Pipeline:
    """A job `build` with checks, another one by hand, and the sensor beside them, on an instance of their own."""

    shop: Any
    instance: dg.DagsterInstance
    behaviour: Behaviour
    definitions: dg.Definitions
    cursor: str | None = None

    def run(self, job: str = "build", partition: str | None = None) -> None:
        found = self.definitions.resolve_job_def(job)
        tags = {"dagster/partition": partition} if partition else {}
        found.execute_in_process(instance=self.instance, raise_on_error=False, tags=tags)

    def tick(self) -> dg.SensorResult:
        (sensor,) = alerts.defs().sensors or ()
        assert isinstance(sensor, dg.SensorDefinition)
        with dg.build_sensor_context(
            self.instance,
            cursor=self.cursor,
            repository_def=self.definitions.get_repository_def(),
            resources={"settings": self.shop.settings()},
        ) as context:
            answer = sensor(context)
        assert isinstance(answer, dg.SensorResult)
        self.cursor = answer.cursor
        return answer

    def holds(self) -> dict[ConditionKind, Held]:
        memory = read_memory(self.shop.settings().alert_memory_path)
        return {held.condition.kind: held for held in memory.held if held.over_at is None}


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        monkeypatch.setenv("TEST_SLACK_URL", found.url)
        yield found


@pytest.fixture
def pipeline(shop: Any, receiver: HttpReceiver) -> Iterator[Pipeline]:
    file = shop.settings().file
    file.write_text(f"{file.read_text()}{CHANNEL}")
    behaviour = Behaviour()

    @dg.asset(key=["raw", "orders"], check_specs=[dg.AssetCheckSpec("counts_tie", asset=["raw", "orders"])])
    def orders() -> dg.MaterializeResult:  # type: ignore[type-arg]
        if behaviour.fails:
            raise dg.Failure("ann@shop.example is in row 7")
        check = dg.AssetCheckResult(
            passed=behaviour.passed, severity=behaviour.severity, metadata={"dagster_dbt/failed_row_count": 3}
        )
        return dg.MaterializeResult(check_results=[check])

    @dg.asset(key=ENQUEUED, deps=[["raw", "orders"]], check_specs=[dg.AssetCheckSpec(ALL_RENDERED, asset=ENQUEUED)])
    def enqueued() -> dg.MaterializeResult:  # type: ignore[type-arg]
        metadata = {"google": behaviour.refused} if behaviour.refused else {}
        check = dg.AssetCheckResult(passed=not behaviour.refused, metadata=metadata)
        return dg.MaterializeResult(check_results=[check])

    everything = dg.AssetSelection.assets(["raw", "orders"], ENQUEUED)
    jobs = [dg.define_asset_job(name, selection=everything) for name in ("build", "deliver", "ledger_replay")]
    with dg.DagsterInstance.ephemeral() as instance:
        definitions = dg.Definitions(assets=[orders, enqueued], jobs=jobs)
        yield Pipeline(shop, instance, behaviour, definitions)


def texts(receiver: HttpReceiver) -> list[str]:
    return [json.loads(body)["text"] for _, body in receiver.received]


def test_a_tick_tells_nobody_of_nothing(pipeline: Pipeline, receiver: HttpReceiver) -> None:
    first, second = pipeline.tick(), pipeline.tick()
    assert receiver.received == []
    (check,) = first.asset_events
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert check.passed
    assert second.asset_events == []
    assert second.skip_reason is not None
    assert second.skip_reason.skip_message == "0 conditions hold."


def test_a_failed_run_is_told_with_its_step_until_a_later_one_succeeds(
    pipeline: Pipeline, receiver: HttpReceiver
) -> None:
    pipeline.behaviour.fails = True
    pipeline.run()
    pipeline.tick()
    pipeline.tick()
    held = pipeline.holds()[ConditionKind.FAILED_RUN]
    run = pipeline.instance.get_run_records(limit=1)[0].dagster_run
    assert held.condition.sentence == (
        "The newest run of job build failed at step raw__orders, and none succeeded since."
    )
    assert f"<http://dagster.example/runs/{run.run_id}|Open in Dagster>" in texts(receiver)[0]
    pipeline.behaviour.fails = False
    pipeline.run()
    result = pipeline.tick()
    assert pipeline.holds() == {}
    first, last = texts(receiver)
    assert ":rotating_light:" in first
    assert "over: build: run failed" in last
    assert "ann@shop.example" not in first
    told = next(event for event in result.asset_events if isinstance(event, dg.AssetMaterialization))
    assert (told.asset_key, told.metadata["changes_told"].value) == (KEY, 1)


def test_each_destination_has_runs_of_its_own(pipeline: Pipeline, receiver: HttpReceiver) -> None:
    pipeline.behaviour.fails = True
    pipeline.run("deliver", "google")
    pipeline.run("deliver", "partner")
    pipeline.run("build", "2026-01-10")
    pipeline.behaviour.fails = False
    pipeline.run("deliver", "partner")
    pipeline.tick()
    memory = read_memory(pipeline.shop.settings().alert_memory_path)
    assert [held.condition.key for held in memory.held] == ["failed_run:build", "failed_run:deliver:google"]
    # Another day's build is the same job.
    pipeline.run("build", "2026-01-11")
    pipeline.tick()
    memory = read_memory(pipeline.shop.settings().alert_memory_path)
    assert [held.condition.key for held in memory.held] == ["failed_run:deliver:google"]


def test_a_step_that_a_person_started_is_their_own_affair(pipeline: Pipeline, receiver: HttpReceiver) -> None:
    pipeline.behaviour.fails = True
    pipeline.run("ledger_replay")
    pipeline.tick()
    assert receiver.received == []


@pytest.mark.parametrize(
    ("severity", "said", "urgent"),
    [(dg.AssetCheckSeverity.WARN, "warns", "warning"), (dg.AssetCheckSeverity.ERROR, "failed", "urgent")],
)
def test_a_failed_check_is_told_until_it_passes(
    pipeline: Pipeline, receiver: HttpReceiver, severity: dg.AssetCheckSeverity, said: str, urgent: str
) -> None:
    pipeline.behaviour.passed, pipeline.behaviour.severity = False, severity
    pipeline.run()
    pipeline.tick()
    condition = pipeline.holds()[ConditionKind.FAILED_CHECK].condition
    assert condition.sentence == f"Check counts_tie of raw/orders {said} for 3 rows."
    assert condition.severity == urgent
    assert condition.link == "/assets/raw/orders?view=checks&checkDetail=counts_tie"
    pipeline.behaviour.passed = True
    pipeline.run()
    pipeline.tick()
    assert pipeline.holds() == {}
    assert len(receiver.received) == 2


def test_rows_that_an_enqueue_refused_are_told_by_destination_without_what_is_in_them(
    pipeline: Pipeline, receiver: HttpReceiver
) -> None:
    pipeline.behaviour.refused = "purchase:4711: it has no click\npurchase:4712: it has no click"
    pipeline.run()
    pipeline.tick()
    condition = pipeline.holds()[ConditionKind.REFUSED_ROWS].condition
    assert (condition.subject, condition.figures) == ("google", {"rows": 2})
    assert "4711" not in texts(receiver)[0]


def test_what_the_ledger_knows_is_told_beside_it(pipeline: Pipeline, receiver: HttpReceiver) -> None:
    settings = pipeline.shop.settings()
    with open_ledger(settings.ledger_url(), settings.environment) as ledger:
        ledger.pause("partner", actor="ann", reason="they moved")
    pipeline.tick()
    assert "> Nothing is sent to partner, paused by ann: they moved." in texts(receiver)[0]


def test_a_channel_that_fails_is_an_event_a_check_and_a_warning(pipeline: Pipeline, receiver: HttpReceiver) -> None:
    pipeline.tick()
    pipeline.behaviour.fails = True
    pipeline.run()
    receiver.status = 404
    first, second = pipeline.tick(), pipeline.tick()
    told, check = first.asset_events
    assert isinstance(told, dg.AssetMaterialization)
    assert told.metadata["channels_failed"].value == 1
    assert isinstance(check, dg.AssetCheckEvaluation)
    assert (check.check_name, check.passed) == (ALL_TOLD, False)
    assert check.metadata["team"].value == "It answered 404 ok."
    # The same again is no news.
    assert not any(isinstance(event, dg.AssetCheckEvaluation) for event in second.asset_events)
    receiver.status = 200
    last = pipeline.tick()
    (again,) = [event for event in last.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    assert again.passed


def test_the_check_can_be_asked_by_hand(pipeline: Pipeline, receiver: HttpReceiver) -> None:
    pipeline.behaviour.fails = True
    pipeline.run()
    receiver.status = 500
    pipeline.tick()
    own = dg.Definitions.merge(alerts.defs(), dg.Definitions(resources={"settings": pipeline.shop.settings()}))
    job = own.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(instance=pipeline.instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert not evaluation.passed
    assert evaluation.metadata["team"].value == "It answered 500 ok."
