"""Definitions: every mistake is a sentence that names file, row and column, and all are told at once."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.sources.definitions import DefinitionsError, read_definitions
from tests.sources.receivers import Declared

DESTINATIONS = {
    "meta": Declared(
        Capabilities(max_age=timedelta(days=7), deduplicates=True, dedup_window=timedelta(hours=48)),
    ),
    "partner": Declared(),
}
CONVERSION = {"event_name": "purchase", "source_entity": "orders", "qualifying_statuses": "paid"}
ROUTE = {
    "destination": "meta",
    "event_name": "purchase",
    "receiver_event": "Purchase",
    "match_on": "click",
    "identifiers": "fbclid",
    "lookback_days": "7",
    "consent_purposes": "",
}
PLAN = {"event_name": "purchase", "plan": "gold", "value": "10.00", "currency": "EUR"}
PER_PLAN = {"source_entity": "subscription_events", "qualifying_statuses": "start", "value_rule": "per_plan"}
PARAMETER = {"parameter": "fbclid", "identifier": "fbclid", "network": "meta"}


def write(folder: Path, file: str, *rows: dict[str, str]) -> None:
    """Writes rows under the union of their columns."""
    columns = dict.fromkeys(column for row in rows for column in row)
    with (folder / file).open("w", newline="") as lines:
        table = csv.DictWriter(lines, columns, restval="")
        table.writeheader()
        table.writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which everything is right."""
    write(tmp_path, "conversions.csv", CONVERSION)
    write(tmp_path, "routes.csv", ROUTE)
    write(tmp_path, "click_id_parameters.csv", PARAMETER)
    read_definitions(tmp_path, destinations=DESTINATIONS)
    return tmp_path


def mistakes(folder: Path) -> list[str]:
    """What is wrong, without the folder's own path."""
    with pytest.raises(DefinitionsError) as caught:
        read_definitions(folder, destinations=DESTINATIONS)
    *found, counting = str(caught.value).splitlines()
    assert counting == "Rows are counted as a spreadsheet shows them: the header is row 1."
    return [sentence.replace(f"{folder}/", "") for sentence in found]


