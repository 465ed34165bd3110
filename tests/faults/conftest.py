"""Fresh ledgers for faults, on each engine."""

from __future__ import annotations

from tests.delivery.ledgers import any_ledger, clock, empty_url, ledger, sqlite_url

__all__ = ["any_ledger", "clock", "empty_url", "ledger", "sqlite_url"]
