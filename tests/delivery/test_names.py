"""Names and their addresses: asked for once, kept for a while, and no dead name holds up another. Matrix, row 9."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from postback_pipeline.delivery.addresses import AddressRefused, NameNotResolved, Names, Resolver, ask_the_system
from postback_pipeline.delivery.transport import WireTransport
from postback_pipeline.destinations.base import Request
from tests.delivery.raw_server import OK, SOON, OnLoop, answering, serving, within


class NameServer:
    """Answers in turn, after a while; notes every question."""

    def __init__(self, *answers: Sequence[str] | Exception, seconds: float = 0.0) -> None:
        self._answers = list(answers)
        self._seconds = seconds
        self.asked: list[str] = []

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        await asyncio.sleep(self._seconds)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_many_who_ask_at_once_ask_once_and_an_answer_is_kept(on_loop: OnLoop) -> None:
    server = NameServer(["1.1.1.1", "1.0.0.1", "1.1.1.1"], seconds=0.05)

    async def go() -> set[tuple[str, ...]]:
        names = Names("public", server)
        found = await asyncio.gather(*(names.addresses("t.example") for _ in range(20)))
        return {*found, await names.addresses("t.example")}

    assert on_loop(go()) == {("1.1.1.1", "1.0.0.1")}
    assert server.asked == ["t.example"]


def test_whoever_gives_up_waiting_leaves_the_answer_to_the_others(on_loop: OnLoop) -> None:
    server = NameServer(["1.1.1.1"], seconds=0.1)

    async def go() -> tuple[str, ...]:
        names = Names("public", server)
        impatient = asyncio.create_task(names.addresses("t.example"))
        patient = asyncio.create_task(names.addresses("t.example"))
        await asyncio.sleep(0.01)
        impatient.cancel()
        return await patient

    assert on_loop(go()) == ("1.1.1.1",)
    assert server.asked == ["t.example"]


@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("label too long"), []])
def test_row_09_no_answer_is_not_kept(on_loop: OnLoop, failure: Exception | list[str]) -> None:
    server = NameServer(failure, ["1.1.1.1"])

    async def go() -> tuple[str, ...]:
        names = Names("public", server)
        with pytest.raises(NameNotResolved):
            await names.addresses("t.example")
        return await names.addresses("t.example")

    assert on_loop(go()) == ("1.1.1.1",)


def test_row_09_a_name_that_came_to_point_here_is_refused(on_loop: OnLoop) -> None:
    server = NameServer(["1.1.1.1"], ["1.1.1.1", "127.0.0.1"])

    async def go() -> None:
        names = Names("public", server)
        await names.addresses("t.example")
        names.forget("t.example")
        with pytest.raises(AddressRefused):
            await names.addresses("t.example")

    on_loop(go())


def test_row_09_a_dead_name_holds_up_no_other(on_loop: OnLoop) -> None:
    async def resolve(host: str) -> Sequence[str]:
        if host.startswith("dead"):
            await asyncio.sleep(30)
        return ["127.0.0.1"]

    assert on_loop(dead_and_living(resolve)) == ["the deadline passed"] * 20 + [None]


async def dead_and_living(resolver: Resolver) -> list[str | None]:
    async with serving(answering(OK)) as server, WireTransport("loopback", resolver=resolver) as transport:
        hosts = [*(f"dead{number}.example" for number in range(20)), "t.example"]
        urls = [f"http://{host}:{server.port}/" for host in hosts]
        sending = (transport.send(Request("GET", url, {}), ends_at=within(SOON)) for url in urls)
        return [each.error for each in await asyncio.gather(*sending)]


def test_a_connection_that_failed_makes_the_name_be_asked_for_anew(on_loop: OnLoop) -> None:
    names = NameServer(["127.0.0.2"], ["127.0.0.1"])

    async def go() -> list[bool]:
        async with serving(answering(OK)) as server, WireTransport("loopback", resolver=names) as transport:
            sent = Request("GET", f"http://t.example:{server.port}/", {})
            return [(await transport.send(sent, ends_at=within(5))).reply is not None for _ in range(3)]

    assert on_loop(go()) == [False, True, True]
    assert len(names.asked) == 2


def test_the_system_knows_this_machine_and_not_every_name(on_loop: OnLoop) -> None:
    async def go() -> list[Sequence[str]]:
        found = await asyncio.gather(*(ask_the_system("localhost") for _ in range(50)))
        with pytest.raises(OSError, match=r".+"):
            await ask_the_system("nowhere.invalid")
        return found

    found = on_loop(go())
    assert {address for addresses in found for address in addresses} <= {"127.0.0.1", "::1"}
    assert all(found)