STATUSES = "or none of orders that can qualify; it may be 'pending', 'paid', 'shipped' or 'completed'"
VALUE_RULES = (
    "it may be 'gross', 'fixed' or 'per_plan', or 'net_of_' and tax, shipping, discount, each once and joined by"
    " '_and_', such as 'net_of_tax_and_shipping'"
)
INSTANT = "is not a date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z"
FIXED = {"value_rule": "fixed", "fixed_value": "10", "currency": "EUR"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"event_name": "Purchase!"},
            "column event_name: 'Purchase!' is not a name: a lower-case letter, then lower-case letters, digits,"
            " underscores.",
        ),
        ({"qualifying_statuses": "payed"}, f"column qualifying_statuses: 'payed' is unknown, {STATUSES}."),
        ({"qualifying_statuses": "paid|fraud"}, f"column qualifying_statuses: 'fraud' is unknown, {STATUSES}."),
        ({"qualifying_statuses": "paid|paid"}, "column qualifying_statuses: 'paid' is there twice."),
        ({"qualifying_statuses": " | "}, "column qualifying_statuses: a value is required here."),
        (
            {"source_entity": "invoices"},
            "column source_entity: 'invoices' is unknown; it may be 'orders', 'leads', 'subscription_events',"
            " 'app_events' or 'pixel_events'.",
        ),
        (
            {"action_at": "when"},
            "column action_at: 'when' is no time of orders; it may be 'ordered_at', 'paid_at', 'shipped_at' or"
            " 'updated_at'.",
        ),
        (
            {"qualified_at": "status_at"},
            "column qualified_at: 'status_at' is no time of orders; it may be 'ordered_at', 'paid_at', 'shipped_at' or"
            " 'updated_at'.",
        ),
        (
            {"occurred_at": "paid_at"},
            "column occurred_at: 'paid_at' is unknown; it may be 'action_at' or 'qualified_at'.",
        ),
        ({"value_rule": "net"}, f"column value_rule: 'net' is unknown; {VALUE_RULES}."),
        ({"value_rule": "net_of_"}, f"column value_rule: 'net_of_' is unknown; {VALUE_RULES}."),
        ({"value_rule": "net_of_tax_tax"}, f"column value_rule: 'net_of_tax_tax' is unknown; {VALUE_RULES}."),
        ({"value_rule": "net_of_tax_and_tax"}, f"column value_rule: 'net_of_tax_and_tax' is unknown; {VALUE_RULES}."),
        (
            {"value_rule": "fixed", "currency": "EUR"},
            "column fixed_value: value_rule is 'fixed'; give the value.",
        ),
        (
            {"value_rule": "fixed", "fixed_value": "10"},
            "column currency: value_rule is 'fixed'; give the currency of fixed_value.",
        ),
        (
            {"value_rule": "net_of_shipping_and_tax", "fixed_value": "10"},
            "column fixed_value: value_rule is 'net_of_tax_and_shipping', which uses none; write 'fixed' there, or"
            " nothing here.",
        ),
        (FIXED | {"fixed_value": "-1"}, "column fixed_value: '-1' is negative."),
        (FIXED | {"fixed_value": "ten"}, "column fixed_value: 'ten' is not a decimal number such as 1234.50."),
        (FIXED | {"fixed_value": "1_000"}, "column fixed_value: '1_000' is not a decimal number such as 1234.50."),
        (
            FIXED | {"fixed_value": "0.00001"},
            "column fixed_value: '0.00001' has more than four decimals or fourteen digits before the point.",
        ),
        (
            FIXED | {"fixed_value": "100000000000000"},
            "column fixed_value: '100000000000000' has more than four decimals or fourteen digits before the point.",
        ),
        (FIXED | {"currency": "EURO"}, "column currency: 'EURO' is not an ISO 4217 currency."),
        (
            {"value_rule": "per_plan"},
            "column value_rule: orders name no plan; only 'subscription_events' can be worth something per plan.",
        ),
        ({"effective_from": "soon"}, f"column effective_from: 'soon' {INSTANT}."),
        (
            {"effective_from": "2026-01-31 09:00"},
            "column effective_from: '2026-01-31 09:00' has no time zone; write it like 2026-01-31T09:00:00Z.",
        ),
        ({"source_of_truth": "tag"}, "column source_of_truth: 'tag' is unknown; it may be 'server' or 'pixel'."),
        (
            {"first_only_per": "cart_id"},
            "column first_only_per: 'cart_id' is unknown; it may be 'user_id', 'email', 'phone', 'session_id' or"
            " 'device_id'.",
        ),
        (
            {"test_rules": "name=test"},
            "column test_rules: 'name' is unknown; a rule may look at 'email', 'coupon', 'user_id', 'source_id',"
            " 'phone' or 'ip'.",
        ),
        (
            {"test_rules": "email=a@b.example|*@example.com"},
            "column test_rules: '*@example.com' is no rule; write one like email=*@example.com.",
        ),
        (
            {"test_rules": "coupon=A\nB"},
            "column test_rules: this is longer than 200 characters or holds characters that do not print.",
        ),
        ({"test_rules": "coupon="}, "column test_rules: 'coupon=' is no rule; write one like email=*@example.com."),
        ({"test_rules": "email=**"}, "column test_rules: 'email=**' makes a test of everything; say more than *."),
        (
            {"test_rules": "coupon=TEST*|coupon=test*"},
            "column test_rules: 'coupon like test%' is there twice.",
        ),
        ({"zero_values": "maybe"}, "column zero_values: 'maybe' is unknown; it may be 'exclude' or 'allow'."),
        ({"hold_days": "-1"}, "column hold_days: '-1' is too small; the least is 0."),
        ({"hold_days": "two"}, "column hold_days: 'two' is not a whole number."),
        ({"hold_days": "1.5"}, "column hold_days: '1.5' is not a whole number."),
        ({"hold_days": "99999"}, "column hold_days: '99999' is too large; the most is 3650."),
    ],
)
def test_a_wrong_cell_of_a_conversion_is_named(folder: Path, change: dict[str, str], sentence: str) -> None:
    write(folder, "conversions.csv", CONVERSION | change)
    write(folder, "routes.csv", ROUTE | {"event_name": change.get("event_name", "purchase")})
    write(folder, "plan_values.csv", PLAN)

    found = [each for each in mistakes(folder) if not each.startswith("plan_values.csv")]

    assert found == [f"conversions.csv, row 2, {sentence}"]


