"""Every fully read request is one line of the log, decoded once, whatever it holds."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postback_pipeline.sandbox.entry import line, read_entry

HOSTILE = [
    "' OR 1=1--",
    "%0d%0aX: y",
    "\r\nSet-Cookie: a=b",
    "{{7*7}}",
    "../../etc",
    "&amount=9999",
    "a#b",
    "<script>alert(1)</script>",
    "\u202egnp\x00\u2028",
    "müller+test@ex.com",
    "\U0001d518\U0001f6d2",
]


def test_a_get_is_logged_with_its_decoded_query(network: Any) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    network.client.get("/google/conv?gclid=a%20b%2Bc&gclid=second&empty=&value=9.90")
    (entry,) = network.lines()
    assert {name: entry[name] for name in ("receiver", "method", "path", "query", "body")} == {
        "receiver": "google",
        "method": "GET",
        "path": "/google/conv",
        "query": {"gclid": ["a b+c", "second"], "empty": "", "value": "9.90"},
        "body": None,
    }
    assert before <= datetime.fromisoformat(entry["time"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b'{"value": "9.90", "list": [1, null]}', "application/json", {"value": "9.90", "list": [1, None]}),
        (b'{"value": 1}', "text/plain", {"value": 1}),
        (b"a=1&a=2&b=x+y%26", "application/x-www-form-urlencoded", {"a": ["1", "2"], "b": "x y&"}),
        (b"just text", "text/plain", "just text"),
        (b'{"value": 1e999}', "application/json", '{"value": 1e999}'),
        (b'{"value": NaN}', "application/json", '{"value": NaN}'),
        (b"[" * 100_000, "application/json", "[" * 100_000),
        (b"\xff\xfe", "application/json", "\ufffd\ufffd"),
        (b"", "application/json", None),
    ],
)
def test_a_body_is_logged_as_json_form_or_text(network: Any, content: bytes, content_type: str, expected: Any) -> None:
    network.client.post("/crm/hook", content=content, headers={"Content-Type": content_type})
    assert network.lines()[0]["body"] == expected


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_arrives_as_one_value(network: Any, value: str) -> None:
    network.get(gclid=value, value="1.00")
    assert network.lines()[0]["query"] == {"gclid": value, "value": "1.00"}


@settings(deadline=None)
@given(
    target=st.text(st.characters(codec="ascii", exclude_characters=" \r\n")).map(lambda text: "/" + text),
    body=st.binary(),
    content_type=st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""]),
)
def test_reading_never_fails_and_gives_one_line(target: str, body: bytes, content_type: str) -> None:
    entry = read_entry(time=datetime.now(UTC), method="POST", target=target, content_type=content_type, body=body)
    written = line(entry)
    assert written.count(b"\n") == 1
    assert json.loads(written) == entry


def test_a_request_that_breaks_off_is_not_logged(network: Any) -> None:
    address = urlsplit(network.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"POST /crm/hook HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf")
    network.get(key="whole")
    assert [entry["query"] for entry in network.lines()] == [{"key": "whole"}]


def test_its_own_pages_are_no_receivers_but_a_query_on_the_root_is(network: Any) -> None:
    for path in ("/", "/favicon.ico", "/_received.json"):
        network.client.get(path)
    assert network.lines() == []
    network.client.get("/?click=1")
    assert [(entry["receiver"], entry["query"]) for entry in network.lines()] == [("", {"click": "1"})]


@pytest.mark.parametrize("path", ["/a/../b", "/a/%2e%2e/b", "//a", "/a/%2Fb?x", "/%C3%BC/x"])
def test_any_path_is_received(network: Any, path: str) -> None:
    address = urlsplit(network.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        reply = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"200 OK" in reply
    assert len(network.lines()) == 1
