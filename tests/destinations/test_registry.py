"""The registry: what is configured is built, what is wrong is said in sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from postback_pipeline.destinations import DESTINATIONS, build_destinations
from postback_pipeline.settings import DestinationSettings, Settings, SettingsError

WEBHOOK = {"type": "webhook", "url": "https://crm.example/hook", "secret_env": "CRM_SECRET"}
TRACKER = {
    "type": "url_template",
    "accepted_when": {"status": [200]},
    "conversion": {"url": "https://tracker.example/?cid={click_id}"},
}


def settings(**destinations: dict[str, Any]) -> Settings:
    tables = {name: DestinationSettings(**table) for name, table in destinations.items()}
    return Settings(destinations=tables, file=Path("/etc/postbacks.toml"))


def mistakes(**destinations: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        build_destinations(settings(**destinations))
    return str(refusal.value).splitlines()


def test_destinations_are_built_by_name_in_the_order_of_the_settings() -> None:
    built = build_destinations(settings(zeta=TRACKER, alpha=WEBHOOK))
    assert [(name, each.name, each.type) for name, each in built.items()] == [
        ("zeta", "zeta", "url_template"),
        ("alpha", "alpha", "webhook"),
    ]


def test_the_registry_knows_each_type_by_its_own_word() -> None:
    assert {word: adapter.type for word, adapter in DESTINATIONS.items()} == {word: word for word in DESTINATIONS}


def test_an_unknown_type_is_answered_with_the_known_ones() -> None:
    (found,) = mistakes(crm={"type": "webhok"})
    assert found.startswith("/etc/postbacks.toml: destinations.crm: type: 'webhok' is unknown. Known are adjust, ")


def test_what_is_wrong_about_an_option_is_said_with_what_it_should_be_and_where_to_find_it() -> None:
    found = mistakes(meta={"type": "meta", "mode": "live", "pixel_id": "abc"})
    assert found == [
        "/etc/postbacks.toml: destinations.meta: pixel_id: String should match pattern '^[0-9]{5,20}$'."
        " The pixel's (dataset's) id, digits: Events Manager, Data sources, Settings."
    ]


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"])
def test_mode_test_reaches_a_sandbox_or_the_vendors_own_facility(base: str) -> None:
    pixel = {"type": "meta", "pixel_id": "1234567890"}
    (found,) = mistakes(meta=pixel)
    assert "destinations.meta: mode: test_event_code is not set" in found
    at = {
        name: build_destinations(settings(meta=pixel | more))["meta"].at_test_facility
        for name, more in {
            "sandbox": {"base_url": base},
            "facility": {"test_event_code": "TEST1"},
            "live": {"mode": "live"},
        }.items()
    }
    assert at == {"sandbox": False, "facility": True, "live": False}


def test_every_mistake_of_every_destination_is_named_at_once() -> None:
    found = mistakes(
        crm={**WEBHOOK, "secret_env": "not a name", "colour": "red"},
        tracker={**TRACKER, "accepted_when": {}},
        fine=WEBHOOK,
    )
    assert [line.partition(": String")[0].partition(": Extra")[0] for line in found] == [
        "/etc/postbacks.toml: destinations.crm: secret_env",
        "/etc/postbacks.toml: destinations.crm: colour",
        "/etc/postbacks.toml: destinations.tracker: accepted_when: give at least one of status, body_regex, json.",
    ]


@pytest.mark.parametrize("destination", [WEBHOOK, TRACKER])
def test_live_mode_sends_in_clear_only_if_told_to(destination: dict[str, Any]) -> None:
    plain = {**destination, "mode": "live"}
    if "url" in plain:
        plain["url"] = "http://crm.example/hook"
    else:
        plain["conversion"] = {"url": "http://tracker.example/?cid={click_id}"}
    (found,) = mistakes(x=plain)
    assert "mode live needs an https:// URL" in found
    assert build_destinations(settings(x={**plain, "allow_http": True})).keys() == {"x"}
    assert build_destinations(settings(x={**plain, "mode": "test"})).keys() == {"x"}
