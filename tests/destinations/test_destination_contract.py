"""What every destination type promises, over every golden folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.delivery.wire_check import check_request
from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reading, Reply, SecretError
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Kind, Postback
from tests.destinations.samples import GOLDEN, golden_destination_of, secrets_of

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
#: Folders of the types whose receiver the user describes: amounts leave as decimal texts.
DESCRIBED = [folder for folder in sorted(GOLDEN.iterdir()) if not isinstance(golden_destination_of(folder), Vendor)]
ADVERTISING = ("ad_user_data", "ad_personalization")
LATER = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)

#: A fixture that is the same for every example may be shared by them.
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)

MakePostback = Callable[..., Postback]

bodies = st.binary(max_size=300) | st.sampled_from(
    [
        b"OK",
        b'{"status": "ok"}',
        b"[" * 100_000,
        b"\xff\xfe{\x00}\x00",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"9" * 9_999,
    ]
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
replies = st.builds(
    Reply,
    status=st.integers(100, 599),
    headers=st.dictionaries(st.sampled_from(["Content-Type", "Retry-After", "Date"]), header_values),
    body=bodies,
)


def element_of(destination: Destination, postback: Postback) -> Element:
    return Element(postback.key, postback.kind, destination.render(postback))


def told_kinds(destination: Destination) -> list[Kind]:
    """The kinds that it can be told: a conversion at least."""
    return [kind for kind in Kind if destination.capabilities.adjusts(kind)]


def test_rendering_is_the_same_every_time(
    golden: Path, golden_destination: Destination, golden_postback: MakePostback
) -> None:
    rebuilt = golden_destination_of(golden)
    for kind in told_kinds(golden_destination):
        assert golden_destination.rendered(golden_postback(kind)) == rebuilt.rendered(golden_postback(kind))
        assert golden_destination.rendered(golden_postback(kind)).text == rebuilt.render(golden_postback(kind))


def test_what_was_frozen_is_sent_the_same_at_any_time(
    golden_destination: Destination, golden_postback: MakePostback
) -> None:
    secrets = secrets_of(golden_destination)
    for kind in told_kinds(golden_destination):
        element = element_of(golden_destination, golden_postback(kind))
        first, again = (golden_destination.request([element], secrets=secrets, sent_at=at) for at in (NOW, LATER))
        assert (first.method, first.url, first.body) == (again.method, again.url, again.body)
        check_request(first, golden_destination)


@pytest.mark.parametrize("value", ["", " \n", "two\nlines", "clé", "half \ud800"])
def test_a_secret_that_is_none_is_nothing_about_a_postback(
    golden_destination: Destination, golden_postback: MakePostback, value: str
) -> None:
    if not isinstance(golden_destination, Vendor):
        return
    # Read by `credentials.credential`, it pauses the destination instead of spoiling what is claimed.
    element = element_of(golden_destination, golden_postback())
    secrets = secrets_of(golden_destination)
    asked = golden_destination.grant
    of_grant = asked.secret_names if asked else ()
    for name in golden_destination.secret_names:
        wrong = secrets | {name: value}
        with pytest.raises(SecretError, match=name):
            if asked and name in of_grant:
                asked.request(secrets=wrong, asked_at=NOW)
            else:
                golden_destination.request([element], secrets=wrong, sent_at=NOW)


def test_an_element_holds_neither_secrets_nor_an_address_in_clear(
    golden_destination: Destination, golden_postback: MakePostback
) -> None:
    for kind in told_kinds(golden_destination):
        text = golden_destination.render(golden_postback(kind))
        leaked = {"ada@example.com", "123456", "123-456", *secrets_of(golden_destination).values()}
        assert {word for word in leaked if word in text.lower()} == set()


def test_what_a_person_denied_is_flagged_or_left_out(
    golden_destination: Destination, golden_postback: MakePostback
) -> None:
    contract = golden_destination.contract
    if not isinstance(golden_destination, Vendor) or not (contract.matches_person or contract.takes_person):
        return
    person = {
        "email": "ada@example.com",
        "phone": "+49 30 123456",
        "ip": "203.0.113.7",
        "user_agent": "Mozilla/5.0 (X11)",
        "page_url": "https://shop.example/thanks",
    }
    told = {
        golden_destination.render(golden_postback(consent=dict.fromkeys(ADVERTISING, state), person=person))
        for state in ("granted", "denied")
    }
    assert len(told) == 2


@given(reply=replies)
@SHARED
def test_every_reply_gets_one_verdict_per_element(
    golden_destination: Destination, golden_postback: MakePostback, reply: Reply
) -> None:
    element = element_of(golden_destination, golden_postback())
    (verdict,) = golden_destination.read(reply, [element])
    assert verdict.reading in Reading
    assert 0 < len(verdict.reason) <= 60


@given(status=st.sampled_from([500, 502, 504, 520]), body=bodies)
@SHARED
def test_a_server_error_is_never_taken_for_an_answer(
    golden_destination: Destination, golden_postback: MakePostback, status: int, body: bytes
) -> None:
    element = element_of(golden_destination, golden_postback())
    (verdict,) = golden_destination.read(Reply(status, {}, body), [element])
    assert verdict.reading is Reading.UNKNOWN


@pytest.mark.parametrize("folder", DESCRIBED, ids=lambda folder: str(folder.name))
@pytest.mark.parametrize(
    ("currency", "value", "written"),
    [("EUR", "1234.5", "1234.50"), ("JPY", "1200", "1200"), ("KWD", "0.1", "0.100"), ("EUR", "1E+2", "100.00")],
)
def test_money_has_exactly_the_digits_of_its_currency(
    folder: Path, make_postback: MakePostback, currency: str, value: str, written: str
) -> None:
    text = golden_destination_of(folder).render(make_postback(value=Decimal(value), currency=currency))
    assert written in text
    assert written + "0" not in text


@pytest.mark.parametrize(
    ("currency", "value"), [("EUR", "0.001"), ("JPY", "0.5"), ("XAU", "1"), ("ABC", "1"), ("", "1"), ("EUR", "NaN")]
)
def test_money_that_cannot_be_written_is_refused(
    golden_destination: Destination, golden_postback: MakePostback, currency: str, value: str
) -> None:
    with pytest.raises(DestinationError):
        golden_destination.render(golden_postback(value=Decimal(value), currency=currency))


def tells_transactions(destination: Destination, make: MakePostback) -> bool:
    """Whether the transaction's id leaves: some trackers know nothing but the click."""
    one, other = (make(transaction_id=each, conversion_key=f"purchase:{each}") for each in ("o-1", "o-2"))
    return destination.render(one) != destination.render(other)


