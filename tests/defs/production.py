"""Dagster as separate processes on a real PostgreSQL: code location, web server, daemon; ledger on PostgreSQL too."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

Found = TypeVar("Found")
CHECKOUT = Path(__file__).parents[2]
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "postback_pipeline"}
LAUNCH_BACKFILL = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
RUNS = """
query($filter: RunsFilter) {
  runsOrError(filter: $filter) {
    ... on Runs { results { runId status jobName tags { key value } } }
    ... on PythonError { message }
  }
}
"""
LAUNCH_RUN = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
TICKS = """
query($sensor: SensorSelector!) {
  sensorOrError(sensorSelector: $sensor) {
    ... on Sensor { sensorState { ticks(limit: 500) { status } } }
    ... on PythonError { message }
  }
}
"""
TERMINATE_RUN = """
mutation($runId: String!) {
  terminateRun(runId: $runId) {
    __typename
    ... on PythonError { message }
  }
}
"""
EVENTS = """
query($runId: ID!) {
  logsForRun(runId: $runId) { ... on EventConnection { events { __typename } } }
}
"""


class Deployment:
    """Three processes and how to ask them."""

    def __init__(self, port: int, workspace: Path, logs: Path) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"
        self._workspace = workspace
        self._logs = logs

    @contextmanager
    def daemon(self, name: str) -> Iterator[Path]:
        """One more daemon on the same instance, beside any there is; its log."""
        log = self._logs / name
        with service(log, "dagster._daemon", "run", "-w", str(self._workspace)):
            yield log

    def ask(self, query: str, variables: dict[str, Any]) -> Any:
        """The `data` of one GraphQL answer."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def runs(self, job: str) -> list[dict[str, Any]]:
        """The runs of a job, the newest first."""
        found: list[dict[str, Any]] = self.ask(RUNS, {"filter": {"pipelineName": job}})["runsOrError"]["results"]
        return found

    def backfill(self, days: list[str]) -> str:
        """Launches what the UI launches: job `build`, Partitions, these days. Returns the backfill's id."""
        selector = {"partitionSetName": "build_partition_set", "repositorySelector": LOCATION}
        answer = self.ask(LAUNCH_BACKFILL, {"params": {"selector": selector, "partitionNames": days}})
        return str(answer["launchPartitionBackfill"]["backfillId"])

    def unfinished(self, job: str) -> list[str]:
        """Runs of a job that have not ended, as far as Dagster knows."""
        return [each["runId"] for each in self.runs(job) if each["status"] not in ("SUCCESS", "FAILURE", "CANCELED")]

    def ticks(self, sensor: str) -> int:
        """How often a sensor has looked, by any daemon."""
        found = self.ask(TICKS, {"sensor": {"sensorName": sensor, **LOCATION}})["sensorOrError"]
        return sum(tick["status"] in ("SUCCESS", "SKIPPED") for tick in found["sensorState"]["ticks"])

    def measure(self) -> str:
        """Launches the measure job. Returns the run's id."""
        selector = {"jobName": "measure", **LOCATION}
        answer = self.ask(LAUNCH_RUN, {"params": {"selector": selector, "mode": "default"}})
        assert answer["launchRun"]["__typename"] == "LaunchRunSuccess", answer
        return str(answer["launchRun"]["run"]["runId"])

    def terminate(self, run_id: str) -> None:
        """Does what the UI's button Terminate does."""
        answer = self.ask(TERMINATE_RUN, {"runId": run_id})["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def events(self, run_id: str) -> set[str]:
        """The kinds of events that a run left."""
        found = self.ask(EVENTS, {"runId": run_id})["logsForRun"]["events"]
        return {event["__typename"] for event in found}

    def finished(self, job: str, count: int = 1, *, backfill: str = "", run: str = "") -> list[dict[str, Any]]:
        """Waits until `count` runs of a job are finished; all of them must have succeeded.

        Of this backfill only, or this run, where one is named: schedules start runs of the same jobs at their minutes.
        """
        tag = {"key": "dagster/backfill", "value": backfill}

        def done() -> list[dict[str, Any]]:
            runs = [each for each in self.runs(job) if tag in each["tags"] or not backfill]
            runs = [each for each in runs if run in ("", each["runId"])]
            assert not [each for each in runs if each["status"] in ("FAILURE", "CANCELED")], runs
            ended = [each for each in runs if each["status"] == "SUCCESS"]
            return ended if len(ended) >= count else []

        return wait_for(done, f"{count} successful runs of {job}")


def wait_for(look: Callable[[], Found], what: str, seconds: float = 240) -> Found:
    """The first true value that `look` returns."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(1)
    raise AssertionError(f"Waited {seconds} s in vain for {what}.")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def service(log: Path, *arguments: str) -> Iterator[None]:
    """One of Dagster's programs as a process of its own."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield
            assert process.poll() is None, f"{arguments[0]} ended by itself: {log.read_text()[-2000:]}"
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _answers(deployment: Deployment) -> bool:
    try:
        deployment.runs("build")
    except (urllib.error.URLError, OSError, TypeError, KeyError):
        return False
    return True


@contextmanager
def production(home: Path) -> Iterator[Deployment]:
    """Web server, daemon and code location on the instance and settings that the environment names."""
    code, web = free_port(), free_port()
    workspace = home / "workspace.yaml"
    workspace.write_text(
        f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {code}, location_name: postback_pipeline}}\n"
    )
    logs = home / "logs"
    logs.mkdir()
    answers = Deployment(web, workspace, logs)
    server = ("code-server", "start", "-m", "postback_pipeline.definitions", "-h", "127.0.0.1", "-p", str(code))
    with service(logs / "code", "dagster", *server):
        wait_for(lambda: _listens(code), "the code server")
        webserver = ("dagster_webserver", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(web))
        with (
            service(logs / "web", *webserver),
            answers.daemon("daemon"),
        ):
            wait_for(lambda: _answers(answers), "the web server")
            yield answers
