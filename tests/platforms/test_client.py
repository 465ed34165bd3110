"""The client between an ask and its answer: pace, deadlines, and where credentials go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from postback_pipeline.platforms import client
from postback_pipeline.platforms.base import Ask, Conversation, PullError, Report
from postback_pipeline.platforms.client import Client
from postback_pipeline.platforms.reports import build_reports
from tests.platforms.vendor_server import Answer

Make = Callable[[str], Any]


def asks(*made: Ask) -> Conversation:
    """A conversation that asks these and is content with any answer."""
    for ask in made:
        assert (yield ask).status == 200
    return Report(())


def talk(shop: Any, *made: Ask, rate: float = 1_000.0, deadline: float = 5.0, attempts: int = 1) -> None:
    """Has that conversation with the platform of a deployment."""
    platform = build_reports(shop.settings)["theirs"].platform
    secrets = {"META_REPORTS_ACCESS_TOKEN": "meta-secret"}

    async def sleep(seconds: float) -> None:
        shop.slept.append(seconds)

    asyncio.run(Client(platform, secrets, rate, deadline, attempts, sleep).report(asks(*made)))


def about(shop: Any) -> Ask:
    """A request that the platform answers."""
    return Ask("GET", shop.vendor.golden.exchanges[0]["ask"]["url"])


def test_requests_keep_their_distance(pulling: Make) -> None:
    shop = pulling("meta")
    talk(shop, *[about(shop)] * 3, rate=0.01)
    # Nobody really waits here: the second would be 100 seconds after the first, the third 200.
    assert [round(seconds, -1) for seconds in shop.slept] == [100, 200]


def test_a_job_is_given_its_time(pulling: Make) -> None:
    shop = pulling("meta")
    talk(shop, Ask("GET", about(shop).url, after_seconds=15.0))
    assert 15.0 in shop.slept


def test_a_reply_that_does_not_end_is_given_up(pulling: Make) -> None:
    shop = pulling("meta")
    shop.vendor.instead = {0: Answer(200, late=1.0)}
    with pytest.raises(PullError, match=r"no whole reply within 0\.2 seconds"):
        talk(shop, about(shop), deadline=0.2)


def test_a_reply_that_has_no_end_is_not_read_to_it(pulling: Make) -> None:
    shop = pulling("meta")
    shop.vendor.instead = {0: Answer(200, body=b" " * (client.LONGEST_REPLY + 2))}
    with pytest.raises(PullError, match="longer reply than is read"):
        talk(shop, about(shop))


def test_redirects_are_not_followed(pulling: Make) -> None:
    shop = pulling("meta")
    shop.vendor.instead = {0: Answer(302, {"Location": f"{shop.vendor.url}/elsewhere"})}
    with pytest.raises(PullError, match="It answered HTTP 302"):
        talk(shop, about(shop))
    assert len(shop.vendor.received) == 1


@pytest.mark.parametrize("url", ["https://graph.facebook.com/x?y=1", "http://127.0.0.1:9/x?y=1"])
def test_credentials_go_to_the_platform_and_nowhere_else(pulling: Make, url: str) -> None:
    shop = pulling("meta")
    with pytest.raises(PullError, match="another host to be asked with our credentials"):
        talk(shop, Ask("GET", url))


def test_a_test_on_this_machine_asks_nobody_else(pulling: Make) -> None:
    shop = pulling("meta")
    with pytest.raises(PullError, match="an address that must not be asked"):
        talk(shop, Ask("GET", "https://example.com/file", with_credentials=False))


def test_a_platform_cannot_send_us_to_this_machine(pulling: Make) -> None:
    shop = pulling("meta")
    shop.more["base_url"] = "https://graph.facebook.com"
    for url in (f"{shop.vendor.url}/file", "http://example.com/file"):
        with pytest.raises(PullError, match="an address that must not be asked"):
            talk(shop, Ask("GET", url, with_credentials=False))
    assert shop.vendor.received == []


def test_an_address_that_is_a_secret_by_itself_is_asked_without_ours(pulling: Make) -> None:
    shop = pulling("meta")
    talk(shop, Ask("GET", f"{shop.vendor.url}{about(shop).url}", with_credentials=False))
    (wire,) = shop.vendor.received
    assert "access_token" not in wire.query


def test_a_secret_that_no_header_can_carry_is_named_and_not_shown(pulling: Make) -> None:
    shop = pulling("meta")
    platform = build_reports(shop.settings)["theirs"].platform
    with pytest.raises(PullError) as caught:
        asyncio.run(Client(platform, {"META_REPORTS_ACCESS_TOKEN": "gehéim"}, 1.0).report(asks(about(shop))))
    assert "META_REPORTS_ACCESS_TOKEN holds characters" in str(caught.value)
    assert "geh" not in repr(caught.value)
    assert shop.vendor.received == []
