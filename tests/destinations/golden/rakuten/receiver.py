"""Rakuten's transaction call, by what open-source senders of it do; it answers as they read it."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

MUST = {"mid", "ord", "tr", "land", "cur", "skulist", "qlist", "amtlist", "namelist", "xml"}
DIGITS = {"EUR": 2, "JPY": 0}


class Receiver(ContractReceiver):
    """A merchant's orders, by their lines."""

    def take(self, hit: Hit) -> Answered:
        """One order."""
        self.check(hit.method == "GET" and hit.path.startswith("/ep?"), f"{hit.method} {hit.path}")
        fields = dict(hit.query)
        self.check(len(fields) == len(hit.query), "a parameter is given twice")
        self.check_keys(fields, must=MUST, may={"date"})
        if fields["mid"] != "38275":
            return Answered(400)
        for name in ("land", "date"):
            self.check(re.fullmatch(r"\d{8}_\d{4}", fields[name]), f"{name}: YYYYMMDD_HHMM")
        lists = [fields[name].split("|") for name in ("skulist", "qlist", "amtlist", "namelist")]
        self.check(len({len(each) for each in lists}) == 1, "lists of different lengths")
        self.check(all(re.fullmatch(r"\d+", amount) for amount in lists[2]), "amounts in minor units")
        total = sum(map(int, lists[2]))
        self.beliefs[fields["ord"]] = Decimal(total).scaleb(-DIGITS[fields["cur"]])
        good, bad = len(lists[0]), 0
        return Answered(
            200,
            f"<response><unique_id>1</unique_id><summary><total>{good}</total><transactions><good>{good}</good>"
            f"<bad>{bad}</bad></transactions></summary></response>",
            {"Content-Type": "application/xml"},
        )
