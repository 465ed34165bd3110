"""The only package that imports Dagster: assets, checks, jobs, schedules, sensors, resources, partitions.

Belongs here: when and in what order things run, and what of them is shown. Does not belong here: any rule about
conversions, receivers or deliveries. Import concrete submodules; nothing is re-exported, nothing runs at import.
"""
