"""Taking a rejected batch apart: every postback gets its own verdict, and few requests find the ones to blame."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from postback_pipeline.delivery.parcels import Parcel, Stock, byte_length, parts, whole
from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.ledger import Claim
from postback_pipeline.model import Kind, State

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def claim(number: int, element: str = "{}", kind: Kind = Kind.CONVERSION) -> Claim:
    return Claim(
        postback_id=number,
        destination="lake",
        conversion_key=f"purchase:{number}",
        kind=kind,
        element=element,
        key=f"purchase:{number}.1",
        token=f"t-{number}",
        attempt=1,
        due_at=NOW,
        expires_at=None,
        lease_until=NOW,
        claimed_from=State.PENDING,
        owner="w",
    )


def sent_apart(rows: int, bad: set[int]) -> tuple[Counter[str], int]:
    """Verdicts by postback, and requests, of a receiver that rejects any batch with one of `bad` in it."""
    stock = Stock(Capabilities(batch_rows=rows, one_bad_fails_all=True))
    stock.add(claim(number) for number in range(rows))
    verdicts: Counter[str] = Counter()
    requests = 0
    while (parcel := stock.take(lambda _: False, [])) is not None:
        requests += 1
        refused = any(each.postback_id in bad for each in parcel.claims)
        if refused and len(parcel.claims) > 1:
            stock.put_first([*parts(parcel.claims), *whole(parcel.rest)])
            continue
        verdicts.update(f"{each.postback_id} {'no' if refused else 'yes'}" for each in parcel.claims)
        stock.put_first(whole(parcel.rest) if refused else parts(parcel.rest))
    return verdicts, requests


@given(rows=st.integers(1, 200), bad=st.sets(st.integers(0, 199)))
def test_every_postback_gets_exactly_its_own_verdict(rows: int, bad: set[int]) -> None:
    verdicts, requests = sent_apart(rows, bad)
    assert verdicts == Counter(f"{number} {'no' if number in bad else 'yes'}" for number in range(rows))
    assert requests <= 2 * rows


@given(rows=st.integers(2, 2_000), place=st.floats(0, 1, exclude_max=True))
def test_one_to_blame_costs_two_requests_per_halving_at_most(rows: int, place: float) -> None:
    _, requests = sent_apart(rows, {int(place * rows)})
    assert requests - 1 <= 2 * math.ceil(math.log2(rows))


def test_a_thousand_cost_twenty_at_most_wherever_it_stands() -> None:
    assert max(sent_apart(1_000, {bad})[1] for bad in range(1_000)) == 1 + 20


@given(sizes=st.lists(st.integers(0, 400), max_size=60), rows=st.integers(1, 10), most=st.integers(100, 1_000))
def test_parcels_keep_to_rows_and_bytes_and_lose_nothing(sizes: list[int], rows: int, most: int) -> None:
    stock = Stock(Capabilities(batch_rows=rows, batch_bytes=most))
    claims = [claim(number, "ü" * size) for number, size in enumerate(sizes)]
    stock.add(claims)
    taken: list[Claim] = []
    while (parcel := stock.take(lambda _: False, [])) is not None:
        size = sum(byte_length(each.element) for each in parcel.claims)
        assert len(parcel.claims) <= rows
        assert size <= most or len(parcel.claims) == 1
        taken += parcel.claims
    assert taken == claims


def test_what_is_too_late_is_set_aside_and_a_part_without_it_proves_nothing() -> None:
    stock = Stock(Capabilities(batch_rows=10))
    stock.add(claim(number) for number in range(4))
    late: list[Claim] = []
    parcel = stock.take(lambda each: each.postback_id == 2, late)
    assert parcel is not None
    assert [each.postback_id for each in parcel.claims] == [0, 1, 3]
    assert [each.postback_id for each in late] == [2]
    late.clear()
    stock.put_first([Parcel(parcel.claims[:2], parcel.claims[2:], bisecting=True)])
    assert stock.take(lambda each: each.postback_id == 0, late) is None
    assert stock.take(lambda _: False, []) == Parcel(parcel.claims[1:], bisecting=True)
    assert len(stock) == 0


def all_taken(stock: Stock) -> list[list[Claim]]:
    parcels = []
    while (parcel := stock.take(lambda _: False, [])) is not None:
        parcels.append(parcel.claims)
    return parcels


@given(kinds=st.lists(st.sampled_from(Kind), max_size=40), rows=st.integers(1, 7))
def test_where_kinds_travel_apart_each_waits_only_for_those_before_it(kinds: list[Kind], rows: int) -> None:
    stock = Stock(Capabilities(batch_rows=rows, mixes_kinds=False))
    claims = [claim(number, kind=kind) for number, kind in enumerate(kinds)]
    stock.add(claims)
    expected = stock.parcels(filled=False)
    waiting, parcels = list(claims), all_taken(stock)
    assert len(parcels) == expected == sum(math.ceil(count / rows) for count in Counter(kinds).values())
    for parcel in parcels:
        # The next one of all, and those of its kind in their order.
        assert parcel == [each for each in waiting if each.kind is waiting[0].kind][:rows]
        waiting = [each for each in waiting if each not in parcel]
    assert waiting == []


def test_what_is_late_decides_no_kind_and_what_was_skipped_comes_next() -> None:
    stock = Stock(Capabilities(batch_rows=10, mixes_kinds=False))
    kinds = [Kind.RETRACTION, Kind.CONVERSION, Kind.RETRACTION, Kind.CONVERSION]
    stock.add(claim(number, kind=kind) for number, kind in enumerate(kinds))
    late: list[Claim] = []
    parcel = stock.take(lambda each: each.postback_id == 0, late)
    assert parcel is not None
    assert [each.postback_id for each in (*late, *parcel.claims)] == [0, 1, 3]
    assert [[each.postback_id for each in claims] for claims in all_taken(stock)] == [[2]]


def test_of_kinds_that_travel_apart_none_is_filled_by_the_others() -> None:
    stock = Stock(Capabilities(batch_rows=2, mixes_kinds=False))
    stock.add([claim(0), claim(1, kind=Kind.RETRACTION)])
    assert (stock.parcels(filled=True), stock.parcels(filled=False)) == (0, 2)
    stock.add([claim(2)])
    assert (stock.parcels(filled=True), stock.parcels(filled=False)) == (1, 2)


def test_half_a_character_has_a_length_too() -> None:
    assert [byte_length(text) for text in ("a", "ü", "\ud800")] == [1, 2, 3]
