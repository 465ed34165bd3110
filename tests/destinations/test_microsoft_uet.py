"""UET: what it can match by, and e-mail addresses in Microsoft's form."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from postback_pipeline.destinations.base import Destination, DestinationError
from postback_pipeline.destinations.person import Person, sha256_hex
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Postback

MakePostback = Callable[..., Postback]
Configure = Callable[..., Destination]
TABLE = 'type = "microsoft_uet"\nmode = "live"\ntag_id = "12345678"\nphone_country = "US"\n'


@pytest.mark.parametrize("msclkid", ["", "{msclkid}", "abc", "f894f652 ea334e739002f7167ab8f8e3"])
def test_a_click_id_that_looks_like_none_is_dropped(
    make_postback: MakePostback, configure: Configure, msclkid: str
) -> None:
    destination = configure(TABLE)
    rendered = destination.rendered(make_postback(identifiers={"msclkid": msclkid}))
    assert "msclkid" not in json.loads(rendered.text)["userData"]
    assert [dropped.name for dropped in rendered.dropped] == ["msclkid"] * bool(msclkid)
    with pytest.raises(DestinationError, match="matched"):
        destination.render(make_postback(identifiers={"msclkid": msclkid}, person={"ip": "2001:db8::1"}))


def test_addresses_and_numbers_are_hashed_in_microsofts_form(make_postback: MakePostback, configure: Configure) -> None:
    destination = configure(TABLE)
    assert isinstance(destination, Vendor)
    postback = make_postback(person={"email": " Jane.Doe+news@Acme.example", "phone": "(425) 555-0100"})
    user = json.loads(destination.element(postback, Person(postback.person)))["userData"]
    assert user == {"em": sha256_hex("janedoe@acme.example"), "ph": sha256_hex("14255550100")}


def test_granted_consent_is_told_and_unknown_is_not(make_postback: MakePostback, configure: Configure) -> None:
    destination = configure(TABLE)
    told = json.loads(destination.render(make_postback(consent={"ad_user_data": "granted"})))
    assert told["adStorageConsent"] == "G"
    assert "adStorageConsent" not in json.loads(destination.render(make_postback(consent={"ad_user_data": "unknown"})))
