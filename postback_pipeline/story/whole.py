"""The whole story of a key: the warehouse's and the ledger's parts put together, and what of it could not be had.

Belongs here: where each part is read, and what is said where it cannot be. Does not belong here: the parts themselves,
how they look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postback_pipeline.model import PostbackError
from postback_pipeline.story.answers import WarehouseStory, read_story

if TYPE_CHECKING:
    from postback_pipeline.ledger import Story
    from postback_pipeline.settings import Settings

#: More than any conversion has in earnest.
MOST_POSTBACKS = 1_000


@dataclass(frozen=True, slots=True)
class WholeStory:
    """All that is known of a key."""

    warehouse: WarehouseStory
    postbacks: tuple[Story, ...]
    #: What could not be looked at, each a sentence with what to do about it.
    notes: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether anything at all was found."""
        told = self.warehouse
        names = (name for name in told.__dataclass_fields__ if name not in ("keys", "as_of"))
        return bool(self.postbacks) or any(getattr(told, name) for name in names)


def read_whole(settings: Settings, key: str) -> WholeStory:
    """All about a conversion key, or a source's own id of an order, lead or event.

    Raises:
        PostbackError: the published warehouse is there and cannot be read.
    """
    notes: list[str] = []
    told = _from_warehouse(settings, key, notes)
    return WholeStory(told, _from_ledger(settings, told.keys or [key], notes), tuple(notes))


def _from_warehouse(settings: Settings, key: str, notes: list[str]) -> WarehouseStory:
    from duckdb import BinderException, CatalogException, Error

    from postback_pipeline.sources.warehouse import open_warehouse

    published = settings.published_path
    if not published.is_file():
        notes.append(f"There is no published warehouse at {published} yet. Run: postback run")
        return WarehouseStory()
    try:
        with open_warehouse(published, read_only=True) as connection:
            return read_story(connection, key)
    except (BinderException, CatalogException):
        notes.append(f"The published warehouse {published} was built by another version. Run: postback run")
        return WarehouseStory()
    except Error as error:
        cause = str(error).partition("\n")[0]
        raise PostbackError(f"The published warehouse {published} cannot be read: {cause}") from error


def _from_ledger(settings: Settings, keys: list[str], notes: list[str]) -> tuple[Story, ...]:
    from postback_pipeline.ledger import LedgerError, Selection, open_ledger

    try:
        with open_ledger(settings.ledger_url(), settings.environment) as ledger:
            return ledger.newest(Selection(conversion_keys=keys), limit=MOST_POSTBACKS)
    except LedgerError as error:
        notes.append(str(error))
        return ()
