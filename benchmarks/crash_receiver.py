"""The receiver of the crash runs: a process of its own that notes every request it has read whole, before it answers.

    python -m benchmarks.crash_receiver FOLDER

Prints its port, then serves until its standard input ends. Every run has its own path and its own append-only file
`FOLDER/RUN.jsonl`, one line `[key, kind, revision, value]` for each postback of each fully read request:

    GET  /RUN/get?key=&kind=&revision=&value=     and /RUN/get-known, which answers 409 to a key it knows
    POST /RUN/hook                                one JSON object
    POST /RUN/batch                               {"postbacks": [object, ...]}, answered one by one
    GET  /sync                                    how many connections are open, this one among them

Belongs here: reading requests and answering them. Does not belong here: anything of the pipeline's own code, so that
it cannot share a mistake with what it judges.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

Told = tuple[str, str, int, str]


class Books:
    """What each run was told, in files that only grow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}
        self._known: dict[str, set[str]] = {}
        #: Connections that are open now.
        self.open = 0

    def note(self, run: str, told: Sequence[Told]) -> list[bool]:
        """Writes them down, and says of each whether its key was known before."""
        if run not in self._files:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._files[run] = os.open(self._folder / f"{run}.jsonl", flags, 0o644)
        os.write(self._files[run], "".join(f"{json.dumps(each)}\n" for each in told).encode())
        known = self._known.setdefault(run, set())
        before = [key in known for key, *_ in told]
        known.update(key for key, *_ in told)
        return before


class Connection(asyncio.Protocol):
    """One connection: requests one after the other."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts it."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._books.open += 1

    def connection_lost(self, error: Exception | None) -> None:
        """Counts it no more; half a request is none."""
        self._books.open -= 1

    def data_received(self, data: bytes) -> None:
        """Answers whatever is whole."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].decode("latin-1")
            length = next(
                (int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0
            )
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._answer(head.split(" ", 2)[1], body)

    def _answer(self, target: str, body: bytes) -> None:
        status, text = self._read(target, body)
        reply = text.encode()
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 %d Done\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(reply))
            + reply
        )

    def _read(self, target: str, body: bytes) -> tuple[int, str]:
        url = urlsplit(target)
        if url.path == "/sync":
            return 200, json.dumps(self._books.open)
        run, form = url.path.strip("/").split("/")
        if form in ("get", "get-known"):
            query = {name: values[0] for name, values in parse_qs(url.query, strict_parsing=True).items()}
            (known,) = self._books.note(run, [_told(query)])
            return (409 if known and form == "get-known" else 200), "OK"
        found = json.loads(body)
        if form == "hook":
            self._books.note(run, [_told(found | {"kind": found["type"]})])
            return 204, ""
        told = [_told(each | {"kind": each["type"]}) for each in found["postbacks"]]
        before = self._books.note(run, told)
        results = [
            {"key": each[0], "status": "duplicate" if known else "accepted"}
            for each, known in zip(told, before, strict=True)
        ]
        return 200, json.dumps({"results": results})


def _told(found: dict[str, str]) -> Told:
    return found["key"], found["kind"], int(found["revision"]), found["value"]


async def serve(folder: Path) -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    books = Books(folder)
    server = await loop.create_server(lambda: Connection(books), "127.0.0.1", 0, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
