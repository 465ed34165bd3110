"""Mail through one's own SMTP server, within one deadline.

Belongs here: the mail, its headers, the session with the server. Does not belong here: the text (`message`).
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.utils import format_datetime
from threading import Timer
from typing import Any

from postback_pipeline.alerting.condition import AlertError
from postback_pipeline.alerting.message import Message, plain_text
from postback_pipeline.settings.alerts import EmailChannel


async def send(message: Message, channel: EmailChannel, secrets: Mapping[str, str], deadline: float) -> None:
    """Sends one mail to all recipients, in a session of at most `deadline` seconds.

    Raises:
        AlertError: the server did not take it for every recipient, or nobody knows.
    """
    await asyncio.to_thread(_send, mail(message, channel), channel, secrets, deadline)


def mail(message: Message, channel: EmailChannel) -> EmailMessage:
    """The mail. It says that a program wrote it, so that no absence notice answers."""
    written = EmailMessage()
    written["Subject"] = message.subject
    written["From"] = channel.sender
    written["To"] = ", ".join(channel.recipients)
    written["Date"] = format_datetime(message.at)
    written["Message-ID"] = f"<{message.identity[:40]}@{channel.sender.partition('@')[2]}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(plain_text(message))
    return written


def _send(written: EmailMessage, channel: EmailChannel, secrets: Mapping[str, str], deadline: float) -> None:
    try:
        session = _open(channel, deadline)
        try:
            if channel.tls == "starttls":
                session.starttls(context=ssl.create_default_context())
            if channel.username_env and channel.password_env:
                session.login(secrets[channel.username_env], secrets[channel.password_env])
            refused = session.send_message(written)
            # It has the mail: what it says to our leaving changes nothing.
            with suppress(smtplib.SMTPException, OSError):
                session.quit()
        finally:
            session.close()
    except smtplib.SMTPResponseException as error:
        # The server's text may quote an address: its code says enough.
        raise AlertError(f"The mail server answered {error.smtp_code}.") from None
    except smtplib.SMTPRecipientsRefused as error:
        raise AlertError(f"The mail server refused all {len(error.recipients)} recipients.") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise AlertError(f"The mail could not be sent: {type(error).__name__}.") from None
    if refused:
        raise AlertError(f"The mail server refused {len(refused)} of {len(channel.recipients)} recipients.")


def _open(channel: EmailChannel, deadline: float) -> _Session:
    if channel.tls == "implicit":
        return _TlsSession(channel.host, channel.port, timeout=deadline, context=ssl.create_default_context())
    return _Session(channel.host, channel.port, timeout=deadline)


class _Session(smtplib.SMTP):
    """A session that is cut when the deadline has passed, whatever it is at: smtplib's own limit is for each step."""

    _cutter: Timer | None = None

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """As the library's, on time."""
        self._cutter = Timer(self.timeout, self._cut)
        self._cutter.daemon = True
        self._cutter.start()
        return super().connect(host, port, source_address)

    def close(self) -> None:
        """As the library's."""
        if self._cutter is not None:
            self._cutter.cancel()
        super().close()

    def _cut(self) -> None:
        if self.sock is not None:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


class _TlsSession(_Session, smtplib.SMTP_SSL):
    """The same where TLS comes first."""
