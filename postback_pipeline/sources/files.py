"""Landing files on disk: which there are, what they are called, and whether their bytes are whole.

Belongs here: everything that is known before DuckDB reads a file. Does not belong here: columns and rows.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from postback_pipeline.sources.results import Refused

_CHUNK = 1 << 20


class Format(StrEnum):
    """What a file's name says it is."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


_ENDINGS = {
    ".csv": (Format.CSV, False),
    ".csv.gz": (Format.CSV, True),
    ".jsonl": (Format.JSONL, False),
    ".jsonl.gz": (Format.JSONL, True),
    ".parquet": (Format.PARQUET, False),
}


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One file of an entity."""

    path: Path
    #: Relative to the source's folder, separated by '/'.
    name: str
    format: Format
    is_gzip: bool

    def signature(self) -> tuple[int, int]:
        """Size in bytes and time of change: another one means the file was written to."""
        stat = self.path.stat()
        return stat.st_size, stat.st_mtime_ns

    def sha256(self) -> str:
        """Of the bytes as they lie."""
        with self.path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def open(self) -> BinaryIO:
        """Its content, uncompressed."""
        return cast(BinaryIO, gzip.open(self.path) if self.is_gzip else self.path.open("rb"))

    def chunks(self) -> Iterator[bytes]:
        """Its content in pieces, read to the end.

        Raises:
            EOFError, gzip.BadGzipFile, zlib.error: its gzip data are cut short or damaged.
            UnicodeDecodeError: it is not UTF-8.
        """
        if self.is_gzip and self.signature()[0] == 0:
            raise EOFError
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self.open() as stream:
            while chunk := stream.read(_CHUNK):
                decoder.decode(chunk)
                yield chunk
        decoder.decode(b"", final=True)


def find_files(folder: Path, entity: str) -> tuple[list[LandingFile], list[str]]:
    """An entity's files in order of arrival (time of change, then name), and the names of those that are left alone.

    Raises:
        Refused: the source's folder is not there: a disk that is not mounted is not an empty one.
        OSError: a folder below it cannot be read.
    """
    if not folder.is_dir():
        raise Refused(f"there is no folder {folder}. Create it, or correct the source's path in the settings.")
    found: list[tuple[int, LandingFile]] = []
    ignored: list[str] = []
    for path in _walk(folder / entity):
        parts = path.relative_to(folder).parts
        # The mark of what other programs are still writing, or wrote for themselves.
        if any(part.startswith((".", "_")) for part in parts):
            continue
        name = "/".join(parts)
        ending = next((end for end in _ENDINGS if name.lower().endswith(end)), None)
        if ending is None or not path.is_file():
            ignored.append(name)
            continue
        file = LandingFile(path, name, *_ENDINGS[ending])
        found.append((file.signature()[1], file))
    return [file for _, file in sorted(found, key=lambda each: (each[0], each[1].name))], sorted(ignored)


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is not a folder itself; a link to a folder is not followed.

    Raises:
        OSError: a folder cannot be read, which must not look like an empty one.
    """

    def fail(error: OSError) -> None:
        raise error

    for parent, folders, names in os.walk(folder, onerror=fail) if folder.is_dir() else ():
        links = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (Path(parent, name) for name in [*names, *links])