@pytest.mark.parametrize(
    ("entity", "change", "sentences"),
    [
        (
            "leads",
            {"qualifying_statuses": "qualified|disqualified|paid"},
            [
                f"column qualifying_statuses: '{status}' is unknown, or none of leads that can qualify; it may be"
                " 'new', 'verified', 'qualified', 'closed_won' or 'closed_lost'."
                for status in ("disqualified", "paid")
            ],
        ),
        (
            "subscription_events",
            {"qualifying_statuses": "refund"},
            [
                "column qualifying_statuses: 'refund' is unknown, or none of subscription_events that can qualify; it"
                " may be 'trial_start', 'start', 'renewal', 'upgrade', 'downgrade' or 'cancel'."
            ],
        ),
        (
            "leads",
            {"qualifying_statuses": "new", "action_at": "ordered_at", "qualified_at": "occurred_at"},
            [
                "column action_at: 'ordered_at' is no time of leads; it may be 'created_at' or 'status_at'.",
                "column qualified_at: 'occurred_at' is no time of leads; it may be 'created_at' or 'status_at'.",
            ],
        ),
        (
            "pixel_events",
            {"qualifying_statuses": "Buy now", "action_at": "paid_at"},
            ["column action_at: 'paid_at' is no time of pixel_events; it may be 'occurred_at'."],
        ),
        (
            "app_events",
            {"qualifying_statuses": "af_purchase", "value_rule": "net_of_tax_and_discount"},
            ["column value_rule: app_events have no 'tax' or 'discount', so their value is 'gross'."],
        ),
        (
            "leads",
            {"qualifying_statuses": "new", "test_rules": "coupon=TEST*|source_id=t-*|coupon=QA*"},
            ["column test_rules: leads have no column 'coupon'."],
        ),
        (
            "leads",
            {"qualifying_statuses": "paid", "hold_days": "soon", "value_rule": "fixed"},
            [
                "column hold_days: 'soon' is not a whole number.",
                "column fixed_value: value_rule is 'fixed'; give the value.",
                "column currency: value_rule is 'fixed'; give the currency of fixed_value.",
                "column qualifying_statuses: 'paid' is unknown, or none of leads that can qualify; it may be 'new',"
                " 'verified', 'qualified', 'closed_won' or 'closed_lost'.",
            ],
        ),
    ],
)
def test_what_another_entity_has_is_no_choice(
    folder: Path, entity: str, change: dict[str, str], sentences: list[str]
) -> None:
    write(folder, "conversions.csv", CONVERSION | {"source_entity": entity} | change)

    assert mistakes(folder) == [f"conversions.csv, row 2, {sentence}" for sentence in sentences]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"destination": "facebook"},
            "column destination: 'facebook' is not a destination of the settings, which have meta, partner.",
        ),
        ({"event_name": "lead"}, "column event_name: 'lead' is not defined in conversions.csv."),
        ({"receiver_event": ""}, "column receiver_event: a value is required here."),
        (
            {"receiver_event": "Buy\tnow"},
            "column receiver_event: this is longer than 200 characters or holds characters that do not print.",
        ),
        (
            {"match_on": "luck"},
            "column match_on: 'luck' is unknown; it may be 'click', 'identity' or 'click_or_identity'.",
        ),
        (
            {"identifiers": "fbclid|clid"},
            "column identifiers: 'clid' is unknown: neither in click_id_parameters.csv nor an identifier that records"
            " carry.",
        ),
        ({"identifiers": ""}, "column identifiers: a route that matches on click needs at least one."),
        ({"lookback_days": ""}, "column lookback_days: a route that matches on click needs a number of days."),
        ({"lookback_days": "-7"}, "column lookback_days: '-7' is too small; the least is 0."),
        ({"lookback_days": "7d"}, "column lookback_days: '7d' is not a whole number."),
        (
            {"scope": "group:partners", "match_on": "click_or_identity"},
            "column match_on: routes of a group compete by their clicks, so each of them matches on click.",
        ),
        ({"scope": "team"}, "column scope: 'team' is unknown; it may be 'network' or 'group:<name>'."),
        (
            {"scope": "group:"},
            "column scope: '' is not a name: a lower-case letter, then lower-case letters, digits, underscores.",
        ),
        ({"event_time": "now"}, "column event_time: 'now' is unknown; it may be 'action_at' or 'qualified_at'."),
        (
            {"consent_purposes": "ads"},
            "column consent_purposes: 'ads' is unknown; it may be 'ad_user_data', 'ad_personalization' or 'analytics'.",
        ),
        (
            {"consent_denied": "ask"},
            "column consent_denied: 'ask' is unknown; it may be 'block', 'strip' or 'flag'.",
        ),
        (
            {"consent_unknown": "ask"},
            "column consent_unknown: 'ask' is unknown; it may be 'block', 'strip' or 'flag'.",
        ),
        ({"timing": "now"}, "column timing: 'now' is unknown; it may be 'after_hold' or 'real_time'."),
        (
            {"timing": "real_time", "hold_days": "2"},
            "column hold_days: a route in real time waits for no hold, but this one has 2 days; write 0 here, or"
            " 'after_hold' as its timing.",
        ),
        ({"currency": "euro"}, "column currency: 'euro' is not an ISO 4217 currency."),
        (
            {"event_id_template": "{order_id}-{source_id}"},
            "column event_id_template: '{order_id}-{source_id}' names 2 placeholders; an event id holds exactly one.",
        ),
        (
            {"event_id_template": "{order_id}{order_id}"},
            "column event_id_template: '{order_id}{order_id}' names 2 placeholders; an event id holds exactly one.",
        ),
        (
            {"pixel_deduplication": "yes"},
            "column pixel_deduplication: 'yes' is unknown; it may be 'none', 'suppress' or 'receiver'.",
        ),
        (
            {"pixel_deduplication": "receiver"},
            "column event_id_template: the receiver can deduplicate only by the event id of its tag; give its"
            " template.",
        ),
        (
            {
                "destination": "partner",
                "pixel_deduplication": "receiver",
                "event_id_template": "{order_id}",
            },
            "column pixel_deduplication: partner does not deduplicate; use 'suppress' or 'none'.",
        ),
        (
            {"event_id_template": "o-{email}"},
            "column event_id_template: 'o-{email}' names something else than {order_id}, {source_id},"
            " {transaction_id}.",
        ),
        (
            {"event_id_template": "{order_id!r}"},
            "column event_id_template: '{order_id!r}' names something else than {order_id}, {source_id},"
            " {transaction_id}.",
        ),
        (
            {"event_id_template": "{order_id"},
            "column event_id_template: '{order_id' is not a template: expected '}' before end of string.",
        ),
        (
            {"event_id_template": "order"},
            "column event_id_template: 'order' gives every conversion the same event id; name {order_id} or"
            " {transaction_id}.",
        ),
        ({"send_reversals": "perhaps"}, "column send_reversals: 'perhaps' is neither true nor false."),
        (
            {"start_at": "31.01.2026"},
            "column start_at: '31.01.2026' is not a date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z.",
        ),
        (
            {"start_at": "2026-01-31 09:00"},
            "column start_at: '2026-01-31 09:00' has no time zone; write it like 2026-01-31T09:00:00Z.",
        ),
        (
            {"end_at": "2026-02-30"},
            "column end_at: '2026-02-30' is not a date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z.",
        ),
        ({"start_at": "2026-02-01", "end_at": "2026-02-01"}, "column end_at: it must be after start_at."),
        (
            {"hold_days": "7"},
            "column hold_days: a hold of 7 days leaves less than a day until meta refuses the event for its age"
            " (7 days); shorten the hold of the route or of the conversion.",
        ),
    ],
)
def test_a_wrong_cell_of_a_route_is_named(folder: Path, change: dict[str, str], sentence: str) -> None:
    write(folder, "routes.csv", ROUTE | change)

    assert mistakes(folder) == [f"routes.csv, row 2, {sentence}"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"parameter": "x'); drop table raw.orders; --"},
            'column parameter: "x\'); drop table raw.orders; --" is not a query parameter of letters, digits,'
            " underscores and hyphens.",
        ),
        (
            {"identifier": "FB"},
            "column identifier: 'FB' is not a name: a lower-case letter, then lower-case letters, digits, underscores.",
        ),
        ({"network": ""}, "column network: a value is required here."),
        ({"valid_days": "0"}, "column valid_days: '0' is too small; the least is 1."),
        ({"valid_days": "-7"}, "column valid_days: '-7' is too small; the least is 1."),
        ({"valid_days": "a week"}, "column valid_days: 'a week' is not a whole number."),
    ],
)
def test_a_wrong_cell_of_a_click_id_parameter_is_named(folder: Path, change: dict[str, str], sentence: str) -> None:
    write(folder, "click_id_parameters.csv", PARAMETER | change)

    assert mistakes(folder) == [f"click_id_parameters.csv, row 2, {sentence}"]