def test_half_a_character_is_refused_and_not_shown(
    golden_destination: Destination, golden_postback: MakePostback
) -> None:
    if not tells_transactions(golden_destination, golden_postback):
        return
    with pytest.raises(DestinationError, match="half a character") as refusal:
        golden_destination.render(golden_postback(transaction_id="o-\ud800-7", conversion_key="purchase:o-\ud800-7"))
    assert "o-" not in str(refusal.value)


def test_an_endless_value_is_refused(golden_destination: Destination, golden_postback: MakePostback) -> None:
    if not tells_transactions(golden_destination, golden_postback):
        return
    with pytest.raises(DestinationError, match="longer than"):
        golden_destination.render(
            golden_postback(transaction_id="o" * 70_000, conversion_key="purchase:" + "o" * 70_000)
        )


def test_every_kind_is_either_rendered_or_declared_impossible(
    golden_destination: Destination, golden_postback: MakePostback
) -> None:
    for kind in Kind:
        if golden_destination.capabilities.adjusts(kind):
            assert golden_destination.render(golden_postback(kind))
        else:
            with pytest.raises(DestinationError, match=kind.value):
                golden_destination.render(golden_postback(kind))


def test_an_element_of_another_time_is_refused_rather_than_sent_elsewhere(
    golden_destination: Destination, golden_postback: MakePostback
) -> None:
    element = element_of(golden_destination, golden_postback())
    moved = element._replace(text=element.text.replace("example", "attacker"))
    try:
        request = golden_destination.request([moved], secrets=secrets_of(golden_destination), sent_at=NOW)
    except DestinationError:
        return
    check_request(request, golden_destination)
    assert "attacker" not in request.url
