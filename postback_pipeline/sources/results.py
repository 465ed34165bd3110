"""What loading says about itself: per file, per entity, and about what it refused.

Belongs here: values and errors. Does not belong here: anything that reads or writes. No text here ever holds the
content of a row, a URL or a password.
"""

from __future__ import annotations

from dataclasses import dataclass

from postback_pipeline.model import PostbackError


class Refused(PostbackError):
    """A file or a database's answer that cannot be used as a whole; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One file or database query of which nothing was used; what was loaded from it before stays."""

    source: str
    file: str
    #: A sentence naming column or line.
    problem: str

    def __str__(self) -> str:
        return f"{self.file} (source {self.source}): {self.problem}"


@dataclass(frozen=True, slots=True)
class FileLoad:
    """What came of one new or changed file, or of one read of a database."""

    source: str
    file: str
    rows: int
    #: rows = loaded + quarantined, save where `same_as` names the file that holds these rows already.
    loaded: int
    quarantined: int
    same_as: str | None = None


@dataclass(frozen=True, slots=True)
class EntityLoad:
    """What came of loading one entity from all sources."""

    entity: str
    files: tuple[FileLoad, ...] = ()
    refused: tuple[Refusal, ...] = ()
    #: How many files were found as they were loaded before.
    unchanged: int = 0
    #: Files that were left alone because of their ending, as `<source>: <file>`.
    ignored: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows read from new and changed files."""
        return sum(file.rows for file in self.files)

    @property
    def loaded(self) -> int:
        """Rows written to the entity's table."""
        return sum(file.loaded for file in self.files)

    @property
    def quarantined(self) -> int:
        """Rows written to quarantine."""
        return sum(file.quarantined for file in self.files)


class LoadError(PostbackError):
    """Some files were refused; every other one was loaded, as `load` tells."""

    def __init__(self, load: EntityLoad) -> None:
        self.load = load
        count = len(load.refused)
        head = f"{load.entity}: {count} file{'s were' if count > 1 else ' was'} refused, nothing of it was used."
        super().__init__("\n".join([head, *(str(refusal) for refusal in load.refused)]))


@dataclass(frozen=True, slots=True)
class Counts:
    """Both sides of "nothing disappears": what the registry of files says, and what the tables hold."""

    rows: int
    loaded: int
    quarantined: int
    in_raw: int
    in_quarantine: int

    @property
    def tie(self) -> bool:
        """Whether every row that came in is loaded or quarantined."""
        return (
            self.rows == self.loaded + self.quarantined
            and self.loaded == self.in_raw
            and self.quarantined == self.in_quarantine
        )
