"""Presets: filled in from a destination's table, overridden by it, refused in sentences."""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from postback_pipeline.destinations.base import DestinationError
from postback_pipeline.destinations.presets import presets, with_preset
from postback_pipeline.model import Kind
from postback_pipeline.settings import DestinationSettings
from tests.destinations.samples import GOLDEN, destination_of, golden_destination_of, postback_of

KEITARO = 'type = "url_template"\npreset = "keitaro"\n'
HOST = 'base_url = "https://track.example.com"\n'


def test_every_preset_has_golden_requests() -> None:
    shown = {tomllib.loads((folder / "settings.toml").read_text())["preset"] for folder in GOLDEN.glob("preset_*")}
    assert shown == presets().keys()


@pytest.mark.parametrize("name", presets())
def test_a_preset_says_where_it_is_from_what_is_unverified_and_how_it_is_used(name: str) -> None:
    head = presets()[name].text.partition("\n\n")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "Sources: " in head and "Unverified" in head and f'preset = "{name}"' in head
    assert not presets()[name].table.keys() & DestinationSettings.model_fields.keys()


@pytest.mark.parametrize("name", presets())
def test_a_file_copied_into_a_table_with_its_places_filled_needs_no_preset(name: str) -> None:
    folder = GOLDEN / f"preset_{name}"
    given = tomllib.loads((folder / "settings.toml").read_text())
    preset = presets()[name]
    values = {option: given.get(option, each.default) for option, each in preset.options.items()}
    text = re.sub(r"\{option:(\w+)\}", lambda place: str(values[place[1]]).rstrip("/"), preset.text)
    copied = tomllib.loads('type = "url_template"\nmode = "live"\n' + text)
    copied.pop("option")
    settings = DestinationSettings(**copied)
    assert settings.options == with_preset(
        "partner", {"preset": name} | {key: given[key] for key in given.keys() & values}
    )
    postback = postback_of()
    assert golden_destination_of(folder).render(postback) == destination_of(
        (folder / "settings.toml").read_text()
    ).render(postback)


def test_a_key_of_the_table_replaces_the_presets() -> None:
    table = (
        KEITARO
        + HOST
        + 'accepted_when = { body_regex = "^OK" }\nretry_when = { status = [418] }\nidentifier = "gclid"\n'
        '[restatement]\nurl = "https://track.example.com/{secret:K}/again?subid={subid}&payout={value}"\n'
    )
    destination = destination_of(table)
    assert destination.capabilities.restatement and destination.capabilities.deduplicates
    assert "subid=Cj0K_a-b.c&" in json.loads(destination.render(postback_of()))["url"]
    assert "/again?" in json.loads(destination.render(postback_of(Kind.RESTATEMENT)))["url"]
    assert destination.secret_names == ("K", "KEITARO_POSTBACK_KEY")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            KEITARO,
            "destinations.partner: base_url: is missing; preset keitaro needs it. Scheme and host of the tracker",
        ),
        (KEITARO + 'base_url = "track.example.com"', "base_url: has another form; preset keitaro needs it."),
        (KEITARO + 'base_url = "https://t.example/?a="', "base_url: has another form"),
        (KEITARO + 'base_url = "https://{subid}.example"', "base_url: has another form"),
        (KEITARO + HOST + 'postback_key_env = "a b"', "postback_key_env: has another form"),
        (KEITARO + "base_url = 7", "base_url: has another form"),
        (KEITARO + HOST + 'postback_key = "x"', "destinations.partner: postback_key"),
        ('type = "url_template"\npreset = "keitarro"', "preset: 'keitarro' is unknown. Known are bemob, binom,"),
        ('type = "webhook"\nurl = "https://a.example"\nsecret_env = "S"\npreset = "keitaro"', "preset"),
    ],
)
def test_a_mistake_is_a_sentence_that_names_preset_and_option(table: str, said: str) -> None:
    with pytest.raises(DestinationError) as refusal:
        destination_of(table)
    assert said in str(refusal.value)


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(DestinationError) as refusal:
        destination_of('type = "url_template"\npreset = "everflow_postback"')
    assert [line.split(": ")[1] for line in str(refusal.value).splitlines()] == ["base_url", "network_id"]
