"""URL templates: what a configuration may say, what values may do, what replies mean."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postback_pipeline.destinations.base import Destination, DestinationError, Element, Reading, Reply, SecretError
from postback_pipeline.destinations.macros import IDENTIFIERS, MACROS
from postback_pipeline.model import Kind, Postback

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
Configure = Callable[[str], Destination]
MakePostback = Callable[..., Postback]


def table(url: str = "https://t.example/p?id={key}", *, body: str | None = None, **options: str) -> str:
    """A settings table: options are TOML values as text."""
    lines = ['type = "url_template"']
    chosen = {"accepted_when": "{ status = [200] }", **options}
    if body is not None:
        chosen.setdefault("method", '"POST"')
    lines += [f"{name} = {value}" for name, value in chosen.items() if name != "content_type"]
    lines += ["[conversion]", f"url = {json.dumps(url)}"]
    if body is not None:
        lines.append(f"body = {json.dumps(body)}")
    if "content_type" in options:
        lines.append(f"content_type = {options['content_type']}")
    return "\n".join(lines)


JSON_TYPE = '"application/json"'


def refusal(configure: Configure, text: str) -> str:
    with pytest.raises(DestinationError) as error:
        configure(text)
    return str(error.value)


def rendered(destination: Destination, postback: Postback) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(destination.render(postback))
    return found


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://{subid}.example/p", "may not stand in the URL's scheme, host or port"),
        ("https://t.example:{subid}/p", "may not stand in the URL's scheme, host or port"),
        ("{kind}://t.example/p", "may not stand in the URL's scheme, host or port"),
        ("https://{secret:HOST}/p", "may not stand in the URL's scheme, host or port"),
        ("https://user:word@t.example/p", "must not hold a user name or password"),
        ("ftp://t.example/p", "must start with https://"),
        ("t.example/p?id={key}", "must start with https://"),
        ("https:///p", "must start with https://"),
        ("https://münchen.example/p", "plain ASCII"),
        ("https://t.example/p?id={key}#x", "'#'"),
        ("https://t.example/p?name=a b", "percent-encoded"),
        ("https://t.example/p?q=%zz", "percent-encoded"),
        ("https://t.example/p?q={7*7}", "percent-encoded"),
        ("https://t.example/p?q={{key}}", "percent-encoded"),
        ("https://t.example/p?{event}=1", "not in its name"),
        ("https://t.example/a/../p?id={key}", "another path"),
        ("https://t.example/p?id={order}", "{order} is no macro"),
        ("https://t.example/p?c={consent:marketing}", "{consent:marketing} is no macro"),
        ("https://t.example/p?id={secret:KEY?}", "is no macro"),
    ],
)
def test_a_url_that_a_value_could_bend_is_refused(configure: Configure, url: str, complaint: str) -> None:
    found = refusal(configure, table(url))
    assert found.startswith("destinations.partner: conversion: ")
    assert complaint in found


def test_an_unknown_macro_is_answered_with_all_known_ones(configure: Configure) -> None:
    found = refusal(configure, table("https://t.example/p?id={Gclid}"))
    assert [name for name in MACROS if name not in found] == []


@pytest.mark.parametrize(
    ("body", "content_type", "complaint"),
    [
        ("{gclid}=1", '"application/x-www-form-urlencoded"', "not in its name"),
        ("a b={gclid}", '"application/x-www-form-urlencoded"', "percent-encoded"),
        ('{"id": {gclid}}', JSON_TYPE, "inside quotes"),
        ('{"was": {previous_value?}}', JSON_TYPE, "inside quotes"),
        ('{"{event}": 1}', JSON_TYPE, "not in a key"),
        ('{"{secret:KEY}": 1}', JSON_TYPE, "not in a key"),
        ('"{gclid}"', JSON_TYPE, "an object or a list"),
        ("<xml/>", JSON_TYPE, "is no JSON"),
        ("<id>{gclid}</id>", '"text/xml"', "content_type"),
    ],
)
def test_a_body_that_a_value_could_bend_is_refused(
    configure: Configure, body: str, content_type: str, complaint: str
) -> None:
    assert complaint in refusal(configure, table(body=body, content_type=content_type))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"accepted_when": "{ body_regex = '(' }"}, "accepted_when.body_regex"),
        ({"accepted_when": "{ status = [20] }"}, "accepted_when.status"),
        ({"method": '"PUT"'}, "method"),
        ({"headers": '{ Host = "x" }'}, "headers.Host"),
        ({"headers": '{ X-Id = "{gclid}" }'}, "headers.X-Id"),
        ({"headers": '{ "X Id" = "a" }'}, "headers.X Id"),
        ({"headers": '{ X-Id = "a\\nb" }'}, "headers.X-Id"),
        ({"reinstatement": "true"}, "reinstatement needs a [restatement] table"),
        ({"dedup_window_hours": "0"}, "dedup_window_hours"),
    ],
)
def test_a_wrong_option_is_named(configure: Configure, options: dict[str, str], complaint: str) -> None:
    assert complaint in refusal(configure, table(**options))


def test_acceptance_must_be_described(configure: Configure) -> None:
    text = table().replace("accepted_when = { status = [200] }\n", "")
    assert "accepted_when: Field required" in refusal(configure, text)


def test_a_get_has_no_body(configure: Configure) -> None:
    assert 'set method = "POST"' in refusal(configure, table(body="id={key}", method='"GET"'))


def test_a_kind_without_a_table_is_a_missing_capability(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(table())
    can = destination.capabilities
    assert (can.restatement, can.retraction, can.reinstatement) == (False, False, False)
    with pytest.raises(DestinationError, match="cannot be told a retraction"):
        destination.render(make_postback(Kind.RETRACTION))


def test_capabilities_come_from_options(configure: Configure) -> None:
    text = table(deduplicates="true", dedup_window_hours="48", max_age_hours="0.5", adjustment_min_age_hours="24")
    can = configure(text + '\n[restatement]\nurl = "https://t.example/r?id={key}"').capabilities
    assert (can.deduplicates, can.restatement, can.retraction, can.adjusts_pixel) == (True, True, False, False)
    windows = (can.dedup_window, can.max_age, can.adjustment_min_age, can.adjustment_max_age)
    assert [None if window is None else window.total_seconds() / 3600 for window in windows] == [48, 0.5, 24, None]


def test_every_macro_has_its_value(configure: Configure, make_postback: MakePostback) -> None:
    consent = {"ad_user_data": "granted", "ad_personalization": "denied", "analytics": "unknown"}
    identifiers = {name: f"{name} value" for name in IDENTIFIERS}
    postback = make_postback(Kind.RESTATEMENT, identifiers=identifiers, consent=consent)
    assert postback.kind is Kind.RESTATEMENT
    query = "&".join(f"p{number}={{{name}}}" for number, name in enumerate(MACROS))
    text = table(f"https://t.example/p?{query}") + f'\n[restatement]\nurl = "https://t.example/r?{query}"'
    found = parse_qsl(urlsplit(rendered(configure(text), postback)["url"]).query, strict_parsing=True)
    values = dict(zip(MACROS, (value for _, value in found), strict=True))
    assert {name: values[name] for name in IDENTIFIERS} == dict(postback.facts.identifiers)
    assert {name: value for name, value in values.items() if name not in IDENTIFIERS} == {
        "conversion_key": "purchase:ORD/7 ü",
        "key": "purchase:ORD/7 ü.2",
        "revision": "2",
        "kind": "restatement",
        "transaction_id": "ORD/7 ü",
        "event": "Sale & Co",
        "event_name": "purchase",
        "event_id": "tag-7",
        "value": "99.95",
        "previous_value": "129.90",
        "delta": "-29.95",
        "currency": "EUR",
        "event_time": "2026-03-02T08:00:00Z",
        "event_time_unix": "1772438400",
        "event_time_ms": "1772438400000",
        "action_at": "2026-03-01T22:59:30.250000Z",
        "action_at_unix": "1772405970",
        "action_at_ms": "1772405970250",
        "clicked_at": "2026-03-01T20:00:00Z",
        "clicked_at_unix": "1772395200",
        "clicked_at_ms": "1772395200000",
        "click_id": "c-1",
        "identifier": "gclid value",
        "email_sha256": hashlib.sha256(b"ada@example.com").hexdigest(),
        "phone_sha256": hashlib.sha256(b"4930123456").hexdigest(),
        "ip": "2001:db8::1",
        "user_agent": "Mozilla/5.0 (X11)",
        "page_url": "https://shop.example/thanks?o=7&x=1#top",
        "consent:ad_user_data": "granted",
        "consent:ad_personalization": "denied",
        "consent:analytics": "unknown",
    }


def test_consent_has_no_value_where_the_route_does_not_ask(configure: Configure, make_postback: MakePostback) -> None:
    postback = make_postback(consent={"analytics": "granted"})
    optional = configure(table("https://t.example/p?a={consent:analytics}&u={consent:ad_user_data?}"))
    assert rendered(optional, postback)["url"] == "https://t.example/p?a=granted&u="
    with pytest.raises(DestinationError, match=r"\{consent:ad_user_data\} has no value for this conversion"):
        configure(table("https://t.example/p?u={consent:ad_user_data}")).render(postback)


def test_consent_may_stand_in_a_body(configure: Configure, make_postback: MakePostback) -> None:
    postback = make_postback(consent={"ad_user_data": "denied"})
    text = table(body='{"consent": {"ad_user_data": "{consent:ad_user_data}"}}', content_type=JSON_TYPE)
    assert json.loads(rendered(configure(text), postback)["body"]) == {"consent": {"ad_user_data": "denied"}}
    assert rendered(configure(table(body="u={consent:ad_user_data}")), postback)["body"] == "u=denied"


def test_an_identifier_of_ones_own_is_a_macro_too(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(table("https://t.example/p?id={identifier:house_id}"))
    found = rendered(destination, make_postback(identifiers={"house_id": "h/1"}))
    assert found["url"] == "https://t.example/p?id=h%2F1"


@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_arrives_as_the_one_value_of_its_parameter(
    configure: Configure, make_postback: MakePostback, value: str
) -> None:
    postback = make_postback(identifiers={"subid": value})
    query = rendered(configure(table("https://t.example/p?a={subid}&b={value}")), postback)["url"].partition("?")[2]
    form = rendered(configure(table(body="a={subid}&b={value}")), postback)["body"]
    body = rendered(configure(table(body='{"a": "{subid}", "b": "{value}"}', content_type=JSON_TYPE)), postback)["body"]
    expected = [("a", value), ("b", "129.90")]
    assert parse_qsl(query, strict_parsing=True) == parse_qsl(form, strict_parsing=True) == expected
    assert json.loads(body, object_pairs_hook=list) == expected


def test_a_missing_value_is_empty_only_where_that_is_allowed(configure: Configure, make_postback: MakePostback) -> None:
    postback = make_postback(event_id=None)
    assert rendered(configure(table("https://t.example/p?e={event_id?}")), postback)["url"].endswith("?e=")
    with pytest.raises(DestinationError, match=r"\{event_id\} has no value for this conversion"):
        configure(table("https://t.example/p?e={event_id}")).render(postback)


@pytest.mark.parametrize("value", ["..", ".", "%2e%2e"])
def test_a_value_cannot_climb_out_of_the_path(configure: Configure, make_postback: MakePostback, value: str) -> None:
    destination = configure(table("https://t.example/p/{subid}/done"))
    postback = make_postback(identifiers={"subid": value})
    if value.startswith("%"):
        assert rendered(destination, postback)["url"] == "https://t.example/p/%252e%252e/done"
    else:
        with pytest.raises(DestinationError, match="another path"):
            destination.render(postback)


def test_an_endless_value_is_refused(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="longer than 8000"):
        configure(table("https://t.example/p?id={subid}")).render(make_postback(identifiers={"subid": "x" * 8_000}))


def test_a_value_that_looks_like_a_secret_stays_a_value(configure: Configure, make_postback: MakePostback) -> None:
    forms = {
        "url": table("https://t.example/p?v={subid}&k={secret:KEY}"),
        "form": table(body="v={subid}&k={secret:KEY}"),
        "json": table(body='{"v": "{subid}", "k": "{secret:KEY}"}', content_type=JSON_TYPE),
    }
    postback = make_postback(identifiers={"subid": "{secret:KEY}"})
    seen = {}
    for name, text in forms.items():
        destination = configure(text)
        element = Element(postback.key, postback.kind, destination.render(postback))
        request = destination.request([element], secrets={"KEY": 'q"&\\{gclid}'}, sent_at=NOW)
        if name == "json":
            seen[name] = json.loads(request.body)
        else:
            sent = request.body.decode() if name == "form" else urlsplit(request.url).query
            seen[name] = dict(parse_qsl(sent, strict_parsing=True))
    assert seen == {name: {"v": "{secret:KEY}", "k": 'q"&\\{gclid}'} for name in forms}


def test_the_element_keeps_secrets_by_name(configure: Configure, make_postback: MakePostback) -> None:
    destination = configure(table("https://t.example/{secret:KEY}/p", headers='{ X-Token = "Bearer {secret:TOKEN}" }'))
    assert destination.secret_names == ("KEY", "TOKEN")
    assert rendered(destination, make_postback()) == {
        "method": "GET",
        "url": "https://t.example/{secret:KEY}/p",
        "body": None,
        "content_type": None,
    }
    element = Element("k", Kind.CONVERSION, destination.render(make_postback()))
    request = destination.request([element], secrets={"KEY": "a/b", "TOKEN": "t"}, sent_at=NOW)
    assert (request.url, dict(request.headers)) == ("https://t.example/a%2Fb/p", {"X-Token": "Bearer t"})


def test_a_secret_that_no_header_can_carry_is_the_set_ups_fault(
    configure: Configure, make_postback: MakePostback
) -> None:
    destination = configure(table(headers='{ X-Token = "{secret:TOKEN}" }'))
    element = Element("k", Kind.CONVERSION, destination.render(make_postback()))
    for value in ("a\r\nX-Evil: 1", "schlüssel"):
        with pytest.raises(SecretError) as refused:
            destination.request([element], secrets={"TOKEN": value}, sent_at=NOW)
        assert value not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"method":"GET","url":"https://other.example/","body":null,"content_type":null}']
)
def test_a_stored_element_that_is_not_ours_is_refused(configure: Configure, text: str) -> None:
    with pytest.raises(DestinationError):
        configure(table()).request([Element("k", Kind.CONVERSION, text)], secrets={}, sent_at=NOW)


RULES = {
    "accepted_when": "{ status = [200], json = { status = 'ok' } }",
    "duplicate_when": "{ body_regex = 'already' }",
    "rejected_when": "{ status = [200, 400], json = { 'errors.0.fatal' = true } }",
    "retry_when": "{ status = [429, 503, 529] }",
    "pause_when": "{ status = [401], body_regex = 'token' }",
}


@pytest.mark.parametrize(
    ("status", "body", "reading"),
    [
        (200, b'{"status": "ok"}', Reading.ACCEPTED),
        (201, b'{"status": "ok"}', Reading.UNKNOWN),
        (200, b'{"status": "OK"}', Reading.UNKNOWN),
        (200, b'{"status": ["ok"]}', Reading.UNKNOWN),
        (200, b'{"status": "ok", "status": "failed"}', Reading.UNKNOWN),
        (200, b'{"status": "ok"', Reading.UNKNOWN),
        (200, b'\xef\xbb\xbf{"status": "ok"}', Reading.UNKNOWN),
        (200, '{"status": "ok"}'.encode("utf-16"), Reading.UNKNOWN),
        (200, b'{"status": "ok", "x": NaN}', Reading.UNKNOWN),
        (200, b"", Reading.UNKNOWN),
        (200, b"<html>ok</html>", Reading.UNKNOWN),
        (409, b"already there", Reading.DUPLICATE),
        (200, b'{"errors": [{"fatal": true}]}', Reading.REJECTED),
        (200, b'{"errors": [{"fatal": 1}]}', Reading.UNKNOWN),
        (200, b'{"errors": []}', Reading.UNKNOWN),
        (200, b'{"status": "ok", "errors": [{"fatal": true}]}', Reading.REJECTED),
        (400, b'{"errors": [{"fatal": true}]}', Reading.REJECTED),
        (400, b"bad", Reading.UNKNOWN),
        (529, b'{"status": "ok"}', Reading.RETRY),
        (401, b"bad token", Reading.CONFIGURATION),
        (401, b"who?", Reading.UNKNOWN),
        (302, b"", Reading.UNKNOWN),
    ],
)
def test_a_reply_means_what_the_first_fitting_condition_says(
    configure: Configure, status: int, body: bytes, reading: Reading
) -> None:
    destination = configure(table(**RULES))
    (verdict,) = destination.read(Reply(status, {}, body), [Element("k", Kind.CONVERSION, "{}")])
    assert verdict.reading is reading


@pytest.mark.parametrize(
    ("status", "reading"),
    [
        (200, Reading.ACCEPTED),
        (204, Reading.ACCEPTED),
        (500, Reading.UNKNOWN),
        (404, Reading.UNKNOWN),
        (429, Reading.RETRY),
        (503, Reading.RETRY),
        (401, Reading.CONFIGURATION),
        (403, Reading.CONFIGURATION),
    ],
)
def test_by_default_an_acceptance_is_a_2xx_and_the_usual_statuses_hold(
    configure: Configure, status: int, reading: Reading
) -> None:
    destination = configure(table(accepted_when="{ body_regex = '^$' }"))
    (verdict,) = destination.read(Reply(status, {}, b""), [Element("k", Kind.CONVERSION, "{}")])
    assert verdict.reading is reading
