"""A round from a look to what is remembered: real receivers, a real file, places that answer as they are told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postback_pipeline.alerting.condition import AlertError, Condition, Place, Seen
from postback_pipeline.alerting.memory import AnotherRound, Memory, read_memory, remembering
from postback_pipeline.alerting.round import Report, run_round
from postback_pipeline.ledger import LedgerError
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import ConditionKind
from tests.alerting.receivers import HttpReceiver, http_receiver

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "whsec_c2VjcmV0dmFsdWU="
Make = Callable[..., Settings]


@dataclass
class Shelf:
    """A place whose conditions tests put there."""

    conditions: list[Condition] = field(default_factory=list)
    error: Exception | None = None
    #: The mark that it gives; where it is asked with the same one, nothing has changed.
    mark: str = ""
    looks: list[str] = field(default_factory=list)

    def place(self) -> Place:
        return Place("shelf", frozenset({ConditionKind.PARKED, ConditionKind.PAUSED}), self.look)

    def look(self, mark: str) -> Seen | None:
        self.looks.append(mark)
        if self.error is not None:
            raise self.error
        return None if mark and mark == self.mark else Seen(tuple(self.conditions), self.mark)


@dataclass
class Office:
    """A deployment with one channel, a webhook, and its shelf."""

    settings: Settings
    receiver: HttpReceiver
    shelf: Shelf = field(default_factory=Shelf)
    now: datetime = NOON

    def round(self, minutes: float = 1) -> Report:
        self.now += timedelta(minutes=minutes)
        return run_round(self.settings, [self.shelf.place()], {"KEY": SECRET}, self.now)

    def news(self) -> list[list[tuple[str, str]]]:
        """By message: what it says about which condition."""
        return [
            [(alert["news"], alert["key"]) for alert in json.loads(body)["alerts"]]
            for _, body in self.receiver.received
        ]

    def memory(self) -> Memory:
        return read_memory(self.settings.alert_memory_path)


@pytest.fixture
def office(settings: Make, receiver: HttpReceiver) -> Office:
    channel = {"kind": "webhook", "url": receiver.url, "secret_env": "KEY"}
    return Office(settings(channels={"team": channel}, over_after_minutes=3), receiver)


def test_what_appears_together_is_one_message_and_its_end_another(
    office: Office, condition: Callable[..., Condition]
) -> None:
    office.shelf.conditions = [condition(), condition(ConditionKind.PAUSED, "tiktok")]
    report = office.round()
    assert report.sentence == "2 conditions hold; told team of 2 changes."
    for _ in range(3):
        office.round()
    office.shelf.conditions = []
    for _ in range(5):
        report = office.round()
    assert office.news() == [
        [("appeared", "paused:tiktok"), ("appeared", "parked:meta")],
        [("over", "parked:meta"), ("over", "paused:tiktok")],
    ]
    assert report.sentence == "0 conditions hold."
    assert office.memory().held == ()


def test_what_could_not_be_told_is_told_by_the_next_round_that_can(
    office: Office, condition: Callable[..., Condition]
) -> None:
    office.shelf.conditions = [condition()]
    office.receiver.status = 503
    report = office.round()
    assert report.failed == {"team": "It answered 503 ok."}
    went = office.memory().channels["team"]
    assert (went.failing_since, went.failures, went.error) == (office.now, 1, "It answered 503 ok.")
    began = office.now
    office.round()
    went = office.memory().channels["team"]
    assert (went.failing_since, went.failures) == (began, 2)
    office.receiver.status = 200
    office.round()
    went = office.memory().channels["team"]
    assert (went.sent_at, went.failing_since, went.failures, went.error) == (office.now, None, 0, None)
    assert office.news() == [[("appeared", "parked:meta")]] * 3
    # The endpoint may drop what it has: it was the same message all along.
    assert len({headers["webhook-id"] for headers, _ in office.receiver.received}) == 1


def test_the_other_channels_hear_of_one_that_cannot_be_told(
    office: Office, settings: Make, condition: Callable[..., Condition]
) -> None:
    with http_receiver() as other:
        office.settings = settings(
            channels={
                "team": {"kind": "webhook", "url": office.receiver.url, "secret_env": "KEY"},
                "desk": {"kind": "webhook", "url": other.url, "secret_env": "KEY"},
            }
        )
        office.shelf.conditions = [condition()]
        office.receiver.status = 404
        office.round()
        office.round()
        assert len(other.received) == 1
        office.round()
        said = json.loads(other.received[-1][1])["alerts"]
        assert [(each["news"], each["key"]) for each in said] == [("appeared", "channel_down:team")]
        assert said[0]["act"] == "postback alerts test team"
        office.receiver.status = 200
        office.round()
        office.round()
    assert json.loads(other.received[-1][1])["alerts"][0]["news"] == "over"
    # It does not hear about itself.
    assert {key for told in office.news() for _, key in told} == {"parked:meta"}


def test_what_cannot_be_looked_at_is_not_over_and_is_told_itself(
    office: Office, condition: Callable[..., Condition]
) -> None:
    office.shelf.conditions = [condition()]
    office.round()
    office.shelf.error = LedgerError("The ledger is gone. Restore it.")
    for _ in range(10):
        report = office.round()
    assert report.blind == {"shelf": "The ledger is gone. Restore it."}
    assert office.news()[1:] == [[("appeared", "blind:shelf")]]
    office.shelf.error = None
    for _ in range(5):
        office.round()
    assert office.news()[2:] == [[("over", "blind:shelf")]]
    assert [held.condition.key for held in office.memory().held] == ["parked:meta"]


def test_of_an_error_that_is_none_of_ours_only_the_class_is_told(office: Office) -> None:
    office.shelf.error = RuntimeError("select * where email = 'ann@shop.example'")
    office.round()
    assert "ann@" not in office.receiver.received[0][1].decode()
    assert office.memory().held[0].condition.sentence.endswith("RuntimeError.")


def test_a_place_where_nothing_changed_is_not_asked_again(
    office: Office, settings: Make, condition: Callable[..., Condition]
) -> None:
    office.shelf.conditions, office.shelf.mark = [condition()], "1"
    office.round()
    for _ in range(10):
        office.round()
    assert office.shelf.looks == ["", *["1"] * 10]
    assert [held.condition.key for held in office.memory().held] == ["parked:meta"]
    # With other settings the same state may mean something else.
    office.settings = settings(channels={"team": office.settings.alerts.channels["team"]}, repeat_hours=1)
    office.round()
    assert office.shelf.looks[-1] == ""


def test_what_lasts_is_told_again_after_the_interval(office: Office, condition: Callable[..., Condition]) -> None:
    office.shelf.conditions = [condition()]
    for _ in range(49):
        office.round(minutes=60)
    assert [news for told in office.news() for news, _ in told] == ["appeared", "lasts", "lasts"]


def test_only_one_round_is_made_at_a_time(office: Office) -> None:
    with remembering(office.settings.alert_memory_path), pytest.raises(AnotherRound):
        office.round()
    office.round()


def test_a_round_that_breaks_off_remembers_nothing(office: Office, condition: Callable[..., Condition]) -> None:
    office.round()
    before = office.memory()
    with pytest.raises(KeyboardInterrupt), remembering(office.settings.alert_memory_path) as opened:
        opened.keep(Memory(looked_at=NOON))
        raise KeyboardInterrupt
    assert office.memory() == before


@pytest.mark.parametrize("content", [b"no database at all, and long enough to be seen as none" * 10, None])
def test_a_memory_that_is_damaged_is_named_with_what_to_do(office: Office, content: bytes | None) -> None:
    file: Path = office.settings.alert_memory_path
    if content is not None:
        file.write_bytes(content)
    else:
        office.round()
        with sqlite3.connect(file) as connection:
            connection.execute("UPDATE memory SET content = '{\"held\": 3}'")
        connection.close()
    for use in (office.round, office.memory):
        with pytest.raises(AlertError, match="may be deleted: what holds is told again"):
            use()
    file.unlink()
    office.round()


def test_nothing_was_remembered_yet(settings: Make) -> None:
    assert read_memory(settings().alert_memory_path) == Memory()
