"""Claim -> send -> record: the async code of the hot path, and its only HTTP client.

Belongs here: the outbox's way into the ledger, the drain, pacing, the transport and what an exchange means for the
ledger. Does not belong here: what a request or a reply looks like (`destinations`), states and retries (`ledger`).
This file holds nothing else.
"""
