"""Rates of exchange are settled with the first claim; consent is as it stands now, and withdrawn leaves keys only."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from postback_pipeline.ledger import Action, Reported
from postback_pipeline.ledger.schema import postbacks
from postback_pipeline.model import Facts, Kind, Outcome

if TYPE_CHECKING:
    from tests.ledger.conftest import Shop

RATE = Decimal("1.080000000000")
KEYS = {"fbclid": "fb.1", "fbp": "fb.1.2", "click_ref": "r1"}


def exchanged(shop: Shop, rate: Decimal | None = RATE) -> Facts:
    return shop.facts(exchange_rate=rate)


@pytest.mark.parametrize("rate", ["0.000000000001", "1", "1234567890123456.123456789012", "100", "0.85"])
def test_rates_come_back_to_the_twelfth_decimal(shop: Shop, rate: str) -> None:
    shop.report("10.00", currency="USD", facts=exchanged(shop, Decimal(rate)))
    assert shop.newest().exchange_rate == Decimal(rate)
    assert shop.history()[-1]["exchange_rate"] == Decimal(rate)


def test_a_value_in_its_own_currency_has_no_rate(shop: Shop) -> None:
    shop.report("10.00")
    assert (shop.newest().exchange_rate, shop.history()[-1]["exchange_rate"]) == (None, None)


@pytest.mark.parametrize("rate", ["0", "-1.1", "NaN", "sNaN", "Infinity", "0.0000000000001", "10000000000000000"])
def test_what_is_no_rate_is_refused(shop: Shop, rate: str) -> None:
    report = shop.report("10.00", facts=exchanged(shop, Decimal(rate)))
    assert report.actions == {Action.REFUSED: 1}
    assert "exchange rate" in report.refusals[0].reason


def test_a_rate_is_the_newest_one_until_the_first_claim(shop: Shop) -> None:
    shop.report("10.80", currency="USD", facts=exchanged(shop))
    shop.report("10.90", currency="USD", facts=exchanged(shop, Decimal("1.09")))
    assert (shop.newest().value, shop.newest().exchange_rate) == (Decimal("10.90"), Decimal("1.09"))


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.NOT_SENT, Outcome.REJECTED])
def test_a_settled_rate_holds_and_the_value_moves_at_it(shop: Shop, outcome: Outcome) -> None:
    shop.report("10.80", currency="USD", facts=exchanged(shop))
    shop.send(outcome)
    shop.report("5.40", currency="USD", facts=exchanged(shop))
    assert (shop.newest().value, shop.newest().exchange_rate) == (Decimal("5.40"), RATE)
    assert shop.rendered[-1].facts.exchange_rate == RATE


@pytest.mark.parametrize(("settled", "late"), [(RATE, Decimal("1.09")), (RATE, None), (None, RATE)])
def test_a_change_of_rates_after_the_claim_is_not_told_as_one_of_the_conversion(
    shop: Shop, settled: Decimal | None, late: Decimal | None
) -> None:
    shop.tell("10.80", currency="USD", facts=exchanged(shop, settled))
    assert shop.report("10.90", currency="USD", facts=exchanged(shop, late)).actions == {Action.STALE: 1}
    assert len(shop.stories()) == 1


def test_a_claim_that_gets_in_between_settles_the_rate(shop: Shop) -> None:
    shop.report("10.80", currency="USD", facts=exchanged(shop))
    row = shop.desired(value="10.90", currency="USD", facts=exchanged(shop, Decimal("1.09")))
    shop.send()
    report = shop.enqueue(row)
    assert (report.actions, report.rows, report.inserted) == ({Action.STALE: 1}, 1, 0)


def test_a_dry_run_sees_another_rate_too(shop: Shop) -> None:
    shop.tell("10.80", currency="USD", facts=exchanged(shop))
    row = shop.desired(value="10.90", currency="USD", facts=exchanged(shop, Decimal("1.09")))
    report = shop.enqueue(row, dry_run=True)
    assert (report.actions, report.planned) == ({Action.STALE: 1}, ())


def test_nothing_is_worth_nothing_at_any_rate(shop: Shop) -> None:
    shop.tell("10.80", currency="USD", facts=exchanged(shop))
    assert shop.report("0", currency="USD", facts=exchanged(shop, Decimal("1.09"))).kinds == {Kind.RETRACTION: 1}
    assert shop.newest().exchange_rate == RATE


def test_a_rate_leads_to_its_currency_and_to_no_other(shop: Shop) -> None:
    shop.tell("10.80", currency="USD", facts=exchanged(shop))
    shop.report("8.50", currency="GBP", facts=exchanged(shop, Decimal("0.85")))
    assert (shop.newest().currency, shop.newest().exchange_rate) == ("GBP", Decimal("0.85"))


def imported(shop: Shop) -> None:
    row = Reported(
        "meta", "purchase:1", "purchase", Decimal("10.80"), "USD", "1", shop.clock.now, identifiers={"fbclid": "old.1"}
    )
    shop.ledger.import_reported([row], actor="ann", reason="moved here")


def test_what_a_previous_sender_reported_without_a_rate_is_adjusted_at_the_newest(shop: Shop) -> None:
    imported(shop)
    assert shop.report("5.40", currency="USD", facts=exchanged(shop)).kinds == {Kind.RESTATEMENT: 1}
    assert shop.newest().exchange_rate == RATE


def test_consent_reaches_the_renderer_as_it_stands_now_and_no_column(shop: Shop) -> None:
    shop.report("10.00", consent={"ad_user_data": "granted"})
    shop.send()
    shop.report("7.00", consent={"ad_user_data": "denied", "analytics": "unknown"})
    assert [postback.consent for postback in shop.rendered] == [
        {"ad_user_data": "granted"},
        {"ad_user_data": "denied", "analytics": "unknown"},
    ]
    assert not {"consent", "person"} & set(postbacks.columns.keys())


def test_a_change_of_consent_alone_is_told_to_nobody(shop: Shop) -> None:
    shop.tell("10.00", consent={"ad_user_data": "granted"})
    assert shop.report("10.00", consent={"ad_user_data": "denied"}, keys_only=True).actions == {Action.KNOWN: 1}


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.REJECTED, Outcome.NOT_SENT])
def test_without_consent_only_the_settled_keys_that_the_row_still_names_are_told(shop: Shop, outcome: Outcome) -> None:
    shop.report("10.00", facts=shop.facts(identifiers=KEYS), person={"ip": "192.0.2.7"})
    shop.send(outcome)
    late = shop.facts(identifiers={"click_ref": "another", "gclid": "new"}, click_id="better")
    shop.report("7.00", facts=late, keys_only=True, consent={"ad_user_data": "denied"})
    told = shop.rendered[-1]
    # The settled value, not the row's; what was never told is not told now.
    assert told.facts == shop.facts(identifiers={"click_ref": "r1"})
    assert (told.person, told.consent) == ({}, {"ad_user_data": "denied"})
    assert shop.newest().identifiers == ("click_ref",)


def test_with_consent_every_settled_identifier_is_told_again(shop: Shop) -> None:
    shop.tell("10.00", facts=shop.facts(identifiers=KEYS))
    shop.report("7.00", facts=shop.facts(identifiers={}))
    assert shop.rendered[-1].facts.identifiers == KEYS


def test_without_consent_and_without_keys_no_identifier_is_told(shop: Shop) -> None:
    shop.tell("10.00", facts=shop.facts(identifiers=KEYS))
    shop.report("0", facts=shop.facts(identifiers={}), keys_only=True)
    told = shop.rendered[-1]
    assert (told.kind, told.facts.identifiers, told.facts.transaction_id) == (Kind.RETRACTION, {}, "1")


def test_a_first_report_without_consent_has_what_the_outbox_left_it(shop: Shop) -> None:
    shop.report("10.00", facts=shop.facts(identifiers={"click_ref": "r1"}), keys_only=True)
    assert shop.rendered[-1].facts.identifiers == {"click_ref": "r1"}


def test_personal_attributes_never_leave_without_consent_whatever_the_outbox_says(shop: Shop) -> None:
    shop.report("10.00", person={"ip": "192.0.2.7"}, keys_only=True)
    assert shop.rendered[-1].person == {}
    (claim,) = shop.claim()
    assert "192.0.2.7" not in claim.element


def test_what_an_import_named_is_stripped_too(shop: Shop) -> None:
    imported(shop)
    shop.report("5.00", currency="USD", facts=shop.facts(identifiers={"click_ref": "r1"}), keys_only=True)
    assert shop.rendered[-1].facts.identifiers == {}


def test_every_fact_but_rate_and_identifiers_is_inherited_as_it_was(shop: Shop) -> None:
    shop.tell("10.00", facts=shop.facts(identifiers=KEYS))
    late = replace(shop.facts("purchase:9"), click_id=None, definition_version="d9", receiver_event="Other")
    shop.report("7.00", facts=late, keys_only=True)
    told, settled = shop.rendered[-1].facts, shop.facts(identifiers={"fbclid": "fb.1"})
    assert {field.name for field in fields(Facts) if getattr(told, field.name) != getattr(settled, field.name)} == set()
