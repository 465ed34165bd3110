"""Which addresses test mode and live mode may reach."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from postback_pipeline.delivery.addresses import AddressRefused, Allowed, Names, Resolver, check_address, is_literal

LOOPBACK = ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1"]
NEITHER = [
    *("0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "169.254.169.254", "192.0.2.1", "198.18.0.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *(
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
    ),
    *("64:ff9b::a9fe:a9fe", "64:ff9b::101:101", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
]


def knowing(*addresses: str) -> Resolver:
    """A name server that answers as told."""

    async def resolve(host: str) -> Sequence[str]:
        return addresses

    return resolve


def resolved(allowed: Allowed, *addresses: str) -> list[str]:
    return list(asyncio.run(Names(allowed, knowing(*addresses)).addresses("t.example")))


@pytest.mark.parametrize(("allowed", "addresses"), [("loopback", LOOPBACK), ("public", PUBLIC)])
def test_what_a_mode_may_reach_is_let_through(allowed: Allowed, addresses: list[str]) -> None:
    assert resolved(allowed, *addresses) == addresses
    for address in addresses:
        check_address(address, allowed)


@pytest.mark.parametrize("allowed", ["loopback", "public"])
@pytest.mark.parametrize("address", [*LOOPBACK, *PUBLIC, *NEITHER])
def test_everything_else_is_refused_by_name_and_as_a_literal(allowed: Allowed, address: str) -> None:
    if address in (LOOPBACK if allowed == "loopback" else PUBLIC):
        return
    with pytest.raises(AddressRefused) as refusal:
        resolved(allowed, address)
    assert address not in str(refusal.value)
    with pytest.raises(AddressRefused):
        check_address(address, allowed)


def test_one_address_out_of_bounds_refuses_the_whole_name() -> None:
    with pytest.raises(AddressRefused):
        resolved("public", "1.1.1.1", "10.0.0.1")


def test_a_name_is_no_literal() -> None:
    assert [host for host in (*LOOPBACK, *PUBLIC, *NEITHER) if not is_literal(host)] == []
    assert [host for host in ("t.example", "localhost", "127.1", "", "1.2.3.4.5") if is_literal(host)] == []
