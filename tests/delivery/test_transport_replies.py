"""Replies that are made to be misread, to be endless, or to arrive in pieces."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from postback_pipeline.delivery.transport import Exchange
from postback_pipeline.delivery.transport_reply import BODY_CAP, HEAD_CAP
from postback_pipeline.model import Phase
from tests.delivery.raw_server import OK, SOON, OnLoop, against, answering
from tests.delivery.segments import Receivers

HEAD_TOO_LONG = f"the reply's head is longer than {HEAD_CAP} bytes"
BODY_TOO_LONG = f"the reply is longer than {BODY_CAP} bytes"


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with Receivers() as found:
        yield found


def chunked(*chunks: bytes, head: bytes = b"") -> bytes:
    framed = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + head + b"\r\n" + framed + b"0\r\n\r\n"


def encoded(coding: str, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        coding.encode(),
        len(body),
        body,
    )


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


#: What is a whole reply, and its body. The receiver closes its side afterwards.
WHOLE = {
    "plain": (OK, b"OK"),
    "chunks": (chunked(b"O", b"K"), b"OK"),
    "extensions and trailers": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b;c\r\nOK\r\n0\r\nX-Sum: 1\r\n\r\n",
        b"OK",
    ),
    "spaces after a chunk's size": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\nOK\r\n0\r\n\r\n",
        b"OK",
    ),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nOK", b"OK"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nOK", b"OK"),
    "interim replies": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, b"OK"),
    "up to the close": (b"HTTP/1.0 200 OK\r\n\r\nOK", b"OK"),
    "up to the close, HTTP/1.1": (b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nOK", b"OK"),
    "nothing up to the close": (b"HTTP/1.1 200 OK\r\n\r\n", b""),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "no content that has a length": (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", b""),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b""),
    "too much": (OK + b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"OK"),
    "rubbish behind": (OK + b"\x00\x01", b"OK"),
    "gzip": (encoded("gzip", gzip.compress(b"OK", mtime=0)), b"OK"),
    "x-gzip": (encoded("X-GZIP", gzip.compress(b"OK", mtime=0)), b"OK"),
    "deflate": (encoded("deflate", zlib.compress(b"OK")), b"OK"),
    "deflate, unwrapped": (encoded("deflate", raw_deflate(b"OK")), b"OK"),
    "identity": (encoded("identity", b"OK"), b"OK"),
    "gzip of nothing at all": (encoded("gzip", b""), b""),
    "gzip up to the cap": (encoded("gzip", gzip.compress(b"x" * BODY_CAP, mtime=0)), b"x" * BODY_CAP),
    "gzip in chunks": (
        chunked(*(bytes([b]) for b in gzip.compress(b"OK", mtime=0)), head=b"Content-Encoding: gzip\r\n"),
        b"OK",
    ),
    "byte by byte up to the cap": (chunked(*(b"x" for _ in range(BODY_CAP))), b"x" * BODY_CAP),
}

#: What is none, and why.
NONE = {
    "nothing": (b"", "the connection failed (closed by the receiver)"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", "the reply broke off"),
    "a head without an end": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "the reply broke off"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nOK", "the reply broke off"),
    "half a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nOK", "the reply broke off"),
    "no last chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n", "the reply broke off"),
    "a promise only": (b"HTTP/1.1 100 Continue\r\n\r\n", "the reply broke off"),
    "half of what was said in HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nOK", "the reply broke off"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "the reply is not HTTP"),
    "a change of protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "the reply is not HTTP",
    ),
    "two lengths": (OK.replace(b"Content-Type", b"Content-Length: 3\r\nContent-Type"), "the reply is not HTTP"),
    "a length and chunks": (chunked(b"OK", head=b"Content-Length: 2\r\n"), "the reply is not HTTP"),
    "a negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nOK", "the reply is not HTTP"),
    "a length beyond counting": (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nOK" % 10**30, "the reply is not HTTP"),
    "a folded header": (b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nOK", "the reply is not HTTP"),
    "a chunk of no size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nOK", "the reply is not HTTP"),
    "an encoded transfer": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
        "the reply is encoded in a way that is not read",
    ),
    "an unknown coding": (encoded("br", b"OK"), "the reply is encoded in a way that is not read"),
    "two codings": (encoded("gzip, gzip", b"OK"), "the reply is encoded in a way that is not read"),
    "no gzip": (encoded("gzip", b"OK OK"), "the reply's compression is damaged"),
    "half a gzip": (encoded("gzip", gzip.compress(b"OK" * 99, mtime=0)[:-9]), "the reply's compression is damaged"),
    "gzip and more": (encoded("gzip", gzip.compress(b"OK", mtime=0) + b"x"), "the reply's compression is damaged"),
    "gzip beyond the cap": (encoded("gzip", gzip.compress(b"x" * (BODY_CAP + 1), mtime=0)), BODY_TOO_LONG),
    "a bomb": (encoded("deflate", zlib.compress(b"x" * 20_000_000)), BODY_TOO_LONG),
    "a long body": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (BODY_CAP + 1), BODY_TOO_LONG),
    "a long body, then no HTTP": (chunked(b"x" * (BODY_CAP + 1))[:-5] + b"zz\r\n", BODY_TOO_LONG),
    "a long head": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_CAP + b"\r\nContent-Length: 0\r\n\r\n", HEAD_TOO_LONG),
    "a long head that never ends": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2 * HEAD_CAP, HEAD_TOO_LONG),
    "many headers": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * HEAD_CAP + b"\r\n", HEAD_TOO_LONG),
    "nothing but promises": (b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000 + OK, HEAD_TOO_LONG),
    "a chunk extension without end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;" + b"x" * 2_000_000,
        BODY_TOO_LONG,
    ),
    "trailers without end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n" + b"X: y\r\n" * 400_000,
        BODY_TOO_LONG,
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_reply_is_read_as_it_is_framed(receivers: Receivers, name: str) -> None:
    sent, body = WHOLE[name]
    found = receivers.answer([sent])
    assert found.reply is not None, found.error
    assert (found.reply.body, found.phase, found.proven_unsent) == (body, Phase.DONE, False)


@pytest.mark.parametrize("name", NONE)
def test_row_11_row_14_what_is_not_a_whole_reply_is_none(receivers: Receivers, name: str) -> None:
    sent, error = NONE[name]
    found = receivers.answer([sent])
    assert (found.reply, found.error, found.proven_unsent, found.configuration) == (None, error, False, False)


@pytest.mark.parametrize("name", ["plain", "chunks", "up to the close", "gzip", "too much", "interim replies"])
def test_and_so_over_a_real_connection(on_loop: OnLoop, name: str) -> None:
    sent, body = WHOLE[name]

    async def byte_by_byte(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in sent:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        raise ConnectionResetError

    found, _ = on_loop(against(byte_by_byte))
    assert found.reply is not None, found.error
    assert found.reply.body == body


def test_headers_are_found_in_any_case_and_of_repeated_ones_the_first(receivers: Receivers) -> None:
    sent = b"HTTP/1.1 200 OK\r\nX-One: 1\r\nx-one: 2\r\nX-Wide: \xe4\r\nX-None:\r\nContent-Length: 0\r\n\r\n"
    found = receivers.answer([sent])
    assert found.reply is not None
    headers = found.reply.headers
    assert [headers["x-one"], headers["X-ONE"], headers.get("X-Wide"), headers["x-none"]] == ["1", "1", "ä", ""]
    assert (headers.get("x-two"), headers.get("x-two", "-"), "x-two" in headers, "X-One" in headers) == (
        *(None, "-"),
        *(False, True),
    )
    assert dict(headers) == {"x-one": "1", "x-wide": "ä", "x-none": "", "content-length": "0"}
    assert len(headers) == 4
    with pytest.raises(KeyError):
        headers["x-two"]


@pytest.mark.parametrize(
    ("sent", "phase"),
    [
        (b"", Phase.WRITTEN),
        (b"H", Phase.HEAD),
        (b"HTTP/1.1 100 Continue\r\n\r\n", Phase.HEAD),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", Phase.HEAD),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", Phase.BODY),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nO", Phase.BODY),
    ],
)
def test_silence_in_the_middle_ends_at_the_deadline_and_says_where(on_loop: OnLoop, sent: bytes, phase: Phase) -> None:
    async def stop(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answering(sent)(reader, writer)
        await reader.read(1)

    found, _ = on_loop(against(stop, deadline=SOON))
    assert (found.reply, found.error, found.phase) == (None, "the deadline passed", phase)
    assert found.proven_unsent is False


@pytest.mark.parametrize("piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b"X: y\r\n"])
def test_an_endless_head_is_left_at_its_cap(on_loop: OnLoop, piece: bytes) -> None:
    written = 0

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(b"" if piece.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(piece * 1_000)
            written += len(piece) * 1_000
            await writer.drain()

    found, _ = on_loop(against(pour, deadline=20))
    assert (found.reply, found.error, found.phase) == (None, HEAD_TOO_LONG, Phase.HEAD)
    assert written < 1_000 * HEAD_CAP


def cut(sent: bytes, at: Sequence[int]) -> list[bytes]:
    """The same bytes in segments."""
    places = [0, *sorted({place % (len(sent) + 1) for place in at} - {0, len(sent)}), len(sent)]
    return [sent[start:end] for start, end in itertools.pairwise(places)]


def without_time(exchange: Exchange) -> tuple[Any, ...]:
    reply = exchange.reply
    seen = None if reply is None else (reply.status, dict(reply.headers), reply.body)
    return (seen, exchange._replace(elapsed=0.0, reply=None))


_SENT = [sent for sent, _ in (*WHOLE.values(), *NONE.values()) if len(sent) < 4 * HEAD_CAP]


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    """Good ones, bad ones, and ones with something else in the middle."""
    sent = draw(st.sampled_from(_SENT))
    if len(sent) > 400 or draw(st.booleans()):
        return sent
    at = draw(st.integers(0, len(sent)))
    return sent[:at] + draw(st.binary(max_size=3)) + sent[at + draw(st.integers(0, 3)) :]


@given(
    sent=st.one_of(
        replies(),
        st.lists(st.binary(min_size=1, max_size=50), max_size=8).map(lambda bodies: chunked(*bodies)),
        st.binary(max_size=200),
    ),
    at=st.lists(st.integers(0, 2**20), max_size=12),
)
@example(sent=NONE["a long head"][0], at=[HEAD_CAP, HEAD_CAP + 1])
@example(sent=NONE["a long body"][0], at=[BODY_CAP])
@example(sent=WHOLE["too much"][0], at=[len(OK)])
def test_however_it_is_cut_into_segments_it_is_the_same_reply(receivers: Receivers, sent: bytes, at: list[int]) -> None:
    assert without_time(receivers.answer(cut(sent, at))) == without_time(receivers.answer([sent]))


@pytest.mark.parametrize("name", [name for name, (sent, _) in {**WHOLE, **NONE}.items() if len(sent) < 300])
def test_and_byte_by_byte(receivers: Receivers, name: str) -> None:
    sent, _ = {**WHOLE, **NONE}[name]
    assert without_time(receivers.answer(cut(sent, range(len(sent))))) == without_time(receivers.answer([sent]))
