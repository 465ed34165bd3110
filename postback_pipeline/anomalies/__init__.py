"""What is usual for a daily figure, and which days were not: series in, findings out.

Belongs here: the baseline, the spread, when a finding opens and ends, the calendar that excuses a day. Does not belong
here: a clock, a file, a database, Dagster, or whom to tell (`alerting`).

Nothing is imported here: the libraries that `judge` stands on take a second.
"""
