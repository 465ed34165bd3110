"""Alerts: what is wrong, who was told of it, and who has to be told now.

Belongs here: looking at the ledger and the published warehouse for conditions, remembering them, telling channels. Does
not belong here: what Dagster knows (`defs/alerts`), acting on a condition (people do, by the command that it names).

A new kind of condition is a name in `settings.alerts.ConditionKind`, its words in `wording`, and a `Place` that looks
for it; nothing else here has to know of it.
"""
