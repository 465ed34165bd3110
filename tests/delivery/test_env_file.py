"""A secret that is changed in `.env` reaches processes that run already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from postback_pipeline.delivery.drain import run_drain
from postback_pipeline.delivery.pause_mark import resume_if_fixed
from postback_pipeline.ledger import Ledger
from postback_pipeline.model import State
from postback_pipeline.settings import FOLLOWED_VARIABLE, Settings, load_env_file
from tests.delivery.lines import NAME, SECRET, WEBHOOK, Clock, desired, line_at
from tests.delivery.receivers import receiving_elsewhere, replying

NEW_SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"


@pytest.fixture
def settings_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file's place; what a test puts into the environment is taken out again."""
    for name in (FOLLOWED_VARIABLE, "CRM_SECRET", "OTHER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path / "postbacks.toml"


def write(settings_file: Path, text: str) -> None:
    settings_file.with_name(".env").write_text(text, encoding="utf-8")
    load_env_file(settings_file)


def test_values_of_the_file_are_followed_and_those_of_the_environment_win(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "from the environment")
    write(settings_file, "CRM_SECRET=old\nOTHER=from the file\n")
    assert (os.environ["CRM_SECRET"], os.environ["OTHER"]) == ("old", "from the environment")
    write(settings_file, "CRM_SECRET=new\nOTHER=from the file, too\n")
    assert (os.environ["CRM_SECRET"], os.environ["OTHER"]) == ("new", "from the environment")


def test_what_somebody_else_read_from_the_file_is_followed_as_well(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_SECRET", "old")
    write(settings_file, "CRM_SECRET=old\n")
    write(settings_file, "CRM_SECRET=new\n")
    assert os.environ["CRM_SECRET"] == "new"


def test_what_is_removed_from_the_file_is_gone_and_comes_back_with_it(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "from the environment")
    write(settings_file, "CRM_SECRET=old\nOTHER=from the file\n")
    write(settings_file, "")
    assert ("CRM_SECRET" in os.environ, os.environ["OTHER"]) == (False, "from the environment")
    write(settings_file, "CRM_SECRET=new\n")
    assert os.environ["CRM_SECRET"] == "new"


def test_without_a_file_nothing_happens(settings_file: Path) -> None:
    load_env_file(settings_file)
    assert "CRM_SECRET" not in os.environ


def test_a_new_secret_in_the_file_ends_the_pause_without_a_new_process(
    settings_file: Path, ledger: Ledger, clock: Clock
) -> None:
    with receiving_elsewhere(replying(401)) as receiver:
        line = line_at(receiver.url, ledger, clock, WEBHOOK)
        deployment = Settings(destinations={NAME: line.settings}, delivery=line.delivery, file=settings_file)
        line.enqueue(desired(1))
        write(settings_file, f"CRM_SECRET={SECRET}\n")
        assert run_drain(NAME, line.destination, deployment, ledger).ended == "paused"
        assert run_drain(NAME, line.destination, deployment, ledger).requests == 0
        assert not resume_if_fixed(NAME, line.destination, ledger, os.environ)
        settings_file.with_name(".env").write_text(f"CRM_SECRET={NEW_SECRET}\n", encoding="utf-8")
        report = run_drain(NAME, line.destination, deployment, ledger)
    assert (report.ended, report.requests, len(receiver.hits)) == ("paused", 1, 2)
    assert line.states() == [State.PENDING]
