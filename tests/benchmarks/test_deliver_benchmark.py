"""The delivery benchmark: that its figures can be believed. Nothing here is about how long anything takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from benchmarks.deliver.arrivals import Arrived, Receiver, running_receiver
from benchmarks.deliver.comparison import compared, is_faultless, table
from benchmarks.deliver.measurements import FIGURES, Sizes
from benchmarks.deliver.registry import BY_NAME
from benchmarks.deliver.running import Run, Turns
from benchmarks.deliver.shop import sample_body
from benchmarks.deliver.task import Task, task_from

ROOT = Path(__file__).parents[2]
#: Of those that need no environment of their own: both ledgers, and a loop without one.
AT_HOME = ["postback_sqlite", "postback_postgresql", "aiohttp_uvloop"]


def test_nobody_loses_or_repeats_a_row() -> None:
    command = ["--rows", "200", "--rounds", "1", "--latencies", "0", "--contenders", ",".join(AT_HOME), "--json"]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.deliver", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert [each["name"] for each in told] == AT_HOME
    assert {(each["error"], each["lost"], each["duplicated"]) for each in told} == {(None, 0, 0)}
    assert all(each["rows"] == BY_NAME[each["name"]].rows(200, 0) for each in told)
    assert all(each[name] > 0 for each in told for name in ("rows_per_s", "cpu_us_per_row", "peak_mb"))
    assert {each["name"] for each in told if each["server_cpu_us_per_row"] is not None} <= {"postback_postgresql"}


def test_the_engines_own_figures_are_about_all_rows() -> None:
    figures = ["--figures", "enqueue_known,drain,due_to_accepted"]
    sizes = ["--known-rows", "300", "--drained-rows", "200", "--due-rows", "600"]
    result = subprocess.run(
        [sys.executable, "-m", "benchmarks.deliver", *figures, *sizes, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    known, drain, due = told["enqueue_known"], told["drain"], told["due_to_accepted"]
    assert (known["rows"], known["inserted"], drain["rows"], due["rows"]) == (300, 0, 200, 600)
    assert [drain["lost"], drain["duplicated"], due["lost"], due["duplicated"]] == [0, 0, 0, 0]
    assert 0 < due["p50_s"] <= due["p95_s"] <= due["longest_s"]
    assert all(known[name] > 0 for name in ("seconds", "idle_tick_ms", "idle_ledger_ms"))


def test_the_same_body_crosses_into_every_process() -> None:
    task = Task("run", 3, 1, "http://127.0.0.1:9/0", sample_body(), "/nowhere")
    copy = task_from(task.as_json())
    assert copy == task
    body = json.loads(copy.body_of(2))
    assert body["key"] == copy.key_of(2) == "run:2.1"
    assert {**copy.fields(), "key": "run:2.1"} == body


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with running_receiver(tmp_path, core=None) as running:
        yield running


def send(receiver: Receiver, place: str, body: str | None = None) -> str:
    host, _, latency = receiver.url(0).removeprefix("http://").partition("/")
    connection = HTTPConnection(host)
    connection.request("GET" if body is None else "POST", f"/{latency}/{place}", body)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def test_what_came_twice_never_or_unasked_is_counted(receiver: Receiver) -> None:
    assert send(receiver, "hook", '{"type":"conversion","key":"run:0.1"}') == "OK"
    assert send(receiver, "hook", '{"key": "run:1.1"}') == "OK"
    assert send(receiver, "hook?tid=7&key=run%3A1.1") == "OK"
    assert send(receiver, "hook", '{"conversion_key":"run:2"}') == "OK"
    assert receiver.arrived(["run:0.1", "run:1.1", "run:2.1", "run:3.1"]) == Arrived(lost=2, duplicated=2)
    # Each count is about what came since the last one.
    assert receiver.arrived(["run:0.1"]) == Arrived(lost=1, duplicated=0)


def test_a_batch_gets_a_verdict_per_row_however_large_it_is(receiver: Receiver) -> None:
    keys = [f"run:{number}.1" for number in range(5_000)]
    verdicts = json.loads(send(receiver, "batch", json.dumps({"postbacks": [{"key": key} for key in keys]})))
    assert verdicts == {"results": [{"key": key, "status": "accepted"} for key in keys]}
    assert receiver.arrived(keys) == Arrived(lost=0, duplicated=0)


def turns(name: str, *runs: Run, error: str | None = None) -> Turns:
    return Turns(BY_NAME[name], 0, list(runs), error)


def run(wall: float, cpu: float, *, lost: int = 0, peak: float = 50.0) -> Run:
    return Run(rows=100, in_flight=8, wall_s=wall, cpu_s=cpu, server_cpu_s=None, peak_mb=peak, lost=lost, duplicated=1)


def test_the_quickest_round_counts_and_faults_of_all_rounds_do() -> None:
    ours, bare, peer, absent = compared(
        [
            turns("postback_sqlite", run(0.2, 0.1, lost=3), run(0.1, 0.02, peak=40.0)),
            turns("own_transport", run(0.1, 0.01)),
            turns("drt", run(10.0, 1.0)),
            turns("dlt", error="not to be had"),
        ]
    )
    assert (ours["rows_per_s"], ours["cpu_us_per_row"], ours["peak_mb"]) == (1000.0, 200.0, 50)
    assert (ours["lost"], ours["duplicated"]) == (3, 2)
    assert (ours["ratio_to_drt"], ours["cpu_ratio_to_own_transport"]) == (100.0, 2.0)
    assert (bare["cpu_ratio_to_own_transport"], peer["ratio_to_drt"]) == (1.0, 1.0)
    assert absent == {"name": "dlt", "latency_ms": 0, "error": "not to be had"}
    assert "not to be had" in table([ours, bare, peer, absent])


class FaultyBench:
    """On which every run loses two rows and repeats one."""

    def run(self, *_: object) -> Run:
        return run(0.1, 0.02, lost=2)


def test_what_is_lost_or_repeated_beside_a_dead_neighbour_is_no_figure_without_fault() -> None:
    (figure,) = [each for each in FIGURES if each.name == "dead_neighbour"]
    bench: Any = FaultyBench()
    told = figure.take(bench, Sizes(rounds=2))
    # Alone, beside one that hangs, beside one that refuses; twice.
    assert (told["lost"], told["duplicated"]) == (12, 6)
    assert not is_faultless(told)
    assert is_faultless({**told, "lost": 0, "duplicated": 0})
    assert not is_faultless({"aim": "any", "error": "not to be had"})
