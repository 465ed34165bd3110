"""Experiments with the server channel: how groups compare, how sure that is, and what could be seen at all.

Belongs here: statistics over numbers that are given, and reading them from the warehouse (`reading.py`). Does not
belong here: who is held out (dbt), what a row of `experiments.csv` may say (`sources`), how results are shown.
Import concrete submodules; nothing is re-exported.
"""
