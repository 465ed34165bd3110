"""Table `[alerts]`: what is taken, and the sentence about what is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from postback_pipeline.settings import SettingsError, load_settings
from postback_pipeline.settings.alerts import ConditionKind, EmailChannel, SlackChannel, WebhookChannel

WHOLE = """
[alerts]
ui_url = "https://dagster.example"
urgent = ["parked"]
quiet_hours = { from = "22:00", to = 07:00:00, time_zone = "Europe/London" }
[alerts.channels.team]
kind = "slack"
url_env = "SLACK_URL"
conditions = ["paused", "flood"]
[alerts.channels.mail]
kind = "email"
host = "mail.example"
sender = "postbacks@shop.example"
recipients = ["ann@shop.example"]
username_env = "MAIL_USER"
password_env = "MAIL_PASSWORD"
only_urgent = true
[alerts.channels.desk]
kind = "webhook"
url = "https://desk.example/alerts"
secret_env = "DESK_SECRET"
previous_secret_env = "DESK_OLD"
quiet_hours = { from = "12:00", to = "13:00", time_zone = "UTC" }
[sources.landing]
kind = "folder"
stale_after_hours = { orders = 26, clicks = 2.5 }
"""


def test_all_of_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "postbacks.toml"
    file.write_text(WHOLE)
    settings = load_settings(file)
    team, mail, desk = settings.alerts.channels.values()
    assert isinstance(team, SlackChannel)
    assert isinstance(mail, EmailChannel)
    assert isinstance(desk, WebhookChannel)
    assert team.conditions == (ConditionKind.PAUSED, ConditionKind.FLOOD)
    assert (mail.port, mail.tls, mail.only_urgent) == (587, "starttls", True)
    assert [each.variables for each in (team, mail, desk)] == [
        ("SLACK_URL",),
        ("MAIL_USER", "MAIL_PASSWORD"),
        ("DESK_SECRET", "DESK_OLD"),
    ]
    assert settings.sources["landing"].stale_after_hours == {"orders": 26, "clicks": 2.5}


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ('"https://desk.example/alerts"', '"http://desk.example/alerts"', "must begin with https://"),
        ('"https://dagster.example"', '"dagster.example"', "ui_url must begin with http"),
        ('"flood"]', '"storms"]', "alerts.channels.team.slack.conditions.1"),
        ('password_env = "MAIL_PASSWORD"', "", "username_env and password_env go together"),
        ('host = "mail.example"', 'host = "mail.example"\ntls = "none"', "would tell mail.example in clear"),
        ('"Europe/London"', '"London"', "'London' is not a time zone"),
        ('["ann@shop.example"]', "[]", "recipients"),
        ('"SLACK_URL"', '"https://hooks.slack.com/services/T0"', "alerts.channels.team.slack.url_env"),
        ("orders = 26", "orders = 0", "stale_after_hours"),
    ],
)
def test_what_is_wrong_is_a_sentence_with_its_field(tmp_path: Path, wrong: str, right: str, says: str) -> None:
    file = tmp_path / "postbacks.toml"
    assert wrong in WHOLE
    file.write_text(WHOLE.replace(wrong, right))
    with pytest.raises(SettingsError, match=re.escape(says)):
        load_settings(file)
