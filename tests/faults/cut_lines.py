"""A line between a worker and its PostgreSQL that a test can cut, at once or just before an answer arrives.

Belongs here: passing bytes on, and not passing them on. Does not belong here: what either side makes of it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import sqlalchemy


class CutLine:
    """Accepts connections on loopback and passes them on to a server, until told otherwise."""

    def __init__(self, url: str) -> None:
        self._url = sqlalchemy.make_url(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        #: What was seen from the client before which its server's answer is withheld, and the connection cut.
        self.cut_after: bytes | None = None
        self.cuts = 0
        #: While this is cleared the server's answers are kept back, as on a line that is dead and does not say so.
        self.answers = threading.Event()
        self.answers.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The same database, through this line."""
        query = {name: value for name, value in self._url.query.items() if name != "host"}
        port = self._listener.getsockname()[1]
        return self._url.set(host="127.0.0.1", port=port, query=query).render_as_string(hide_password=False)

    def cut(self) -> None:
        """Ends all connections, with whatever is on its way."""
        pairs, self._pairs = self._pairs, []
        for ends in pairs:
            self._end(ends)

    def close(self) -> None:
        """Takes no more connections and ends those that are."""
        self._listener.close()
        self.answers.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                # It is closed.
                return
            try:
                server = self._connect()
            except OSError:
                # The server is not there, and its client learns just that; the next one may be luckier.
                client.close()
                continue
            ends = (client, server)
            self._pairs.append(ends)
            asked = threading.Event()
            threading.Thread(target=self._pass_on, args=(client, server, ends, asked), daemon=True).start()
            threading.Thread(target=self._pass_back, args=(server, client, ends, asked), daemon=True).start()

    def _connect(self) -> socket.socket:
        folder = self._url.query.get("host")
        if isinstance(folder, str) and folder.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{folder}/.s.PGSQL.{self._url.port or 5432}")
            return server
        return socket.create_connection((self._url.host or "127.0.0.1", self._url.port or 5432))

    def _pass_on(
        self, client: socket.socket, server: socket.socket, ends: tuple[socket.socket, socket.socket],
        asked: threading.Event,
    ) -> None:  # fmt: skip
        with suppress(OSError):
            while data := client.recv(65_536):
                if self.cut_after is not None and self.cut_after in data:
                    self.cut_after = None
                    asked.set()
                server.sendall(data)
        self._end(ends)

    def _pass_back(
        self, server: socket.socket, client: socket.socket, ends: tuple[socket.socket, socket.socket],
        asked: threading.Event,
    ) -> None:  # fmt: skip
        with suppress(OSError):
            while data := server.recv(65_536):
                self.answers.wait()
                if asked.is_set():
                    # The server has done it, and says so to nobody.
                    self.cuts += 1
                    break
                client.sendall(data)
        self._end(ends)

    @staticmethod
    def _end(ends: tuple[socket.socket, socket.socket]) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def cut_line(url: str) -> Iterator[CutLine]:
    """A line to the database at this URL; closed afterwards."""
    line = CutLine(url)
    try:
        yield line
    finally:
        line.close()
