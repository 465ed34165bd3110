"""Which addresses a worker may connect to: loopback in test mode, the public internet in live mode.

Belongs here: the judgement of an address and the resolver that applies it before anything connects. Names come from
the configuration, but what a name resolves to is not ours: a rebound name must not reach this machine's neighbours.
"""

from __future__ import annotations

import socket
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Literal

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

Allowed = Literal["loopback", "public"]

#: Addresses that carry an IPv4 address to somewhere else: NAT64, and what 6to4 and Teredo wrap.
_TRANSLATED = tuple(IPv6Network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class AddressRefused(OSError):
    """The target is outside of what the destination's mode may reach. The text shows neither name nor address."""


def check_address(address: str, allowed: Allowed) -> None:
    """Passes for an address that may be connected to.

    Raises:
        AddressRefused: it may not. The text does not show it.
        ValueError: it is no address.
    """
    if not _is_allowed(address, allowed):
        raise AddressRefused(f"mode {'test' if allowed == 'loopback' else 'live'} reaches {allowed} addresses only")


@lru_cache(maxsize=256)
def is_literal(host: str) -> bool:
    """Whether a URL's host is an address itself."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=256)
def _is_allowed(address: str, allowed: Allowed) -> bool:
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback if allowed == "loopback" else _is_public(ip)


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address) and any(ip in network for network in _TRANSLATED):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class GuardedResolver(AbstractResolver):
    """Resolves a name and refuses it whole if any of its addresses is not allowed."""

    def __init__(self, allowed: Allowed, inner: AbstractResolver | None = None) -> None:
        self._allowed = allowed
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Addresses of a name; AddressRefused before anything connects to them."""
        found = await self._inner.resolve(host, port, family)
        for result in found:
            check_address(result["host"], self._allowed)
        return found

    async def close(self) -> None:
        """Closes the resolver it asks."""
        await self._inner.close()
