"""The page and its JSON tell what was received, and nothing that was received can act in a browser."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from postback_pipeline.sandbox.tally import LAST

ATTACK = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


class Seen(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_json_has_counts_worth_and_the_newest_requests(network: Any) -> None:
    for revision, kind, value in ((1, "conversion", "20.00"), (2, "restatement", "12.50"), (2, "restatement", "12.50")):
        network.get(key=f"1.{revision}", transaction_id="1", kind=kind, value=value, currency="EUR")
    network.get(key="2.1", transaction_id="2", kind="conversion", value="30.00", currency="EUR")
    network.get(key="3.1", transaction_id="3", kind="conversion", value="5.00", currency="GBP")
    body = {"type": "conversion", "transaction_id": "1", "value": "20.00", "currency": "EUR", "event": "Purchase"}
    network.client.post("/crm/hook", json=body, headers={"webhook-id": "m"})
    assert network.received() == {
        "received": 5,
        "answers": {"accepted": 4, "duplicate": 1},
        "taken_twice": 0,
        "kinds": {"conversion": 3, "restatement": 1},
        "values": {"EUR": "42.50", "GBP": "5.00"},
    }
    assert network.received("crm")["kinds"] == {"conversion": 1}
    newest = network.client.get("/_received.json").json()["last"]
    assert [entry["answer"] for entry in newest] == [
        "accepted",
        "accepted",
        "accepted",
        "duplicate",
        "accepted",
        "accepted",
    ]


def test_a_value_that_is_none_counts_as_received_only(network: Any) -> None:
    for number, value in enumerate(("NaN", "1e9999999", "1e-9999999", "twelve", "")):
        network.get(key=f"k{number}", transaction_id=str(number), value=value)
    network.get(key="good", transaction_id="good", value="1.00", currency="EUR")
    assert (network.received()["received"], network.received()["values"]) == (6, {"EUR": "1.00"})
    assert network.client.get("/").status_code == 200


def test_only_the_newest_requests_are_listed_but_all_are_counted(network: Any) -> None:
    network.answers(of=LAST + 5)
    listed = network.client.get("/_received.json").json()["last"]
    assert (len(listed), listed[0]["id"]) == (LAST, f"k{LAST + 4}")
    assert network.received()["received"] == LAST + 5


def test_the_page_shows_what_was_received(network: Any) -> None:
    assert "Nothing yet." in Seen(network.client.get("/").text).text
    network.get(key="1.1", transaction_id="order-1", kind="conversion", value="1234.50", currency="EUR")
    text = Seen(network.client.get("/").text).text
    assert all(part in text for part in ("google", "1,234.50 EUR", "order-1", "accepted", "1 requests received"))


def test_nothing_that_was_received_can_act_in_a_browser(network: Any) -> None:
    network.get(key="harmless", transaction_id="1", kind="conversion", value="1.00", currency="EUR")
    harmless = Seen(network.client.get("/").text)
    fields = ("key", "transaction_id", "kind", "value", "currency", "gclid")
    network.get("/google/" + ATTACK, **dict.fromkeys(fields, ATTACK))
    network.get("/google/c", transaction_id="2", value="1.00", currency=ATTACK, kind=ATTACK)
    network.client.get("/%3Cscript%3Ealert(1)%3C%2Fscript%3E/c?value=1")
    network.client.post("/crm/hook", json={ATTACK: ATTACK, "data": {"value": ATTACK}})
    network.client.request("X-METHOD", "/crm/hook", content=ATTACK.encode())
    reply = network.client.get("/")
    attacked = Seen(reply.text)
    assert (attacked.elements, attacked.attributes) == (harmless.elements, harmless.attributes)
    assert ATTACK in attacked.text
    assert reply.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_answers_and_json_are_never_taken_for_html(network: Any) -> None:
    answer = network.get(key=ATTACK)
    received = network.client.get("/_received.json")
    for reply in (answer, received):
        assert reply.headers["Content-Type"].startswith("application/json")
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
