"""The shop's invoices, worked out straight from its invoice lines: plain SQL, nothing of `postback_pipeline`.

Belongs here: what the lines say. Does not belong here: landing files, warehouses, routes.

Invoices are orders, but for those called C... (credit notes) and A... (adjustments of bad debt).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

_INVOICES = """
create view invoices as
select
    Invoice as invoice,
    case left(Invoice, 1) when 'C' then 'refund' when 'A' then 'adjustment' else 'order' end as kind,
    any_value("Customer ID") as customer,
    list(distinct StockCode) as stock,
    -- The shop's wall clock: London's.
    min(cast(InvoiceDate as timestamp)) as written_at,
    sum(Quantity * cast(Price as decimal(18, 4))) as total
from read_parquet(?)
group by 1, 2
"""
#: A credit note belongs to the same customer's newest earlier order that holds one of its goods.
_CREDITED = """
select
    refunds.invoice,
    arg_max(orders.invoice, (orders.written_at, orders.invoice)) as order_id
from invoices as refunds
inner join invoices as orders
    on
        refunds.customer = orders.customer
        and orders.written_at <= refunds.written_at
        and list_has_any(orders.stock, refunds.stock)
where refunds.kind = 'refund' and orders.kind = 'order'
group by 1
"""


class InvoiceLines:
    """Asks the lines of one Parquet file."""

    def __init__(self, file: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(_INVOICES.replace("?", f"'{file}'"))

    def count(self, kind: str) -> int:
        """How many invoices of that kind there are."""
        return int(self._ask(f"select count(*) from invoices where kind = '{kind}'")[0][0])

    def orders(self) -> dict[str, Decimal]:
        """Order -> its exact total, in pounds with up to four decimals."""
        return dict(self._ask("select invoice, total from invoices where kind = 'order'"))

    def refunds(self) -> dict[str, tuple[str | None, Decimal]]:
        """Credit note -> the order that it belongs to, if any, and what is given back (negative where it takes)."""
        rows = self._ask(
            f"select invoice, order_id, -total from invoices left join ({_CREDITED}) using (invoice)"
            " where kind = 'refund'"
        )
        return {invoice: (order_id, total) for invoice, order_id, total in rows}

    def by_month(self, kind: str) -> dict[str, int]:
        """Month of the shop's clock (2009-12) -> invoices of that kind."""
        return dict(
            self._ask(
                "select strftime(written_at, '%Y-%m'), count(*) from invoices"
                f" where kind = '{kind}' group by 1 order by 1"
            )
        )

    def _ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()
