"""Definitions: every mistake is a sentence that names file, row and column, and all are told at once."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest

from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.sources.definitions import DefinitionsError, read_definitions

DESTINATIONS = {
    "meta": Capabilities(max_age=timedelta(days=7), deduplicates=True, dedup_window=timedelta(hours=48)),
    "partner": Capabilities(),
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


STATUSES = "it may be 'pending', 'paid', 'shipped' or 'completed'"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"event_name": "Purchase!"},
            "column event_name: 'Purchase!' is not a name: a lower-case letter, then lower-case letters, digits,"
            " underscores.",
        ),
        ({"qualifying_statuses": "payed"}, f"column qualifying_statuses: 'payed' is unknown; {STATUSES}."),
        ({"qualifying_statuses": "paid|cancelled"}, f"column qualifying_statuses: 'cancelled' is unknown; {STATUSES}."),
        ({"qualifying_statuses": "paid|paid"}, "column qualifying_statuses: 'paid' is there twice."),
        ({"qualifying_statuses": " | "}, "column qualifying_statuses: a value is required here."),
        ({"source_entity": "invoices"}, "column source_entity: 'invoices' is unknown; it may be 'orders'."),
        (
            {"action_at": "when"},
            "column action_at: 'when' is unknown; it may be 'ordered_at', 'paid_at', 'shipped_at' or 'updated_at'.",
        ),
        (
            {"value_rule": "net"},
            "column value_rule: 'net' is unknown; it may be 'gross', 'net_of_tax' or 'net_of_tax_and_shipping'.",
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

    assert mistakes(folder) == [f"conversions.csv, row 2, {sentence}"]


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
            "column identifiers: 'clid' is unknown: neither in click_id_parameters.csv nor an identifier that orders"
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
        ({"consent_denied": "send"}, "column consent_denied: 'send' is unknown; it may be 'block'."),
        ({"consent_unknown": "ask"}, "column consent_unknown: 'ask' is unknown; it may be 'block' or 'send'."),
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
        ({"parameter": ""}, "column parameter: a value is required here."),
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


def test_two_definitions_of_one_event_are_refused(folder: Path) -> None:
    write(folder, "conversions.csv", CONVERSION, CONVERSION | {"hold_days": "1"})

    assert mistakes(folder) == ["conversions.csv, row 3, column event_name: 'purchase' is defined already in row 2."]


def test_two_routes_for_one_destination_and_event_are_refused(folder: Path) -> None:
    write(folder, "routes.csv", ROUTE, ROUTE | {"destination": "partner"}, ROUTE | {"lookback_days": "1"})

    assert mistakes(folder) == [
        "routes.csv, row 4, column event_name: 'meta' + 'purchase' has a route already in row 2."
    ]


def test_one_parameter_cannot_carry_two_identifiers(folder: Path) -> None:
    write(folder, "click_id_parameters.csv", PARAMETER, PARAMETER | {"identifier": "other"})

    assert mistakes(folder) == ["click_id_parameters.csv, row 3, column parameter: 'fbclid' is there already in row 2."]


def test_unknown_missing_and_repeated_columns_are_named(folder: Path) -> None:
    (folder / "conversions.csv").write_text("event_name,entity,event_name\npurchase,orders,purchase\n")

    assert mistakes(folder) == [
        "conversions.csv, row 1, column event_name: it is there more than once.",
        "conversions.csv, row 1, column entity: unknown; the columns are event_name, source_entity,"
        " qualifying_statuses, action_at, qualified_at, value_rule, zero_values, hold_days.",
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
