"""A reply out of bytes, however they are cut into segments, and no more of it than is wanted.

Belongs here: parsing, the caps of head and body, decompression, and when a reply is whole. Does not belong here: the
connection it came on, and what it means.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from postback_pipeline.delivery.transport_errors import BROKE_OFF, CLOSED, WireError
from postback_pipeline.destinations.base import Reply

#: Longest reply that is read, after decompression, unless a request asks for a longer one. Bytes.
BODY_CAP = 64 * 1024
#: Longest head, together with the interim replies (1xx) before it. Bytes.
HEAD_CAP = 32 * 1024
#: Longest reply as it travels: what chunks and their extensions may add. Bytes.
WIRE_CAP = 1024 * 1024

_Default = TypeVar("_Default")

#: Of the names of headers that say that a body is encoded.
_LENGTHS = (len("content-encoding"), len("transfer-encoding"))
_WINDOW_BITS = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}


class Headers(Mapping[str, str]):
    """A reply's headers, found by name in any case; of repeated ones the first. Values are read as Latin-1."""

    __slots__ = ("_lines",)

    def __init__(self, lines: list[tuple[bytes, bytes]]) -> None:
        self._lines = lines

    def __getitem__(self, name: str) -> str:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter({name.lower().decode("latin-1"): None for name, _ in self._lines})

    def __len__(self) -> int:
        return len({name.lower() for name, _ in self._lines})

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    @overload
    def get(self, name: str, /) -> str | None: ...

    @overload
    def get(self, name: str, /, default: str | _Default) -> str | _Default: ...

    def get(self, name: str, /, default: object = None) -> object:
        """The value of a header, or `default`."""
        wanted = name.lower().encode("latin-1", "replace")
        for each, value in self._lines:
            if each.lower() == wanted:
                return value.decode("latin-1")
        return default


class ReplyReader:
    """Reads one reply after the other from one connection; `begin` before each.

    Its `on_...` methods are the parser's.
    """

    __slots__ = (
        *("_body", "_body_cap", "_fed", "_kept", "_lines", "_parser", "_size", "_status"),
        *("complete", "head_complete", "keep_alive", "surplus"),
    )

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        # As lenient as other clients are; neither says anything else than it would without.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)
        self.begin()

    def begin(self, body_cap: int = BODY_CAP) -> None:
        """Forgets the last reply. `body_cap`: the most bytes of the next one's body."""
        self._body_cap = body_cap
        self._lines: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._size = 0
        self._fed = 0
        self._status = 0
        #: Head of the final reply was read.
        self.head_complete = False
        #: The reply came to its end.
        self.complete = False
        #: The receiver keeps the connection open; known with the end.
        self.keep_alive = False
        #: More came than the reply.
        self.surplus = False

    @property
    def begun(self) -> bool:
        """Whether a byte of it has come."""
        return self._fed > 0

    def feed(self, data: bytes) -> None:
        """Reads what came next.

        Raises:
            WireError: it is no reply, or too long a one.
        """
        if self._fed + len(data) <= HEAD_CAP:
            self._parse(data)
            return
        # A cap must not depend on how bytes arrive: what is beyond it is not even parsed.
        rest = memoryview(data)
        while rest and not self.complete:
            room = (max(WIRE_CAP, 2 * self._body_cap) if self.head_complete else HEAD_CAP) - self._fed
            if room <= 0:
                raise self._too_long()
            self._parse(rest[:room])
            rest = rest[room:]
        self.surplus = self.surplus or bool(rest)

    def end(self) -> None:
        """The receiver has closed its side in good order: that ends a reply of no stated length.

        Raises:
            WireError: the reply is not whole.
        """
        framed = self._field(b"content-length") is not None or self._field(b"transfer-encoding") is not None
        if not self.head_complete or framed:
            raise WireError(BROKE_OFF if self.begun else CLOSED)
        self.complete = True

    def reply(self) -> Reply:
        """The reply, once it is complete.

        Raises:
            WireError: its body cannot be decoded, or is too long when it is.
        """
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        for name, _ in self._lines:
            # By its length first: few replies have one.
            if len(name) in _LENGTHS:
                body = self._decoded(body)
                break
        return Reply(self._status, Headers(self._lines), body)

    def _decoded(self, body: bytes) -> bytes:
        if (self._field(b"transfer-encoding") or b"chunked").lower() != b"chunked":
            raise WireError("the reply is encoded in a way that is not read")
        encoding = self._field(b"content-encoding")
        return _unpacked(body, encoding.lower(), self._body_cap) if encoding and body else body

    def _parse(self, data: bytes | memoryview) -> None:
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            if not self.complete and self._size <= self._body_cap:
                raise WireError("the reply is not HTTP") from None
            self.surplus = True
        if self._size > self._body_cap:
            raise self._too_long()

    def _too_long(self) -> WireError:
        if self.head_complete:
            return WireError(f"the reply is longer than {self._body_cap} bytes")
        return WireError(f"the reply's head is longer than {HEAD_CAP} bytes")

    def _field(self, name: bytes) -> bytes | None:
        """A header by its lower-case name; all of them, where it is repeated."""
        length = len(name)
        found = [value for each, value in self._lines if len(each) == length and each.lower() == name]
        return b", ".join(found) if found else None

    def on_message_begin(self) -> None:
        """First byte of a reply, or of what should not be there."""
        if self.complete:
            self.surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer: those are left out."""
        if not self.head_complete:
            self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        """End of a head."""
        if not self.complete:
            self._status = self._parser.get_status_code()
            self.head_complete = not 100 <= self._status < 200

    def on_body(self, body: bytes) -> None:
        """A piece of the body, without its framing."""
        if not self.complete:
            self._size += len(body)
            if self._size <= self._body_cap:
                self._body.append(body)

    def on_message_complete(self) -> None:
        """End of a reply, or of an interim one."""
        if self.complete:
            return
        if not self.head_complete:
            self._lines = []
            return
        self.complete = True
        self.keep_alive = self._parser.should_keep_alive()


def _unpacked(body: bytes, encoding: bytes, body_cap: int) -> bytes:
    """A body out of its compression, which nobody asked for."""
    if encoding == b"identity":
        return body
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        raise WireError("the reply is encoded in a way that is not read")
    if encoding == b"deflate" and body[0] & 0x0F != 8:
        # Some send it without the wrapping that the standard asks for.
        bits = -15
    decoder = zlib.decompressobj(bits)
    try:
        plain = decoder.decompress(body, body_cap + 1)
    except zlib.error:
        raise WireError("the reply's compression is damaged") from None
    if len(plain) > body_cap:
        raise WireError(f"the reply is longer than {body_cap} bytes")
    if not decoder.eof or decoder.unused_data:
        raise WireError("the reply's compression is damaged")
    return plain
