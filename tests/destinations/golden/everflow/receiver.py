"""Everflow's postback, by helpdesk.everflow.io ("Accessing & Editing S2S Postback URLs") and its SDK's parameters."""

from __future__ import annotations

import re
from decimal import Decimal

from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import Answered, ContractReceiver

OPTIONAL = {"amount", "order_id", "event_id", "adv_event_id", "coupon_code", "verification_token", "adv1"}


class Receiver(ContractReceiver):
    """An advertiser's offer that pays by sale."""

    def take(self, hit: Hit) -> Answered:
        """Notes a conversion; whatever comes, it was received."""
        self.check(hit.method == "GET" and hit.path.startswith("/?") and not hit.body, f"{hit.method} {hit.path}")
        fields = dict(hit.query)
        self.check(len(fields) == len(hit.query), "a parameter is given twice")
        self.check_keys(fields, must={"nid", "transaction_id"}, may=OPTIONAL)
        self.check(fields["nid"] == "123", "another network")
        self.check(re.fullmatch(r"[0-9a-f]{32}", fields["transaction_id"]), "transaction_id")
        self.check(fields.get("verification_token"), "the advertiser is configured to use verification tokens")
        self.check(re.fullmatch(r"\d+(\.\d+)?", fields["amount"]), "amount: a decimal")
        self.beliefs[fields["order_id"]] = Decimal(fields["amount"])
        return Answered(200)
