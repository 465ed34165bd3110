"""Loads an entity: every new or changed file and database row of all sources, whole files or nothing.

Belongs here: the order of things and what happens to failures. Does not belong here: formats, rules, tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

import duckdb

from postback_pipeline.model import PostbackError
from postback_pipeline.settings import DatabaseSource, FolderSource, Settings, Source
from postback_pipeline.sources.contract import ENTITIES
from postback_pipeline.sources.contract_types import Column, Entity
from postback_pipeline.sources.files import LandingFile, find_files
from postback_pipeline.sources.formats import reading_problem, scan_file
from postback_pipeline.sources.held import Place, Seal, hold, is_unchanged, transaction
from postback_pipeline.sources.results import EntityLoad, FileLoad, LoadError, Refusal, Refused
from postback_pipeline.sources.rows import drop_temporary, judge, rules_fingerprint, stage
from postback_pipeline.sources.versions import load_database


def load_entity(
    connection: duckdb.DuckDBPyConnection, entity: str, settings: Settings, *, loaded_at: datetime
) -> EntityLoad:
    """Loads what is new or changed of `entity` from all sources; one transaction per file or database read.

    `loaded_at` (UTC) is written with every row. `connection` must not be in a transaction.

    Raises:
        LoadError: files were refused; all others were loaded, and its `load` tells about both.
    """
    loading = _Loading(connection, ENTITIES[entity], loaded_at)
    try:
        for name, source in settings.sources.items():
            if isinstance(source, FolderSource):
                loading.load_folder(name, source, settings)
            else:
                loading.load_database(name, source, settings)
    finally:
        drop_temporary(connection)
    load = loading.result()
    if load.refused:
        raise LoadError(load)
    return load


class _Loading:
    """One call of `load_entity` on its way."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, entity: Entity, loaded_at: datetime) -> None:
        self._connection = connection
        self._entity = entity
        self._loaded_at = loaded_at
        self._files: list[FileLoad] = []
        self._refused: list[Refusal] = []
        self._ignored: list[str] = []
        self._unchanged = 0

    def load_folder(self, name: str, source: FolderSource, settings: Settings) -> None:
        folder = settings.home / (source.path or settings.paths.landing)
        with self._refusals(name, self._entity.name):
            self._check_names(source, [*source.rename, *source.stale_after_hours])
            files, ignored = find_files(folder, self._entity.name)
            self._ignored += [f"{name}: {file}" for file in ignored]
            rules = rules_fingerprint(self._entity, source)
            for file in files:
                with self._refusals(name, file.name):
                    self._load_file(Place(name, self._entity, file.name), file, source, rules)

    def load_database(self, name: str, source: DatabaseSource, settings: Settings) -> None:
        place = Place(name, self._entity, f"database:{name}")
        with self._refusals(name, place.file):
            self._check_names(source, [*source.rename, *source.stale_after_hours, *source.queries])
            if self._entity.name in source.queries:
                self._note(load_database(self._connection, place, source, settings, self._loaded_at))

    def result(self) -> EntityLoad:
        return EntityLoad(
            self._entity.name, tuple(self._files), tuple(self._refused), self._unchanged, tuple(self._ignored)
        )

    def _load_file(self, place: Place, file: LandingFile, source: FolderSource, rules: str) -> None:
        signature = file.signature()
        seal = Seal(signature[0], file.sha256(), rules)
        if is_unchanged(self._connection, place, seal):
            self._unchanged += 1
            return
        columns = self._stage(file, source)
        if file.signature() != signature:
            raise Refused("it was written to while it was read. It will be loaded when it is finished.")
        judged = judge(self._connection, self._entity, source, columns)
        with transaction(self._connection):
            self._note(hold(self._connection, place, seal, judged, self._loaded_at))

    def _stage(self, file: LandingFile, source: FolderSource) -> tuple[Column, ...]:
        try:
            scan = scan_file(self._connection, file, final_newline=source.final_newline == "required")
            return stage(self._connection, self._entity, source, scan)
        except duckdb.Error as error:
            problem = reading_problem(file, error)
        # Outside the handler: DuckDB's error quotes rows, and must not travel along as the context of ours.
        raise Refused(problem)

    def _check_names(self, source: Source, entities: Iterable[str]) -> None:
        """A name that is misspelt in the settings would pass over what it stands for."""
        unknown = [entity for entity in entities if entity not in ENTITIES]
        if unknown:
            raise Refused(f"its settings name {unknown[0]}, which is none of {', '.join(ENTITIES)}.")
        for theirs, ours in source.rename.get(self._entity.name, {}).items():
            if ours not in self._entity.by_name:
                raise Refused(f"its settings rename {theirs} to {ours}, which is no column of {self._entity.name}.")

    def _note(self, load: FileLoad | None) -> None:
        if load is None:
            self._unchanged += 1
        else:
            self._files.append(load)

    @contextmanager
    def _refusals(self, source: str, file: str) -> Iterator[None]:
        try:
            yield
        except PostbackError as error:
            self._refused.append(Refusal(source, file, str(error)))
        except OSError as error:
            self._refused.append(Refusal(source, file, f"it cannot be read: {error.strerror}."))
