"""A request is one request, whatever is in it: failure matrix, row 36."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from httptools import HttpRequestParser
from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.delivery.transport import Exchange, WireTransport
from postback_pipeline.delivery.transport_errors import WireError
from postback_pipeline.delivery.transport_request import Origin, split_url
from postback_pipeline.destinations.base import Request
from tests.delivery.raw_server import OK, OnLoop, Server, answering, serving, within

#: Text that likes to break out, and any text.
NASTY = st.one_of(st.text("\r\n\0\t :%aé#?/", max_size=12), st.text(max_size=8))


class Seen:
    """What a server's parser makes of bytes."""

    def __init__(self, head: bytes) -> None:
        self.requests = 0
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self._parser = HttpRequestParser(self)
        self._parser.feed_data(head)
        self.method = self._parser.get_method()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_message_complete(self) -> None:
        self.requests += 1


@given(target=NASTY, names=st.lists(NASTY, max_size=3), values=st.lists(NASTY, min_size=3, max_size=3), method=NASTY)
def test_row_36_no_text_makes_two_requests_of_one(
    target: str, names: list[str], values: list[str], method: str
) -> None:
    given_headers = dict(zip(names, values, strict=False))
    method = method if method.isalpha() and method.isascii() else "GET"
    written: bytes | None = None
    with suppress(WireError):
        written = Origin("http://t.example").head(Request(method, "", given_headers), f"/{target}")
    if written is None:
        return
    lines = written.decode("ascii").split("\r\n")
    assert lines[0] == f"{method} /{target} HTTP/1.1"
    assert (lines[-2:], written.count(b"\n"), written.count(b"\r")) == (["", ""], len(lines) - 1, len(lines) - 1)
    assert lines.count("Host: t.example") == 1
    assert [line for line in lines if line.split(": ")[0] in given_headers] == [
        f"{name}: {value}" for name, value in given_headers.items()
    ]


@given(
    path=st.text("!$%&'()*+,-./:;=@_~aZ09?", max_size=30),
    values=st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20), max_size=4),
    body=st.binary(max_size=10),
)
def test_what_is_written_is_what_a_server_reads(path: str, values: list[str], body: bytes) -> None:
    sent = {f"X-{number}%": value for number, value in enumerate(values)}
    head = Origin("https://t.example:8443").head(Request("POST", "", sent, body), f"/{path}")
    seen = Seen(head + body)
    assert (seen.requests, seen.method, seen.url) == (1, b"POST", f"/{path}".encode())
    # Spaces around a value are nothing to a server.
    headers = {name.decode(): value.decode().strip(" ") for name, value in seen.headers}
    assert len(headers) == len(seen.headers)
    assert headers == {
        **{name: value.strip(" ") for name, value in sent.items()},
        "Host": "t.example:8443",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "User-Agent": "postback-pipeline",
        "Content-Length": str(len(body)),
    }


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_body_there_is_no_length(method: str) -> None:
    assert b"Content-Length" not in Origin("http://t.example").head(Request(method, "", {}), "/")
    assert b"Content-Length: 1\r\n" in Origin("http://t.example").head(Request(method, "", {}, b"x"), "/")


def test_a_request_may_have_its_own_agent_and_accept_what_it_likes() -> None:
    own = {"user-agent": "own", "ACCEPT": "text/plain"}
    lines = Origin("http://t.example").head(Request("GET", "", own), "/").split(b"\r\n")
    assert lines[1:-2] == [
        *(b"Host: t.example", b"Accept-Encoding: identity"),
        *(b"user-agent: own", b"ACCEPT: text/plain"),
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "Upgrade", "TE", "Trailer"),
        *("Accept-Encoding", "", "X Y", "X:", "X\r\nY", "Ä"),
    ],
)
def test_what_frames_a_message_only_the_client_sets(name: str) -> None:
    with pytest.raises(WireError) as refusal:
        Origin("http://t.example").head(Request("GET", "", {name: "1"}), "/")
    assert refusal.value.configuration


