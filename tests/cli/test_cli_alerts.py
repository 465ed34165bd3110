"""`postback alerts`: what holds and who was told; trying channels out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import Result

from postback_pipeline.alerting.condition import Condition, Place, Seen
from postback_pipeline.alerting.round import run_round
from postback_pipeline.settings import Settings, load_settings
from postback_pipeline.settings.alerts import ConditionKind
from tests.alerting.receivers import HttpReceiver, http_receiver

Postback = Callable[..., Result]
CHANNELS = """
[alerts]
[alerts.channels.team]
kind = "slack"
url_env = "TEAM_URL"
[alerts.channels.desk]
kind = "webhook"
url = "{url}"
secret_env = "DESK_SECRET"
"""
PARKED = Condition(
    "parked:partner",
    ConditionKind.PARKED,
    "partner",
    "One is parked.",
    "postback ledger resolve",
    figures={"postbacks": 1},
)


@pytest.fixture
def receiver(deployment: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        deployment.file.write_text(deployment.file.read_text() + CHANNELS.format(url=found.url))
        monkeypatch.setenv("TEAM_URL", found.url)
        monkeypatch.setenv("DESK_SECRET", "whsec_c2VjcmV0dmFsdWU=")
        yield found


def look(now: datetime, *conditions: Condition, **environ: str) -> None:
    """A round of the sensor."""
    place = Place("ledger", frozenset(ConditionKind), lambda mark: Seen(conditions))
    run_round(load_settings(), [place], environ, now)


def test_a_try_reaches_every_channel(postback: Postback, receiver: HttpReceiver) -> None:
    result = postback("alerts", "test")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == ["told    team", "told    desk"]
    assert len(receiver.received) == 2
    assert all(b"nothing is wrong" in body for _, body in receiver.received)


def test_a_try_of_one_channel_leaves_the_others_alone(postback: Postback, receiver: HttpReceiver) -> None:
    assert postback("alerts", "test", "desk").exit_code == 0
    ((headers, _),) = receiver.received
    assert "webhook-signature" in headers


def test_a_channel_that_does_not_take_it_fails_the_command(
    postback: Postback, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEAM_URL")
    result = postback("alerts", "test", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "team": {"told": False, "error": "The environment variable TEAM_URL is not set."},
        "desk": {"told": True, "error": None},
    }


def test_a_channel_that_there_is_not_is_a_sentence(postback: Postback, deployment: Settings) -> None:
    none = postback("alerts", "test")
    assert (none.exit_code, "no channel is configured" in none.stderr) == (1, True)
    deployment.file.write_text(deployment.file.read_text() + CHANNELS.format(url="http://127.0.0.1:9/"))
    unknown = postback("alerts", "test", "tema")
    assert unknown.exit_code == 1
    assert "tema is no channel. There are: team, desk." in unknown.stderr


def test_status_says_what_holds_who_was_told_and_what_failed(postback: Postback, receiver: HttpReceiver) -> None:
    now = datetime.now(UTC)
    look(now, PARKED, DESK_SECRET="whsec_c2VjcmV0dmFsdWU=")
    result = postback("alerts", "status")
    assert result.exit_code == 0
    assert "partner: parked (warning)" in result.stdout
    assert "One is parked." in result.stdout
    assert f"desk at {now:%Y-%m-%d %H:%M:%S}" in result.stdout
    assert "The environment variable TEAM_URL is not set." in result.stdout
    assert result.stderr == ""
    found = json.loads(postback("alerts", "status", "--json").stdout)
    (held,) = found["holds"]
    assert (held["key"], held["figures"], set(held["told"])) == ("parked:partner", {"postbacks": 1}, {"desk"})
    assert (found["channels"]["team"]["failures"], found["channels"]["desk"]["error"]) == (1, None)


def test_status_says_where_nobody_looks(postback: Postback, deployment: Settings) -> None:
    result = postback("alerts", "status")
    assert result.exit_code == 0
    assert "Nothing holds." in result.stdout
    assert "looked never" in result.stderr
    look(datetime.now(UTC) - timedelta(hours=1))
    assert "looked last at" in postback("alerts", "status").stderr


def test_check_tells_which_variables_of_channels_are_missing(
    postback: Postback, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DESK_SECRET")
    said = postback("check").stdout
    assert "TEAM_URL for alert channel team\n" in said
    assert "DESK_SECRET for alert channel desk is not set." in said
