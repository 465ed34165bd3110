"""Every channel against a real receiver: what arrives, and what is said where it does not."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from postback_pipeline.alerting.sample import sample_message
from postback_pipeline.alerting.telling import tell
from postback_pipeline.destinations.standard_webhooks import signature
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import AnyChannel, EmailChannel, SlackChannel, WebhookChannel
from tests.alerting.receivers import CERTIFICATES, HttpReceiver, SmtpReceiver, smtp_receiver

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "whsec_c2VjcmV0dmFsdWU="
SLACK = SlackChannel(kind="slack", url_env="SLACK_URL")
Make = Callable[..., Settings]


def told(settings: Settings, channel: AnyChannel, deadline: float = 10, **environ: str) -> str | None:
    """Tries the channel; why it failed."""
    return tell({"team": sample_message(settings, NOON)}, {"team": channel}, environ, deadline=deadline)["team"]


def email(receiver: SmtpReceiver, **more: Any) -> EmailChannel:
    sent = {"sender": "postbacks@shop.example", "recipients": ("ann@shop.example", "bob@shop.example")}
    return EmailChannel.model_validate({"kind": "email", "host": "localhost", "port": receiver.port, **sent, **more})


def test_slack_gets_one_text(receiver: HttpReceiver, settings: Make) -> None:
    assert told(settings(ui_url="http://dagster.example"), SLACK, SLACK_URL=receiver.url) is None
    ((headers, body),) = receiver.received
    assert headers["content-type"] == "application/json"
    text = json.loads(body)["text"]
    assert text.startswith("*[production] Test: example: postbacks rejected*")
    assert "nothing is wrong" in text


def test_a_webhook_gets_signed_json(receiver: HttpReceiver, settings: Make) -> None:
    channel = WebhookChannel(kind="webhook", url=receiver.url, secret_env="NEW", previous_secret_env="OLD")
    assert told(settings(), channel, NEW=SECRET, OLD="whsec_b2xkc2VjcmV0") is None
    ((headers, body),) = receiver.received
    stamp = int(headers["webhook-timestamp"])
    assert headers["webhook-signature"].split() == [
        signature(key, headers["webhook-id"], stamp, body) for key in (b"secretvalue", b"oldsecret")
    ]
    said = json.loads(body)
    assert (said["type"], said["environment"], said["timestamp"]) == (
        "alerts.test",
        "production",
        "2026-03-01T12:00:00Z",
    )
    (alert,) = said["alerts"]
    assert (alert["subject"], alert["news"], alert["severity"]) == ("example", "appeared", "warning")


@pytest.mark.parametrize(
    ("status", "reply", "says"),
    [
        (404, "no_service", "It answered 404 no_service."),
        (500, "Ann <ann@shop.example> was here", "It answered 500."),
        (302, "", "It answered 302."),
    ],
)
def test_what_is_no_success_is_a_failure_and_quotes_nothing(
    receiver: HttpReceiver, settings: Make, status: int, reply: str, says: str
) -> None:
    receiver.status, receiver.reply, receiver.location = status, reply, receiver.url if status == 302 else ""
    assert told(settings(), SLACK, SLACK_URL=receiver.url) == says
    assert len(receiver.received) == 1


def test_a_dripping_answer_ends_at_the_deadline(receiver: HttpReceiver, settings: Make) -> None:
    receiver.reply, receiver.drip = "x" * 60, 0.1
    assert told(settings(), SLACK, 0.3, SLACK_URL=receiver.url) == "There was no whole answer within 0.3 seconds."


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:1/T0/secret", "The request failed: ConnectError."),
        (
            "http://hooks.slack.example/T0/secret",
            "SLACK_URL: the URL must begin with https://; http:// is for this machine.",
        ),
        ("secret", "SLACK_URL: the URL must be https://host/path."),
        ("http://127.0.0.1:1/T0/secr\net", None),
        ("http://[secret", "SLACK_URL: the URL must be https://host/path."),
    ],
)
def test_a_url_that_cannot_be_called_is_in_no_text_and_no_log(
    settings: Make, caplog: pytest.LogCaptureFixture, url: str, says: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    found = told(settings(), SLACK, SLACK_URL=url)
    assert found is not None
    assert says in (None, found)
    assert "secr" not in found + caplog.text


def test_no_url_of_a_call_that_went_well_is_logged(
    receiver: HttpReceiver, settings: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert told(settings(), SLACK, SLACK_URL=f"{receiver.url}/canary") is None
    assert "canary" not in caplog.text


def test_a_secret_that_is_missing_or_none_is_named(receiver: HttpReceiver, settings: Make) -> None:
    assert told(settings(), SLACK) == "The environment variable SLACK_URL is not set."
    channel = WebhookChannel(kind="webhook", url=receiver.url, secret_env="KEY")
    found = told(settings(), channel, KEY="???")
    assert found is not None
    assert found.startswith("KEY holds no signing secret")
    assert receiver.received == []


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_mail_reaches_all_recipients_and_its_login_travels_encrypted(
    settings: Make, trust: None, localhost: Path, tls: Any
) -> None:
    with smtp_receiver(SmtpReceiver(tls=tls, certificate=localhost, login="postbacks:pass word")) as receiver:
        channel = email(receiver, tls=tls, username_env="USER_NAME", password_env="PASS_WORD")
        assert told(settings(), channel, USER_NAME="postbacks", PASS_WORD="pass word") is None
    (mail,) = receiver.mails
    assert receiver.recipients == ["ann@shop.example", "bob@shop.example"]
    assert mail["Subject"] == "[production] Test: example: postbacks rejected"
    assert (mail["From"], mail["Auto-Submitted"]) == ("postbacks@shop.example", "auto-generated")
    assert mail["Date"].datetime == NOON
    assert "nothing is wrong" in mail.get_content()
    assert set(receiver.in_clear) <= {"EHLO", "STARTTLS"}


def test_a_server_on_this_machine_may_be_told_in_clear(settings: Make) -> None:
    with smtp_receiver(SmtpReceiver()) as receiver:
        assert told(settings(), email(receiver, tls="none")) is None
    assert len(receiver.mails) == 1


@pytest.mark.parametrize(
    ("receiver", "says"),
    [
        (SmtpReceiver(tls="starttls", login="a:b"), "The mail server answered 535."),
        (
            SmtpReceiver(tls="starttls", certificate=CERTIFICATES / "expired.pem"),
            "The mail could not be sent: SSLCertVerificationError.",
        ),
        (
            SmtpReceiver(tls="starttls", certificate=CERTIFICATES / "other_host.pem"),
            "The mail could not be sent: SSLCertVerificationError.",
        ),
        # It offers no TLS at all.
        (SmtpReceiver(tls="plain"), "The mail could not be sent: SMTPNotSupportedError."),
        (SmtpReceiver(tls="starttls", answers={"MAIL": "451 later"}), "The mail server answered 451."),
        (SmtpReceiver(tls="starttls", answers={"RCPT": "550 no"}), "The mail server refused all 2 recipients."),
        (
            SmtpReceiver(tls="starttls", answers={"END": "554 spam of ann@shop.example"}),
            "The mail server answered 554.",
        ),
    ],
)
def test_a_mail_that_was_not_taken_is_a_failure(
    settings: Make, trust: None, localhost: Path, receiver: SmtpReceiver, says: str
) -> None:
    receiver.certificate = receiver.certificate or localhost
    with smtp_receiver(receiver):
        login = {"username_env": "USER_NAME", "password_env": "PASS_WORD"} if receiver.login else {}
        assert told(settings(), email(receiver, **login), USER_NAME="bob", PASS_WORD="secret") == says


def test_a_mail_that_was_taken_is_no_failure_whatever_the_server_says_to_our_leaving(
    settings: Make, trust: None, localhost: Path
) -> None:
    with smtp_receiver(SmtpReceiver(tls="starttls", certificate=localhost, answers={"QUIT": "500 what"})) as receiver:
        assert told(settings(), email(receiver)) is None
    assert len(receiver.mails) == 1


def test_a_greeting_without_an_end_is_cut_at_the_deadline(settings: Make) -> None:
    with smtp_receiver(SmtpReceiver(endless_greeting=True)) as receiver:
        found = told(settings(), email(receiver, tls="none"), 0.3)
    assert found is not None
    assert found.startswith("The mail could not be sent: ")


def test_channels_are_told_at_once_and_one_that_fails_holds_up_no_other(receiver: HttpReceiver, settings: Make) -> None:
    message = sample_message(settings(), NOON)
    channels: dict[str, AnyChannel] = {"broken": SLACK, "good": SlackChannel(kind="slack", url_env="GOOD_URL")}
    found = tell(dict.fromkeys(channels, message), channels, {"GOOD_URL": receiver.url})
    assert found == {"broken": "The environment variable SLACK_URL is not set.", "good": None}
    assert len(receiver.received) == 1
