"""Real receivers on loopback: one that speaks HTTP, one that speaks SMTP."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATES = Path(__file__).parents[1] / "delivery" / "certificates"


@dataclass
class HttpReceiver:
    """Keeps what it is sent, and answers as it is told."""

    status: int = 200
    reply: str = "ok"
    location: str = ""
    #: Seconds between two bytes of the reply.
    drip: float = 0.0
    url: str = ""
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    """A receiver that lives as long as the block."""
    receiver = HttpReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            reply = receiver.reply.encode()
            self.send_response(receiver.status)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            # Whoever has heard enough leaves.
            with suppress(OSError):
                for byte in reply:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    time.sleep(receiver.drip)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class SmtpReceiver:
    """Keeps the mails it takes; says no where it is told to."""

    #: `plain`, `starttls` or `implicit`; the last two show this certificate.
    tls: str = "plain"
    certificate: Path | None = None
    #: What it wants for a login, as `user:password`; empty: nothing.
    login: str = ""
    #: Command -> what it answers instead.
    answers: dict[str, str] = field(default_factory=dict)
    #: It begins its greeting and never ends it.
    endless_greeting: bool = False
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    #: Commands that came before the connection was safe.
    in_clear: list[str] = field(default_factory=list)


@contextmanager
def smtp_receiver(receiver: SmtpReceiver) -> Iterator[SmtpReceiver]:
    """The server behind `receiver`, as long as the block; `receiver.port` is where."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()

    async def serve() -> None:
        talks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await _Talk(receiver, reader, writer).run()
            writer.close()

        context = _context(receiver.certificate) if receiver.tls == "implicit" else None
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        server.close()
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    ready.wait(10)
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def _context(certificate: Path | None) -> ssl.SSLContext:
    assert certificate is not None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


class _Talk:
    """One session."""

    def __init__(self, receiver: SmtpReceiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._of, self._reader, self._writer = receiver, reader, writer
        self._safe = receiver.tls == "implicit"

    async def run(self) -> None:
        while self._of.endless_greeting:
            self._say("220-please wait")
            await asyncio.sleep(0.05)
        self._say("220 here")
        while line := (await self._reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            if not self._safe:
                self._of.in_clear.append(verb)
            if await self._answered(verb, line):
                return

    async def _answered(self, verb: str, line: str) -> bool:
        """Whether the session has ended."""
        if verb in self._of.answers:
            self._say(self._of.answers[verb])
        elif verb == "EHLO":
            offers = ["STARTTLS"] if self._of.tls == "starttls" and not self._safe else []
            offers += ["AUTH PLAIN"] if self._of.login else []
            for offer in ["here", *offers]:
                self._say(f"250-{offer}")
            self._say("250 8BITMIME")
        elif verb == "STARTTLS":
            self._say("220 go on")
            await self._writer.start_tls(_context(self._of.certificate))
            self._safe = True
        elif verb == "AUTH":
            given = base64.b64decode(line.split()[-1]).decode().replace("\0", ":").strip(":")
            self._say("235 welcome" if given == self._of.login else "535 user bob is not known")
        elif verb == "DATA":
            await self._data()
        else:
            if verb == "RCPT":
                self._of.recipients.append(line.partition("<")[2].rstrip(">"))
            self._say("221 bye" if verb == "QUIT" else "250 fine")
        return verb == "QUIT"

    async def _data(self) -> None:
        self._say("354 go on")
        lines = []
        while (line := await self._reader.readline()) != b".\r\n":
            lines.append(line)
        self._of.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
        self._say(self._of.answers.get("END", "250 taken"))

    def _say(self, line: str) -> None:
        self._writer.write(f"{line}\r\n".encode())
