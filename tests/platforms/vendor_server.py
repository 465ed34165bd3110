"""A platform on loopback: checks each request against its contract, and answers what was recorded.

It gives access tokens, too, and can be told to fail: once, or from some request on.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.platforms.contract_checks import CHECKS, Wire
from tests.platforms.golden_exchanges import Golden, body_of

#: Another host of a platform's, in recorded replies: this server is that one, too.
_ELSEWHERE = b"https://elsewhere.example"

#: Parameters that are credentials: they are no part of what was recorded.
_CREDENTIALS = {"access_token", "accessToken"}


@dataclass
class Answer:
    """One reply instead of the recorded one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    #: Seconds before its last byte.
    late: float = 0.0


@dataclass
class Vendor:
    """The platform behind the server."""

    golden: Golden
    url: str = ""
    #: What came, in order, without requests for tokens; and what was wrong with it.
    received: list[Wire] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    #: Number of a request, from 0 -> what it gets instead.
    instead: dict[int, Answer] = field(default_factory=dict)
    #: Tokens that were given, and those of them that are over.
    tokens: list[str] = field(default_factory=list)
    over: set[str] = field(default_factory=set)

    def tell(self, number: int, **changes: Any) -> None:
        """Changes a recorded reply: its top-level fields."""
        self.golden.exchanges[number]["reply"].update(changes)

    def answer(self, wire: Wire) -> Answer:
        if wire.path == "/token":
            self.tokens.append(f"token-{len(self.tokens) + 1}")
            told = {"access_token": self.tokens[-1], "expires_in": 3600, "token_type": "Bearer"}
            return Answer(200, body=json.dumps(told).encode())
        self.received.append(wire)
        if (other := self.instead.get(len(self.received) - 1)) is not None:
            return other
        self.wrong += CHECKS[self.golden.name](wire)
        for exchange in self.golden.exchanges:
            if _same(exchange["ask"], wire):
                if exchange["ask"].get("with_credentials", True) and not self._knows(wire):
                    return Answer(401)
                return Answer(200, body=body_of(exchange["reply"]).replace(_ELSEWHERE, self.url.encode()))
        self.wrong.append(f"nobody recorded {wire.method} {wire.path} {wire.body.decode()}")
        return Answer(400)

    def _knows(self, wire: Wire) -> bool:
        given = wire.headers.get("authorization", "").removeprefix("Bearer ")
        return not self.tokens or (given in self.tokens and given not in self.over)


def _same(ask: dict[str, Any], wire: Wire) -> bool:
    parts = urlsplit(ask["url"])
    query = {name: value for name, value in wire.query.items() if name not in _CREDENTIALS}
    body = json.loads(wire.body) if wire.body else None
    recorded = (ask["method"], parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), ask.get("body"))
    return recorded == (wire.method, wire.path, query, body)


@contextmanager
def vendor_server(golden: Golden) -> Iterator[Vendor]:
    """The platform, as long as the block."""
    vendor = Vendor(golden)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = vendor.answer(Wire(self.command, parts.path, query, headers, body))
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body[:-1])
            # Whoever has waited enough leaves.
            with suppress(OSError):
                self.wfile.flush()
                time.sleep(answer.late)
                self.wfile.write(answer.body[-1:])

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    vendor.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield vendor
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
