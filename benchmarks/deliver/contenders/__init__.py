"""One file per way of sending rows: each prepares, then sends within the stopwatch, in a process of its own.

Belongs here: what a user would write with that library, at its best. Does not belong here: which of them run, with how
many rows, and what the figures mean. Only what a file needs is imported, for most of them live in the peers' own
environment, without this project's dependencies. This file holds nothing else.
"""
