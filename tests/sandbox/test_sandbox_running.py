"""Starting, stopping and starting again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from postback_pipeline.sandbox import Behaviour, SandboxConfig, SandboxError, sandbox_thread

FOREGROUND = """
import sys
from pathlib import Path
from postback_pipeline.sandbox import run_sandbox
run_sandbox(0, Path(sys.argv[1]), started=lambda sandbox: print(sandbox.url, flush=True))
print("stopped")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_in_the_foreground_it_runs_until_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "new" / "log.jsonl"
    command = [sys.executable, "-c", FOREGROUND, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/google/c?key=1").json()["status"] == "accepted"
        process.send_signal(number)
        assert process.stdout.read() == "stopped\n"
    assert process.returncode == 0
    assert len(log.read_text(encoding="utf-8").splitlines()) == 1


def test_what_was_answered_is_in_the_log_even_if_it_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-c", FOREGROUND, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with httpx.Client(base_url=url) as client:
            answered = [client.get("/google/c", params={"key": str(number)}).json()["id"] for number in range(50)]
        process.kill()
    assert [json.loads(line)["id"] for line in log.read_text(encoding="utf-8").splitlines()] == answered


def test_a_restarted_sandbox_still_knows_what_it_took(tmp_path: Path) -> None:
    log, query = tmp_path / "log.jsonl", {"key": "1", "transaction_id": "1", "value": "2.50", "currency": "EUR"}
    with sandbox_thread(log) as sandbox:
        httpx.get(f"{sandbox.url}/google/c", params=query)
        before = sandbox.summary()
    with sandbox_thread(log) as sandbox:
        assert sandbox.summary() == before
        assert httpx.get(f"{sandbox.url}/google/c", params=query).json()["status"] == "duplicate"
    assert len(log.read_text(encoding="utf-8").splitlines()) == 2


@pytest.mark.parametrize("content", ["no json\n", '{"time": "x"}\n', "[1]\n"])
def test_a_file_that_is_no_log_is_left_alone(tmp_path: Path, content: str) -> None:
    log = tmp_path / "notes.txt"
    log.write_text(content, encoding="utf-8")
    with pytest.raises(SandboxError, match=r"notes.txt: line 1 is not of a sandbox's log"), sandbox_thread(log):
        pass
    assert log.read_text(encoding="utf-8") == content


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with sandbox_thread(tmp_path / "1.jsonl") as first:
        port = int(first.url.rpartition(":")[2])
        with (
            pytest.raises(
                SandboxError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use. Try another"
            ),
            sandbox_thread(tmp_path / "2.jsonl", port=port),
        ):
            pass


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="log cannot be read and written: Is a directory"), sandbox_thread(tmp_path):
        pass


def test_a_secret_that_is_not_set_is_named(tmp_path: Path) -> None:
    config = SandboxConfig(receivers={"crm": Behaviour(secret_env="NOT_SET_ANYWHERE")})
    with pytest.raises(SandboxError, match="NOT_SET_ANYWHERE"), sandbox_thread(tmp_path / "log.jsonl", config):
        pass
