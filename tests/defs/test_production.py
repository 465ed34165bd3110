"""Dagster as separate processes on a real PostgreSQL: code location, web server, daemon; ledger on PostgreSQL too."""

from __future__ import annotations

import json
import os
import shutil
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

import pytest

from postback_pipeline.ledger import create_ledger, open_ledger
from postback_pipeline.settings import load_settings

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
    ... on PythonError { message }
  }
}
"""


class Deployment:
    """Three processes and how to ask them."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/graphql"

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

    def measure(self) -> None:
        """Launches the measure job."""
        selector = {"jobName": "measure", **LOCATION}
        answer = self.ask(LAUNCH_RUN, {"params": {"selector": selector, "mode": "default"}})
        assert answer["launchRun"]["__typename"] == "LaunchRunSuccess", answer

    def finished(self, job: str, count: int) -> list[dict[str, Any]]:
        """Waits until `count` runs of a job are finished; all of them must have succeeded."""

        def done() -> list[dict[str, Any]]:
            runs = self.runs(job)
            assert not [run for run in runs if run["status"] in ("FAILURE", "CANCELED")], runs
            ended = [run for run in runs if run["status"] == "SUCCESS"]
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


@pytest.fixture
def deployment(
    shop: Any, make: Any, postgres_database: str, second_postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """Web server, daemon and code location over the small shop, everything of theirs on PostgreSQL."""
    monkeypatch.setenv("TEST_LEDGER_URL", postgres_database)
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", second_postgres_database)
    monkeypatch.setenv("DAGSTER_HOME", str(shop.home / "instance"))
    make.deployment(shop, ledger='url_env = "TEST_LEDGER_URL"')
    (shop.home / "instance").mkdir()
    shutil.copy(CHECKOUT / "dagster.yaml", shop.home / "instance")
    create_ledger(postgres_database, "testing")

    code, web = free_port(), free_port()
    workspace = shop.home / "workspace.yaml"
    workspace.write_text(
        f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {code}, location_name: postback_pipeline}}\n"
    )
    logs = shop.home / "logs"
    logs.mkdir()
    answers = Deployment(web)
    server = ("code-server", "start", "-m", "postback_pipeline.definitions", "-h", "127.0.0.1", "-p", str(code))
    with service(logs / "code", "dagster", *server):
        wait_for(lambda: _listens(code), "the code server")
        webserver = ("dagster_webserver", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(web))
        with (
            service(logs / "web", *webserver),
            service(logs / "daemon", "dagster._daemon", "run", "-w", str(workspace)),
        ):
            wait_for(lambda: _answers(answers), "the web server")
            yield answers


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _answers(deployment: Deployment) -> bool:
    try:
        deployment.runs("build")
    except (urllib.error.URLError, OSError, TypeError, KeyError):
        return False
    return True


def test_a_backfill_from_the_ui_is_one_run_and_the_sensor_delivers_what_it_wrote_once(
    deployment: Deployment, shop: Any, make: Any
) -> None:
    shop.orders(make.order(1, day=5), make.order(2, day=15), make.order(3, day=25))
    shop.clicks(make.click(1, day=4), make.click(2, "irclickid", day=14), make.click(3, day=24))

    first = deployment.backfill([f"2026-01-{day:02}" for day in range(1, 21)])
    (build,) = deployment.finished("build", 1)
    tags = {tag["key"]: tag["value"] for tag in build["tags"]}
    assert tags["dagster/backfill"] == first
    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == (
        "2026-01-01",
        "2026-01-20",
    )
    # Nobody starts the deliveries: the sensor does.
    wait_for(lambda: len(shop.received()) == 2, "two postbacks")
    assert sorted(each["transaction_id"] for each in shop.received()) == ["1", "2"]
    deployment.finished("deliver", 2)

    deployment.backfill([f"2026-01-{day:02}" for day in range(10, 31)])
    deployment.finished("build", 2)
    wait_for(lambda: len(shop.received()) == 3, "the third postback")
    deployment.finished("deliver", 3)
    deployment.measure()
    deployment.finished("measure", 1)

    assert sorted(each["transaction_id"] for each in shop.received()) == ["1", "2", "3"], "an overlap repeats nothing"
    assert shop.query("select state, count(*) from marts.deliveries group by 1") == [("accepted", 3)]
    with open_ledger(os.environ["TEST_LEDGER_URL"], "testing") as ledger:
        assert all(due.count == 0 for due in ledger.due(sorted(load_settings().destinations)).values())
