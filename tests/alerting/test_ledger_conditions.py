"""What is wrong in a real ledger, as people are told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from postback_pipeline.alerting.condition import Condition
from postback_pipeline.alerting.ledger_conditions import KINDS, ledger_place
from postback_pipeline.ledger import Ledger, LedgerError, Result, Rules, create_ledger, open_ledger
from postback_pipeline.model import Desired, Facts, Outcome
from postback_pipeline.settings import Guard, Settings
from postback_pipeline.settings.alerts import ConditionKind

NOW = datetime.now(UTC)
RULES = Rules(restatement=True, retraction=True, reinstatement=True, adjusts_pixel=True, max_attempts=3)


@pytest.fixture(params=["sqlite", "postgres"])
def deployment(
    request: pytest.FixtureRequest, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Settings with an empty ledger on either database."""
    found = settings()
    if request.param == "postgres":
        monkeypatch.setenv("LEDGER_URL", request.getfixturevalue("postgres_database"))
        found = found.model_copy(update={"ledger": found.ledger.model_copy(update={"url_env": "LEDGER_URL"})})
    create_ledger(found.ledger_url(), found.environment)
    return found


@pytest.fixture
def ledger(deployment: Settings) -> Iterator[Ledger]:
    """The ledger, two hours ago."""
    past = NOW - timedelta(hours=2)
    with open_ledger(deployment.ledger_url(), deployment.environment, clock=lambda: past) as opened:
        yield opened


def desired(number: int, value: str = "10.00", **more: Any) -> Desired:
    acted = NOW - timedelta(hours=3)
    return Desired(
        destination="meta",
        conversion_key=f"purchase:{number}",
        event_name="purchase",
        desired_value=Decimal(value),
        currency="GBP",
        fingerprint=f"{value} GBP",
        computed_against=0,
        reason_code="eligible",
        facts=Facts("Purchase", None, str(number), acted, acted, f"secret-click-{number}", None, {"fbclid": "fb.9"}),
        person={"email": "ann@shop.example"},
        **more,
    )


def enqueue(ledger: Ledger, *rows: Desired, guard: Guard | None = None) -> None:
    ledger.enqueue("meta", rows, rules=RULES, render=lambda postback: postback.key, guard=guard or Guard())


def end(ledger: Ledger, outcome: Outcome, reason: str, **more: Any) -> None:
    claims = ledger.claim("meta", 100, lease_seconds=60, owner="w", rules=RULES)
    assert claims
    results = [Result(claim.postback_id, claim.token, outcome, ledger.now(), reason=reason, **more) for claim in claims]
    ledger.record(results, rules=RULES)


def look(deployment: Settings) -> dict[ConditionKind, Condition]:
    seen = ledger_place(deployment, NOW).look("")
    assert seen is not None
    return {each.kind: each for each in seen.conditions}


def test_a_ledger_at_rest_has_nothing_to_tell(deployment: Settings, ledger: Ledger) -> None:
    enqueue(ledger, desired(1))
    end(ledger, Outcome.ACCEPTED, "")
    assert look(deployment) == {}


def test_a_pause_says_why_and_how_it_ends(deployment: Settings, ledger: Ledger) -> None:
    ledger.pause("meta", actor="drain", reason="META_TOKEN was refused (401).", mark="1a")
    paused = look(deployment)[ConditionKind.PAUSED]
    assert paused.sentence == (
        "Nothing is sent to meta, paused by drain: META_TOKEN was refused (401)."
        " It goes on by itself once the secret that it names has changed."
    )
    assert paused.act == 'postback ledger resume meta --reason "..."'
    assert paused.since == NOW - timedelta(hours=2)
    ledger.pause("meta", actor="ann", reason="they moved")
    assert "by itself" not in look(deployment)[ConditionKind.PAUSED].sentence


def test_what_did_not_arrive_says_how_many_and_why(deployment: Settings, ledger: Ledger) -> None:
    for number, reason in enumerate(["too_old", "too_old", "no_click"]):
        enqueue(ledger, desired(number))
        end(ledger, Outcome.REJECTED, reason)
    enqueue(ledger, desired(7))
    end(ledger, Outcome.UNKNOWN, "cut off")
    enqueue(ledger, desired(8))
    end(ledger, Outcome.ACCEPTED, "", duplicate=True)
    enqueue(ledger, desired(9, expires_at=NOW - timedelta(hours=3)))
    ledger.sweep("meta", RULES)
    found = look(deployment)
    assert set(found) == {
        ConditionKind.REJECTED,
        ConditionKind.PARKED,
        ConditionKind.CONFLICT,
        ConditionKind.EXPIRED,
    }
    rejected = found[ConditionKind.REJECTED]
    assert rejected.sentence == "3 postbacks to meta were rejected in the last 24 h: 2 too_old, 1 no_click."
    assert rejected.figures == {"postbacks": 3, "reason no_click": 1, "reason too_old": 2}
    assert "replay --destination meta --state rejected" in rejected.act
    assert found[ConditionKind.PARKED].sentence.startswith("Of 1 postback to meta nobody but a person can tell")
    assert "1 postback a duplicate of something that we never sent" in found[ConditionKind.CONFLICT].sentence
    assert found[ConditionKind.EXPIRED].sentence.startswith("1 postback to meta was given up in the last 24 h")


def test_value_that_runs_out_of_time_says_how_much_and_when(deployment: Settings, ledger: Ledger) -> None:
    enqueue(ledger, desired(1, "1200.50", expires_at=NOW + timedelta(hours=6)), desired(2, expires_at=None))
    expiring = look(deployment)[ConditionKind.EXPIRING]
    assert expiring.sentence.startswith(
        "1 queued postback to meta, worth 1,200.50 GBP, expires soon, the first one in 6 h (at "
    )
    assert expiring.figures == {"postbacks": 1, "GBP": "1,200.50"}


def test_a_flood_names_the_approval_that_it_waits_for(deployment: Settings, ledger: Ledger) -> None:
    enqueue(ledger, desired(1), desired(2), guard=Guard(minimum=1))
    flood = look(deployment)[ConditionKind.FLOOD]
    (approval,) = ledger.status().approvals
    assert flood.key == f"flood:meta:{approval.id}"
    assert flood.act == f'postback plan; postback ledger approve {approval.id} --reason "..."'
    assert "2 postbacks for meta are more than the 1" in flood.sentence


def test_nothing_personal_is_told(deployment: Settings, ledger: Ledger) -> None:
    enqueue(ledger, desired(1, expires_at=NOW + timedelta(hours=1)))
    enqueue(ledger, desired(2))
    ledger.pause("meta", actor="ann", reason="a\nlong " + "reason " * 200)
    told = repr(look(deployment))
    for canary in ("ann@shop.example", "secret-click", "fb.9", "purchase:1"):
        assert canary not in told
    assert len(look(deployment)[ConditionKind.PAUSED].sentence) < 400


def test_a_ledger_that_cannot_be_used_raises_its_own_sentence(settings: Callable[..., Settings]) -> None:
    place = ledger_place(settings(), NOW)
    assert place.kinds == KINDS
    with pytest.raises(LedgerError, match="There is no ledger at"):
        place.look("")
