"""Which addresses a worker may connect to: loopback in test mode, the public internet in live mode.

Belongs here: the judgement of an address, and names: asked for once, judged before anything connects, kept for a
short while. Names come from the configuration, but what a name resolves to is not ours: a rebound name must not reach
this machine's neighbours.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Literal

Allowed = Literal["loopback", "public"]

#: Asks for a name's addresses, all of them, as text. Raises OSError where there are none.
Resolver = Callable[[str], Awaitable[Sequence[str]]]

#: So long an answer is used without asking again. Seconds.
KEEP_SECONDS = 30.0

#: Addresses that carry an IPv4 address to somewhere else: NAT64, and what 6to4 and Teredo wrap.
_TRANSLATED = tuple(IPv6Network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


class AddressRefused(OSError):
    """The target is outside of what the destination's mode may reach. The text shows neither name nor address."""


class NameNotResolved(OSError):
    """A name has no address, as far as the resolver knows now. The text does not show it."""


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
    # Addresses of a site were given up as a kind of their own, so they count as global; networks still use them.
    if isinstance(ip, IPv6Address) and (ip.is_site_local or any(ip in network for network in _TRANSLATED)):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class Names:
    """Addresses of host names: judged, kept for KEEP_SECONDS, and asked for once however many wait for them.

    Args:
        allowed: which addresses may be connected to.
        resolver: asked instead of the system; its answers are judged all the same.
    """

    def __init__(self, allowed: Allowed, resolver: Resolver | None = None) -> None:
        self._allowed: Allowed = allowed
        self._resolver = resolver or ask_the_system
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of a name or of a literal address, at least one.

        Raises:
            AddressRefused: any of them is out of bounds; the name is refused whole.
            NameNotResolved: there are none.
        """
        if is_literal(host):
            check_address(host, self._allowed)
            return (host,)
        kept_until, addresses = self._known.get(host, (0.0, ()))
        if time.monotonic() < kept_until:
            return addresses
        asking = self._asking.get(host)
        if asking is None:
            asking = self._asking[host] = asyncio.get_running_loop().create_task(self._ask(host))
            asking.add_done_callback(_seen)
        # Whoever gives up waiting leaves the question to the others.
        return await asyncio.shield(asking)

    def forget(self, host: str) -> None:
        """Asks anew next time: what was known led nowhere."""
        self._known.pop(host, None)

    def close(self) -> None:
        """Waits for no answer any more."""
        for asking in self._asking.values():
            asking.cancel()

    async def _ask(self, host: str) -> tuple[str, ...]:
        try:
            addresses = tuple(dict.fromkeys(await self._resolver(host)))
        except (OSError, UnicodeError) as error:
            raise NameNotResolved("not resolved") from error
        finally:
            del self._asking[host]
        if not addresses:
            raise NameNotResolved("not resolved")
        for address in addresses:
            check_address(address, self._allowed)
        self._known[host] = (time.monotonic() + KEEP_SECONDS, addresses)
        return addresses


def _seen(task: asyncio.Task[tuple[str, ...]]) -> None:
    """Nobody may be left who waits for an answer: its failure is no news then."""
    if not task.cancelled():
        task.exception()


async def ask_the_system(host: str) -> Sequence[str]:
    """The system's answer, asked in a thread of its own.

    A lookup cannot be cancelled, and may take minutes: in a pool of threads a few dead names would hold up all others,
    and at exit the interpreter would wait for them.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(addresses: Sequence[str], error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(addresses)

    def ask() -> None:
        addresses: list[str] = []
        error: Exception | None = None
        try:
            addresses = [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
        except Exception as failure:
            error = failure
        # A loop that is closed has nobody who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, addresses, error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    return await answer
