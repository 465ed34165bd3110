"""Everflow: what its golden requests do not show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import DestinationError, Element
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "everflow"\nmode = "live"\ntracking_domain = "www.trk.example"\nnetwork_id = "123"\ncurrency = "USD"\n'
CLICK = {
    "receiver_event": "base",
    "currency": "USD",
    "identifiers": {"subid": "9c0534c99eb34b57bda16f92b6d5d3d4"},
}


def test_an_advertiser_without_a_token_tells_none(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(TABLE + 'verification_token_env = ""\n')
    assert destination.secret_names == ()
    element = Element("k", Kind.CONVERSION, destination.render(make_postback(**CLICK)))
    request = destination.request([element], secrets={}, sent_at=datetime.now(UTC))
    assert request.url.startswith("https://www.trk.example/?nid=123&transaction_id=9c05")
    assert "verification_token" not in request.url


def test_another_currency_than_the_offer_s_is_refused(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="The offer's currency is USD"):
        configure(TABLE).render(make_postback(**{**CLICK, "currency": "EUR"}))


@pytest.mark.parametrize(
    "changes", [{"receiver_event": "Sale"}, {"identifiers": {}}, {"identifiers": {"subid": "{transaction_id}"}}]
)
def test_an_event_and_a_click_are_of_the_network_s_forms(
    changes: dict[str, object], configure: Configure, make_postback: MakePostback
) -> None:
    with pytest.raises(DestinationError, match=r"id of an event|transaction id of the click"):
        configure(TABLE).render(make_postback(**{**CLICK, **changes}))


def test_the_host_is_a_host(configure: Configure) -> None:
    with pytest.raises(DestinationError, match="The host of the network's postback URL"):
        configure(TABLE.replace("www.trk.example", "https://www.trk.example/?nid=123"))