def test_a_hold_just_short_of_the_receivers_limit_is_right(folder: Path) -> None:
    write(folder, "routes.csv", ROUTE | {"hold_days": "6"})

    assert read_definitions(folder, destinations=DESTINATIONS).routes[0].hold_days == 6


def test_the_conversions_own_hold_counts_against_the_receivers_limit(folder: Path) -> None:
    write(folder, "conversions.csv", CONVERSION | {"hold_days": "4"})
    write(folder, "routes.csv", ROUTE | {"hold_days": "3"}, ROUTE | {"destination": "partner"})

    (sentence,) = mistakes(folder)

    assert sentence.startswith("routes.csv, row 2, column hold_days: a hold of 7 days leaves less than a day")


def test_a_route_in_real_time_waits_for_no_hold(folder: Path) -> None:
    write(folder, "conversions.csv", CONVERSION | {"hold_days": "30"})
    write(folder, "routes.csv", ROUTE | {"timing": "real_time"})

    assert read_definitions(folder, destinations=DESTINATIONS).routes[0].timing == "real_time"


def test_the_longest_hold_of_an_events_versions_counts(folder: Path) -> None:
    later = [{"effective_from": f"2026-0{month}-01", "hold_days": days} for month, days in ((1, "5"), (2, "1"))]
    write(folder, "conversions.csv", CONVERSION, *(CONVERSION | each for each in later))
    write(folder, "routes.csv", ROUTE | {"hold_days": "2"})

    (sentence,) = mistakes(folder)

    assert sentence.startswith("routes.csv, row 2, column hold_days: a hold of 7 days leaves less than a day")


