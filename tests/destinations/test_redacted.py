"""Of every receiver's request people see nothing of the person: no value, no hash of one, no identifier."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from hashlib import md5, sha1, sha256
from pathlib import Path

import pytest

from postback_pipeline.destinations.base import Destination
from postback_pipeline.ledger import Peeked, Story
from postback_pipeline.model import Kind, Postback, State
from postback_pipeline.settings import DestinationSettings
from postback_pipeline.story.redaction import Redacted, redacted_request
from tests.destinations.samples import GOLDEN, case_changes, golden_destination_of, postback_of

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def story_of(postback: Postback) -> Story:
    facts = postback.facts
    return Story(
        postback_id=1,
        destination=postback.destination,
        conversion_key=postback.conversion_key,
        event_name=postback.event_name,
        revision=postback.revision,
        kind=postback.kind,
        value=postback.value,
        previous_value=postback.previous_value,
        currency=postback.currency,
        reason_code="eligible",
        receiver_event=facts.receiver_event,
        event_id=facts.event_id,
        transaction_id=facts.transaction_id,
        action_at=facts.action_at,
        event_time=facts.event_time,
        click_id=facts.click_id,
        clicked_at=facts.clicked_at,
        identifiers=tuple(facts.identifiers),
        definition_version=facts.definition_version,
        exchange_rate=facts.exchange_rate,
        state=State.PENDING,
        reason=None,
        created_at=NOW,
        changed_at=NOW,
        due_at=NOW,
        expires_at=None,
        element_hash="",
        element_erased=False,
        attempts=(),
        history=(),
    )


def redacted(folder: Path, destination: Destination, postback: Postback) -> Redacted:
    settings = DestinationSettings(**tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8")))
    frozen = Peeked(1, postback.kind, postback.key, destination.render(postback))
    return redacted_request(destination, settings, story_of(postback), frozen, NOW)


def forms(value: str) -> set[str]:
    """A value as it may stand in a request: written as it came or evenly, in clear or hashed."""
    written = {value, value.strip(), value.strip().lower(), "".join(filter(str.isdigit, value))}
    written |= {f"+{each}" for each in written if each.isdigit()}
    digests = {make(each.encode()).hexdigest() for each in written for make in (sha256, sha1, md5)}
    # Of short values every text holds some by chance.
    return {each for each in written if len(each) > 3} | digests


@pytest.mark.parametrize("folder", sorted(GOLDEN.iterdir()), ids=lambda folder: folder.name)
def test_nothing_of_the_person_is_shown(folder: Path) -> None:
    destination = golden_destination_of(folder)
    changes = case_changes(folder, "conversion")
    # Not the address of the conversion that nobody made, which may be shown.
    person = {**postback_of(Kind.CONVERSION, **changes).person, "ip": "198.51.100.23"}
    postback = postback_of(Kind.CONVERSION, **{**changes, "person": person})
    made = redacted(folder, destination, postback)
    text = "\n".join([made.line, *(value for _, value in made.headers), made.body])
    shown = {
        name
        for name, value in {**postback.person, **postback.facts.identifiers}.items()
        if any(form in text for form in forms(value))
    }
    assert not shown
    assert "[hidden, " in text


def test_an_identifier_that_is_no_number_to_compare_is_hidden() -> None:
    folder = GOLDEN / "url_template_get"
    destination = golden_destination_of(folder)
    given = case_changes(folder, "conversion").get("identifiers") or postback_of().facts.identifiers
    postback = postback_of(
        Kind.CONVERSION, **{**case_changes(folder, "conversion"), "identifiers": dict.fromkeys(given, "sNaN")}
    )
    made = redacted(folder, destination, postback)
    assert "[hidden, 4 characters]" in made.line
    assert "sNaN" not in made.line
