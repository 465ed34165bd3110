"""Claim -> send -> record: the only async code, and the only HTTP client of the hot path.

Belongs here: the outbox's way into the ledger, the drain, pacing, the transport and what an exchange means for the
ledger. Does not belong here: what a request or a reply looks like (`destinations`), states and retries (`ledger`).
This file holds nothing else.
"""