@pytest.mark.parametrize(
    ("one", "other"),
    [("", ""), ("", "1970-01-01"), ("2026-01-01", "2026-01-01"), ("2026-01-01", "2026-01-01T02:00:00+02:00")],
)
def test_two_definitions_of_one_event_from_one_moment_on_are_refused(folder: Path, one: str, other: str) -> None:
    write(
        folder,
        "conversions.csv",
        CONVERSION | {"effective_from": one},
        CONVERSION | {"event_name": "order"},
        CONVERSION | {"effective_from": other, "hold_days": "1"},
    )

    assert mistakes(folder) == [
        "conversions.csv, row 4, column effective_from: 'purchase' is defined already in row 2 from the same moment"
        " on; give the day from which this row holds instead."
    ]


def test_versions_stand_in_the_order_in_which_they_hold(folder: Path) -> None:
    starts = ("2026-01-01", "2026-03-01", "2026-02-01", "")
    write(folder, "conversions.csv", *(CONVERSION | {"effective_from": start} for start in starts))

    assert mistakes(folder) == [
        f"conversions.csv, row {row}, column effective_from: it lies before that of row {row - 1}; write the rows of"
        " 'purchase' in the order in which they hold."
        for row in (4, 5)
    ]


def test_an_event_is_made_of_one_entity(folder: Path) -> None:
    lead = {"source_entity": "leads", "qualifying_statuses": "new", "effective_from": "2026-01-01"}
    write(folder, "conversions.csv", CONVERSION, CONVERSION | lead)

    assert mistakes(folder) == [
        "conversions.csv, row 3, column source_entity: 'purchase' is made of 'orders' in row 2; name another event for"
        " 'leads'."
    ]


