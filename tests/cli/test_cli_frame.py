"""The command line's frame: settings from wherever they are named, failures as sentences."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from postback_pipeline.settings import Settings

POSTBACK = Path(sys.executable).with_name("postback")
Postback = Callable[..., Result]


def test_help_names_every_command(postback: Postback) -> None:
    result = postback("--help")

    assert result.exit_code == 0
    for command in ("run", "plan", "pull", "trace", "destinations", "check", "preview", "sandbox", "ledger"):
        assert command in result.stdout


def test_without_a_command_it_shows_its_help(postback: Postback) -> None:
    assert "Usage: postback" in postback().output


@pytest.mark.parametrize("where", ["before", "after", "environment"])
def test_the_settings_may_be_named_before_or_after_the_command_or_in_the_environment(
    postback: Postback, deployment: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    deployment.file.rename(elsewhere)
    if where == "environment":
        monkeypatch.setenv("POSTBACK_CONFIG", str(elsewhere))
    given = [] if where == "environment" else ["--config", str(elsewhere)]

    result = postback("destinations", *given) if where == "after" else postback(*given, "destinations")

    assert result.exit_code == 0, result.output
    assert f"Configured in {elsewhere}" in result.stdout


def test_the_option_after_the_command_wins(postback: Postback, deployment: Settings, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"

    result = postback("--config", str(missing), "destinations", "--config", str(deployment.file))

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", [["destinations"], ["trace", "1"], ["ledger", "status"], ["preview"], ["run"]])
def test_missing_settings_are_a_sentence_on_stderr(
    postback: Postback, deployment: Settings, command: list[str]
) -> None:
    deployment.file.unlink()

    result = postback(*command)

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"{deployment.file}: there is no such settings file. Name one with --config or POSTBACK_CONFIG.\n"
    )


def test_wrong_settings_are_all_named(postback: Postback, deployment: Settings) -> None:
    deployment.file.write_text('environment = "Production!"\nledgr = 1\n[destinations.x]\nmode = "test"\n')

    result = postback("destinations")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 3
    for field in ("environment", "ledgr", "destinations.x.type"):
        assert f"{deployment.file}: {field}: " in result.stderr


def test_secrets_may_lie_in_a_file_beside_the_settings(postback: Postback, deployment: Settings) -> None:
    (deployment.file.parent / ".env").write_text("PARTNER_TOKEN=a\nPARTNER_KEY=b\nCRM_SECRET=whsec_c\n")

    result = postback("destinations", "--json")

    assert '"CRM_SECRET": true' in result.stdout
    assert "whsec_c" not in result.output


def test_the_installed_program_fails_with_a_sentence_and_no_traceback(tmp_path: Path) -> None:
    result = subprocess.run([POSTBACK, "destinations"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        f"{tmp_path}/postbacks.toml: there is no such settings file. Name one with --config or POSTBACK_CONFIG.\n"
    )


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("dagster", "duckdb", "sqlalchemy", "aiohttp", "pandas", "pyarrow", "pydantic")
    code = (
        "import sys; from typer.testing import CliRunner; from postback_pipeline.cli import app;"
        " assert CliRunner().invoke(app, ['--help']).exit_code == 0;"
        f" print([name for name in {heavy} if name in sys.modules])"
    )

    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert result.stdout == "[]\n"


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("days", "said"),
    [
        (["--from", "2026-01-01"], "--from and --to go together"),
        (["--to", "2026-01-01"], "--from and --to go together"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "--from 2026-01-02 is after --to 2026-01-01"),
        (["--from", "01.02.2026", "--to", "2026-01-01"], "does not match the format"),
    ],
)
def test_days_that_make_no_window_are_refused(postback: Postback, command: str, days: list[str], said: str) -> None:
    result = postback(command, *days)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
