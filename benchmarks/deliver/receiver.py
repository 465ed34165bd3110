"""The one receiver of all contenders: takes every request, writes its key to an append-only log, answers after a while.

    python -m benchmarks.deliver.receiver --log FILE [--core N]      prints its port

    POST /LATENCY/hook      JSON object with `key`                        OK
    GET  /LATENCY/hook      `key` in the query                            OK
    POST /LATENCY/batch     {"postbacks": [objects with `key`]}           one verdict per key
    GET  /flush             everything that was logged is in the file     OK

LATENCY is in milliseconds, or `hang`: no answer, and nothing is logged. It reads what the contenders send and no more
of HTTP: it must not be what limits them. Does not belong here: judging what arrived (`arrivals`).
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote_to_bytes

import orjson
import uvloop

from benchmarks.deliver.contender import pin

#: What has no key, but arrived.
NO_KEY = b"(no key)"


def _reply(body: bytes, content_type: bytes = b"text/plain") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (content_type, len(body))
    return head + body


_OK = _reply(b"OK")


class _Connection(asyncio.Protocol):
    """One client's connection. Requests may follow each other unasked; they are answered in order."""

    def __init__(self, log: BinaryIO) -> None:
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        #: Bytes without which there is nothing to do.
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports derive from nothing.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        while len(buffer) >= self._needed and (end := buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(buffer[:end])
            self._needed = end + 4 + _content_length(head)
            if len(buffer) < self._needed:
                return
            body = bytes(buffer[end + 4 : self._needed])
            del buffer[: self._needed]
            self._needed = 0
            self._take(head, body)

    def _take(self, head: bytes, body: bytes) -> None:
        target = head.split(b" ", 2)[1]
        if target == b"/flush":
            self._log.flush()
            self._transport.write(_OK)
            return
        _, latency, place = target.split(b"/", 2)
        reply = _OK
        if latency == b"hang":
            return
        if place == b"batch":
            keys = [element["key"] for element in orjson.loads(body)["postbacks"]]
            self._log.write("".join(f"{key}\n" for key in keys).encode())
            verdicts = [{"key": key, "status": "accepted"} for key in keys]
            reply = _reply(orjson.dumps({"results": verdicts}), b"application/json")
        else:
            self._log.write((_key_in_json(body) if body else _key_in_query(target)) + b"\n")
        if latency == b"0":
            self._transport.write(reply)
        else:
            self._loop.call_later(int(latency) / 1000, self._transport.write, reply)


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r", 1)[0]) if found else 0


def _key_in_json(body: bytes) -> bytes:
    _, found, rest = body.partition(b'"key":')
    parts = rest.split(b'"', 2)
    return parts[1] if found and len(parts) == 3 else NO_KEY


def _key_in_query(target: bytes) -> bytes:
    _, found, rest = target.partition(b"key=")
    key = rest.split(b"&", 1)[0]
    if not found:
        return NO_KEY
    return unquote_to_bytes(key) if b"%" in key else key


async def _serve(log: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(log), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--core", type=int)
    arguments = parser.parse_args()
    pin(arguments.core)
    with arguments.log.open("ab", buffering=1024 * 1024) as log:
        uvloop.run(_serve(log))


if __name__ == "__main__":
    main()
