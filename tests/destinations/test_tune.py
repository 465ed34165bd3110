"""TUNE: what its golden requests do not show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from postback_pipeline.destinations.base import DestinationError, Element
from postback_pipeline.model import Kind
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "tune"\nmode = "live"\nnetwork_id = "demo"\ncurrency = "EUR"\n'
OWN = TABLE + 'network_token_env = "NETWORK"\n'
CLICK = {"receiver_event": "base", "identifiers": {"subid": "1027c887059b47bc69c699f45466b9"}}


def test_without_the_network_s_token_nothing_is_taken_back(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(TABLE)
    assert not destination.capabilities.retraction
    assert destination.origins == ("https://demo.go2cloud.org",)
    with pytest.raises(DestinationError, match="cannot be told a retraction"):
        destination.render(make_postback(Kind.RETRACTION, **CLICK))


def test_each_of_the_two_hosts_gets_its_own_token_only(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(OWN)
    assert destination.origins == ("https://demo.go2cloud.org", "https://demo.api.hasoffers.com")
    urls = {}
    for kind in (Kind.CONVERSION, Kind.RETRACTION):
        element = Element("k", kind, destination.render(make_postback(kind, **CLICK)))
        secrets = {"TUNE_SECURITY_TOKEN": "ours", "NETWORK": "theirs"}
        urls[kind] = destination.request([element], secrets=secrets, sent_at=datetime.now(UTC)).url
    assert urls[Kind.CONVERSION].startswith("https://demo.go2cloud.org/aff_lsr?")
    assert urls[Kind.RETRACTION].startswith("https://demo.api.hasoffers.com/Apiv3/json?")
    assert ("theirs" in urls[Kind.CONVERSION], "ours" in urls[Kind.RETRACTION]) == (False, False)


def test_an_offer_without_a_token_gets_none(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(TABLE + 'security_token_env = ""\ntracking_domain = "trk.network.example"\n')
    assert destination.secret_names == ()
    element = Element("k", Kind.CONVERSION, destination.render(make_postback(**CLICK)))
    request = destination.request([element], secrets={}, sent_at=datetime.now(UTC))
    assert request.url.startswith("https://trk.network.example/aff_lsr?transaction_id=")
    assert "token" not in request.url


def test_another_currency_than_the_offer_s_is_refused(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="The offer's currency is EUR"):
        configure(TABLE).render(make_postback(**CLICK, currency="USD"))


@pytest.mark.parametrize(
    "changes", [{"receiver_event": "Sale"}, {"identifiers": {}}, {"identifiers": {"subid": "{tid}"}}]
)
def test_an_event_and_a_click_are_of_the_network_s_forms(
    changes: dict[str, object], configure: Configure, make_postback: MakePostback
) -> None:
    with pytest.raises(DestinationError, match=r"id of a goal|transaction id of the click"):
        configure(TABLE).render(make_postback(**{**CLICK, **changes}))