def test_every_row_of_an_event_goes_by_the_same_time_of_the_act(folder: Path) -> None:
    later = {"action_at": "paid_at", "effective_from": "2026-01-01"}
    write(folder, "conversions.csv", CONVERSION, CONVERSION | later)

    assert mistakes(folder) == [
        "conversions.csv, row 3, column action_at: it is 'ordered_at' in row 2; every row of an event has the same one,"
        " since effective_from goes by it. Name another event for another time."
    ]


def test_values_per_plan_need_their_file(folder: Path) -> None:
    write(folder, "conversions.csv", CONVERSION | PER_PLAN)

    assert mistakes(folder) == [
        "conversions.csv, row 2, column value_rule: 'per_plan' takes its values from plan_values.csv, which is not"
        " there; write a row for every plan."
    ]


def test_every_event_with_values_per_plan_needs_a_plan(folder: Path) -> None:
    write(folder, "conversions.csv", CONVERSION | PER_PLAN, CONVERSION | PER_PLAN | {"event_name": "renewal"})
    write(folder, "plan_values.csv", PLAN)

    assert mistakes(folder) == [
        "conversions.csv, row 3, column value_rule: 'per_plan' takes its values from plan_values.csv, which has no row"
        " of this event; write a row for every plan."
    ]


def test_a_plan_has_one_value_and_an_event_that_exists(folder: Path) -> None:
    write(folder, "plan_values.csv", PLAN, PLAN | {"event_name": "trial"}, PLAN | {"value": "11"}, PLAN | {"plan": "x"})

    assert mistakes(folder) == [
        "plan_values.csv, row 4, column plan: 'purchase' + 'gold' has a value already in row 2.",
        "plan_values.csv, row 3, column event_name: 'trial' is not defined in conversions.csv.",
    ]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"plan": ""}, "column plan: a value is required here."),
        ({"value": ""}, "column value: a value is required here."),
        ({"value": "ten"}, "column value: 'ten' is not a decimal number such as 1234.50."),
        ({"value": "-1"}, "column value: '-1' is negative."),
        ({"currency": ""}, "column currency: a value is required here."),
        ({"currency": "XXX"}, "column currency: 'XXX' is not an ISO 4217 currency."),
    ],
)
def test_a_wrong_cell_of_a_plan_value_is_named(folder: Path, change: dict[str, str], sentence: str) -> None:
    write(folder, "conversions.csv", CONVERSION | PER_PLAN)
    write(folder, "plan_values.csv", PLAN | change)

    assert mistakes(folder) == [f"plan_values.csv, row 2, {sentence}"]


def test_a_damaged_plan_file_is_told_once(folder: Path) -> None:
    write(folder, "conversions.csv", CONVERSION | PER_PLAN)
    (folder / "plan_values.csv").write_text("event_name,plan,worth\npurchase,gold,1\n")

    assert mistakes(folder) == [
        "plan_values.csv, row 1, column worth: unknown; the columns are event_name, plan, value, currency.",
        "plan_values.csv, row 1, column value: it is missing.",
        "plan_values.csv, row 1, column currency: it is missing.",
    ]


def test_two_routes_for_one_destination_and_event_are_refused(folder: Path) -> None:
    write(folder, "routes.csv", ROUTE, ROUTE | {"destination": "partner"}, ROUTE | {"lookback_days": "1"})

    assert mistakes(folder) == [
        "routes.csv, row 4, column event_name: 'meta' + 'purchase' has a route already in row 2."
    ]


def test_one_parameter_cannot_carry_two_identifiers(folder: Path) -> None:
    write(folder, "click_id_parameters.csv", PARAMETER, PARAMETER | {"identifier": "other"})

    assert mistakes(folder) == ["click_id_parameters.csv, row 3, column parameter: 'fbclid' is there already in row 2."]


