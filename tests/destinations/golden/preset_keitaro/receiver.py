"""A tracker of Keitaro's dialect, as one was seen to behave: an upsert by click and transaction."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

PARAMETERS = {"subid", "status", "payout", "currency", "tid"}


class Receiver(ContractReceiver):
    """Conversions by (subid, tid)."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[tuple[str, str], tuple[str, Decimal]] = {}

    def take(self, hit: Hit) -> Answered:
        """Refuses what it cannot attribute; whatever else it is told about a row, it believes."""
        self.check(hit.method == "GET", "method")
        self.check(re.fullmatch("/[^/?]+/postback[?].+", hit.path), f"path {hit.path}")
        told = dict(hit.query)
        self.check(len(told) == len(hit.query) and told.keys() == PARAMETERS, f"parameters {sorted(told)}")
        if not told.get("subid") or not told.get("status"):
            return Answered(400)
        self.check(re.fullmatch(r"[0-9]+([.][0-9]+)?", told["payout"]), "payout: a decimal that is not negative")
        self._rows[told["subid"], told["tid"]] = told["status"], Decimal(told["payout"])
        self.beliefs = {tid: payout for (_, tid), (status, payout) in self._rows.items() if status != "rejected"}
        return Answered(200)
