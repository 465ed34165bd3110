"""The figures of the published warehouse as tables and pictures, for the console, Dagster and the daily report.

Belongs here: what is asked of the metrics (`questions/*.sql`), how it is drawn (`charts`, `drawing`), and the report of
a day (`report`). Does not belong here: any metric's formula (dbt), web pages, the ledger.
"""
