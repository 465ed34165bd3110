"""The page to look at: a web console on the published copy of the warehouse and on the ledger.

Belongs here: what is shown on which page, and stepping in through the ledger's own steps. Does not belong here: any
figure (`pictures`, dbt), any step's rules (`ledger.steps`), the story of a conversion (`story`).

It has no script: pages are rendered here, filters are in the URL, charts are SVG. Pages read the copy, never the file
that a build writes, so nobody who looks is in the pipeline's way.
"""
