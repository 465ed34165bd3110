"""How fast postbacks become requests, and replies verdicts, adapter by adapter, beside vendors' own packages.

Belongs here: the postbacks (`shop`), our adapters (`adapters`), vendors' packages in their own environment (`sdk_*`).
"""