def test_one_header_in_two_cases_is_refused() -> None:
    with pytest.raises(WireError):
        Origin("http://t.example").head(Request("GET", "", {"X-One": "1", "x-one": "2"}), "/")


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://t.example/p?a=1", "https://t.example", "/p?a=1"),
        ("http://t.example:81", "http://t.example:81", "/"),
        ("http://t.example?a=/b", "http://t.example", "/?a=/b"),
        ("http://t.example/p?a=//b#c/d", "http://t.example", "/p?a=//b"),
        ("http://t.example#c/d", "http://t.example", "/"),
        ("http://h/", "http://h", "/"),
        ("https://[::1]:8/p", "https://[::1]:8", "/p"),
    ],
)
def test_a_url_is_its_origin_and_its_target(url: str, origin: str, target: str) -> None:
    assert split_url(url) == (origin, target)


@pytest.mark.parametrize(
    ("text", "host", "port", "field"),
    [
        ("https://T.example", "t.example", 443, b"Host: t.example\r\n"),
        ("http://t.example", "t.example", 80, b"Host: t.example\r\n"),
        ("https://t.example:80", "t.example", 80, b"Host: t.example:80\r\n"),
        ("http://[::1]:8080", "::1", 8080, b"Host: [::1]:8080\r\n"),
    ],
)
def test_an_origin_knows_whom_to_call_and_how(text: str, host: str, port: int, field: bytes) -> None:
    origin = Origin(text)
    assert (origin.host, origin.port, origin.tls) == (host, port, text.startswith("https"))
    assert field in origin.head(Request("GET", "", {}), "/")


@pytest.mark.parametrize(
    "url",
    [
        *("t.example/p", "ftp://t.example/", "http:///p", "https://", "http://user@t.example/", "http://t.example:0/"),
        *("http://t.example:x/", "http://t.example:99999/", "http://[::1/", "http://t\texample/", "http://t.exämple/"),
        *("http://t.example\\@u.example/", "http://t.example\r\n/", "http://[fe80::1%25eth0]/", "http://a b/", ""),
        "http://a_host/",
    ],
)
def test_what_is_no_url_of_http_goes_nowhere(on_loop: OnLoop, url: str) -> None:
    async def go() -> Exchange:
        async with WireTransport("loopback") as transport:
            return await transport.send(Request("GET", url, {}), ends_at=within(5))

    found = on_loop(go())
    assert (found.proven_unsent, found.configuration, found.error) == (True, True, "the URL is not valid")


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/p?a=1 HTTP/1.1\r\nX: y\r\n\r\nGET /q", {}),
        ("/p?a=1 b", {}),
        ("/p?a=\n", {}),
        ("/p?a=\0", {}),
        ("/p?a=ä", {}),
        ("/p", {"X-One": "1\r\nX-Two: 2"}),
        ("/p", {"X-One": "1\n"}),
        ("/p", {"X-One": "1\r"}),
        ("/p", {"X-One": "ä"}),
        ("/p", {"X-One": "\0"}),
    ],
)
def test_row_36_a_request_that_breaks_out_of_its_line_never_leaves(
    on_loop: OnLoop, target: str, headers: dict[str, str]
) -> None:
    async def go() -> tuple[Exchange, Exchange, Server]:
        async with serving(answering(OK)) as server, WireTransport("loopback") as transport:
            url = f"http://127.0.0.1:{server.port}"
            poison = await transport.send(Request("GET", url + target, headers), ends_at=within(5))
            return poison, await transport.send(Request("GET", f"{url}/p", {}), ends_at=within(5)), server

    poison, after, server = on_loop(go())
    assert (poison.proven_unsent, poison.error) == (True, "the request holds characters that cannot be sent")
    assert (after.reply is not None, len(server.requests)) == (True, 1)


def test_any_number_of_shapes_is_written_right() -> None:
    origin = Origin("http://t.example")
    for number in range(200):
        head = origin.head(Request("GET", "", {f"X-{number}": "1"}), "/")
        assert f"\r\nX-{number}: 1\r\n\r\n".encode() in head


def test_a_transport_outside_of_its_context_sends_nothing() -> None:
    found = asyncio.run(WireTransport("loopback").send(Request("GET", "http://127.0.0.1/", {}), ends_at=within(1)))
    assert (found.proven_unsent, found.reply) == (True, None)