@pytest.mark.parametrize(
    ("one", "other"),
    [({"parameter": ""}, {"parameter": ""}), ({"parameter": ""}, {}), ({}, {"parameter": ""})],
)
def test_an_identifier_without_a_parameter_stands_in_one_row(
    folder: Path, one: dict[str, str], other: dict[str, str]
) -> None:
    write(folder, "click_id_parameters.csv", PARAMETER | one, PARAMETER | other)

    assert mistakes(folder) == [
        "click_id_parameters.csv, row 3, column identifier: 'fbclid' is there already in row 2; only rows with a"
        " parameter of their own may share an identifier."
    ]


def test_parameters_of_one_identifier_are_valid_for_equally_long(folder: Path) -> None:
    days = [{"parameter": f"p{number}", "valid_days": days} for number, days in enumerate(("", "90", ""))]
    write(folder, "click_id_parameters.csv", *(PARAMETER | each for each in days))

    assert mistakes(folder) == [
        "click_id_parameters.csv, row 3, column valid_days: 'fbclid' has no limit in row 2; write the same in both."
    ]


def test_the_column_of_parameters_must_be_there(folder: Path) -> None:
    write(folder, "click_id_parameters.csv", {"identifier": "fbclid", "network": "meta"})

    assert mistakes(folder) == ["click_id_parameters.csv, row 1, column parameter: it is missing."]


def test_unknown_missing_and_repeated_columns_are_named(folder: Path) -> None:
    (folder / "conversions.csv").write_text("event_name,entity,event_name\npurchase,orders,purchase\n")

    assert mistakes(folder) == [
        "conversions.csv, row 1, column event_name: it is there more than once.",
        "conversions.csv, row 1, column entity: unknown; the columns are event_name, source_entity,"
        " qualifying_statuses, effective_from, action_at, qualified_at, occurred_at, value_rule, fixed_value,"
        " currency, zero_values, hold_days, source_of_truth, first_only_per, test_rules.",
        "conversions.csv, row 1, column source_entity: it is missing.",
        "conversions.csv, row 1, column qualifying_statuses: it is missing.",
    ]


def test_consent_must_be_decided_and_may_be_decided_empty(folder: Path) -> None:
    write(folder, "routes.csv", {column: value for column, value in ROUTE.items() if column != "consent_purposes"})

    assert mistakes(folder) == ["routes.csv, row 1, column consent_purposes: it is missing."]


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "click_id_parameters.csv").unlink()

    assert mistakes(folder) == ["click_id_parameters.csv: there is no such file. Create it, with a header at least."]


@pytest.mark.parametrize("content", [b"event_name\xff\n", b'event_name,"source\n'])
def test_a_file_that_is_no_utf8_csv_is_named(folder: Path, content: bytes) -> None:
    (folder / "conversions.csv").write_bytes(content)

    (sentence,) = mistakes(folder)

    assert sentence.startswith("conversions.csv: this cannot be read as a CSV file in UTF-8")


def test_a_row_with_a_cell_too_many_is_named(folder: Path) -> None:
    (folder / "click_id_parameters.csv").write_text("parameter,identifier,network\nfbclid,fbclid,meta,social\n")

    assert mistakes(folder) == [
        "click_id_parameters.csv, row 2: it has 4 cells and the header has 3."
        " Put a cell that holds a comma into double quotes."
    ]


def test_all_mistakes_of_all_files_are_told_at_once(folder: Path) -> None:
    write(folder, "conversions.csv", CONVERSION | {"hold_days": "soon", "zero_values": "no"})
    write(folder, "routes.csv", ROUTE | {"destination": "x", "match_on": "?"}, ROUTE | {"event_name": "lead"})
    write(folder, "click_id_parameters.csv", {"parameter": "p", "identifier": "P", "network": ""})

    found = mistakes(folder)

    assert [sentence.split(":")[0] for sentence in found] == [
        "conversions.csv, row 2, column zero_values",
        "conversions.csv, row 2, column hold_days",
        "routes.csv, row 2, column match_on",
        "click_id_parameters.csv, row 2, column identifier",
        "click_id_parameters.csv, row 2, column network",
        "routes.csv, row 2, column destination",
        "routes.csv, row 3, column event_name",
    ]
