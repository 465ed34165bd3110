"""`postback destinations`, `check`, `preview`, `sandbox`: what is configured, whether it is right, what would leave."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import duckdb
import pytest
from typer.testing import Result

from postback_pipeline.ledger import EnqueueReport, Ledger, LedgerIdentity
from postback_pipeline.model import Desired
from postback_pipeline.settings import Settings
from postback_pipeline.sources.build_context import check_ledger_identity
from postback_pipeline.sources.warehouse import create_raw_tables

Postback = Callable[..., Result]
SECRETS = {"PARTNER_TOKEN": "tokenvalue", "PARTNER_KEY": "keyvalue", "CRM_SECRET": "whsec_c2VjcmV0dmFsdWU="}


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every secret that the deployment names is set."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def publish(settings: Settings, identity: LedgerIdentity) -> None:
    """A published warehouse that remembers a ledger."""
    settings.published_path.parent.mkdir(parents=True)
    with duckdb.connect(settings.published_path) as connection:
        create_raw_tables(connection)
        check_ledger_identity(connection, identity)


def wrong(result: Result) -> list[str]:
    """The lines about what is wrong."""
    return [line for line in result.stdout.splitlines() if line.startswith("WRONG")]


def test_destinations_lists_types_and_what_is_configured(postback: Postback) -> None:
    found = json.loads(postback("destinations", "--json").stdout)

    assert {"url_template", "webhook"} <= found["types"].keys()
    partner, crm = found["configured"]
    assert (partner["name"], partner["type"], partner["mode"]) == ("partner", "url_template", "test")
    assert partner["origins"] == ["http://127.0.0.1:9"]
    assert (partner["kinds"], crm["kinds"]) == (["conversion"], ["conversion", "restatement", "retraction"])
    assert (partner["events"], crm["events"]) == (["purchase"], [])
    assert partner["secrets"] == {"PARTNER_KEY": False, "PARTNER_TOKEN": False}


def test_presets_are_listed_and_one_is_printed_as_it_is(postback: Postback) -> None:
    assert "preset" in postback("destinations").stdout
    assert json.loads(postback("destinations", "--json").stdout)["presets"]["keitaro"]["kinds"] == [
        *("conversion", "retraction")
    ]
    printed = postback("destinations", "keitaro").stdout
    assert printed.startswith("# Keitaro") and tomllib.loads(printed)["conversion"]["url"].endswith("{transaction_id}")
    assert json.loads(postback("destinations", "voluum", "--json").stdout)["kinds"] == ["conversion"]
    assert "presets bemob, binom" in postback("destinations", "keitarro").stderr.replace("\n", " ")


def test_destinations_are_listed_even_if_the_definitions_are_wrong(postback: Postback, deployment: Settings) -> None:
    (deployment.definitions_path / "routes.csv").unlink()

    result = postback("destinations")

    assert result.exit_code == 0
    assert "partner" in result.stdout
    assert "The definitions are wrong" in result.stderr


def test_wrong_options_of_all_destinations_are_sentences(postback: Postback, deployment: Settings) -> None:
    text = deployment.file.read_text()
    deployment.file.write_text(text.replace('type = "webhook"', 'type = "hook"').replace("{gclid}", "{glid}"))

    result = postback("destinations")

    assert result.exit_code == 1
    assert "destinations.partner: conversion: {glid} is no macro." in result.stderr
    assert "destinations.crm: type: 'hook' is unknown." in result.stderr


def test_check_finds_nothing_wrong_in_a_deployment_that_can_run(
    postback: Postback, secrets: None, sqlite_ledger: Ledger
) -> None:
    result = postback("check")

    assert [line for line in wrong(result) if "manifest.json" not in line] == []
    for subject in ("settings", "destinations", "definitions", "secrets", "source landing", "ledger", "warehouse"):
        assert re.search(rf"^ok +{subject} ", result.stdout, re.MULTILINE), subject
    assert not any(value in result.output for value in SECRETS.values())


def test_check_names_everything_that_is_wrong_at_once(postback: Postback, deployment: Settings) -> None:
    (deployment.definitions_path / "routes.csv").write_text(
        "destination,event_name,receiver_event,match_on,identifiers,lookback_days,consent_purposes\n"
        "nobody,purchase,sale,click,gclid,30,\n"
    )
    (deployment.home / "landing").rmdir()

    result = postback("check")

    assert result.exit_code == 1
    said = "\n".join(wrong(result))
    assert "routes.csv, row 2, column destination: 'nobody' is not a destination" in said
    for name in SECRETS:
        assert f"{name} for destination" in said
    assert "landing is missing" in said
    assert "There is no ledger at" in said


def test_check_stops_at_settings_that_cannot_be_read(postback: Postback, deployment: Settings) -> None:
    deployment.file.write_text("environment =")

    result = postback("check", "--json")

    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)
    assert finding["subject"] == "settings"
    assert finding["ok"] is False
    assert "this is not valid TOML" in finding["says"]


def test_check_refuses_a_ledger_of_another_environment(
    postback: Postback, deployment: Settings, sqlite_ledger: Ledger
) -> None:
    deployment.file.write_text(deployment.file.read_text().replace("staging", "production"))

    assert "belongs to environment staging, the settings say production" in "\n".join(wrong(postback("check")))


def test_check_refuses_a_ledger_that_is_not_the_warehouses(
    postback: Postback, deployment: Settings, sqlite_ledger: Ledger
) -> None:
    publish(deployment, LedgerIdentity("another", "staging", sqlite_ledger.identity.created_at))

    assert "The warehouse was built beside ledger another" in "\n".join(wrong(postback("check")))


def test_check_says_what_state_the_warehouse_is_in(
    postback: Postback, deployment: Settings, sqlite_ledger: Ledger
) -> None:
    publish(deployment, sqlite_ledger.identity)

    assert re.search(r"^ok +warehouse .*not built yet", postback("check").stdout, re.MULTILINE)

    deployment.published_path.write_bytes(b"no database")

    assert re.search(r"^WRONG +warehouse .*cannot be read", postback("check").stdout, re.MULTILINE)


def test_preview_shows_requests_without_secrets_and_personal_data(
    postback: Postback,
    secrets: None,
    ledger: Ledger,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
) -> None:
    enqueue(ledger, desired("4711"), desired("4712", "3"))

    result = postback("preview", "partner", "--json")

    first, second = json.loads(result.stdout)
    assert first["keys"] == ["purchase:4711.1"]
    assert first["method"] == "GET"
    hashed = hashlib.sha256(b"ann@example.com").hexdigest()
    assert first["url"] == (
        f"http://127.0.0.1:9/p?key={{secret:PARTNER_KEY}}&click=g-4711&value=10.50&currency=GBP&em={hashed}"
    )
    assert first["headers"]["X-Token"] == "{secret:PARTNER_TOKEN}"
    assert "value=3.00" in second["url"]
    assert not any(value in result.output for value in [*SECRETS.values(), "Example.com", "203.0.113.9", "S3CRET"])


def test_preview_does_not_need_the_secrets_and_shows_what_they_sign_as_computed(
    postback: Postback,
    sqlite_ledger: Ledger,
    deployment: Settings,
    enqueue: Callable[..., EnqueueReport],
    desired: Callable[..., Desired],
) -> None:
    enqueue(sqlite_ledger, desired("4711", destination="crm"))

    result = postback("preview")

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[:2] == ["# crm: purchase:4711.1", "POST http://127.0.0.1:9/crm"]
    assert "webhook-signature: {computed with secret:CRM_SECRET}" in lines
    assert '"transaction_id":"4711"' in result.stdout


def test_preview_leaves_the_ledger_as_it_was(
    postback: Postback, ledger: Ledger, enqueue: Callable[..., EnqueueReport], desired: Callable[..., Desired]
) -> None:
    enqueue(ledger, *(desired(str(order)) for order in range(5)))
    before = ledger.status().destinations

    result = postback("preview", "partner", "--limit", "2")

    assert result.stdout.count("# partner: ") == 2
    assert [each.states for each in ledger.status().destinations] == [each.states for each in before]
    assert all(not story.attempts for story in ledger.inspect("purchase:0"))


def test_preview_says_so_if_nothing_is_due_or_the_destination_is_unknown(
    postback: Postback, sqlite_ledger: Ledger
) -> None:
    assert postback("preview").stdout == "Nothing is due.\n"

    unknown = postback("preview", "nobody")

    assert unknown.exit_code == 1
    assert "'nobody' is not a destination of" in unknown.stderr
    assert "which has partner, crm." in unknown.stderr


def test_the_sandbox_receives_and_writes_down_until_it_is_stopped(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("postback")
    log = tmp_path / "received.jsonl"

    with subprocess.Popen(
        [program, "sandbox", "--port", "0", "--log", log], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        said = running.stdout.readline()
        url = said.split()[4]
        with urlopen(f"{url}/partner/postback?transaction_id=1&value=2&kind=conversion") as reply:
            assert reply.status == 200
        running.terminate()

    assert running.returncode == 0
    (received,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert received["query"] == {"transaction_id": "1", "value": "2", "kind": "conversion"}


def test_a_sandbox_behaviour_that_is_wrong_is_a_sentence(postback: Postback, tmp_path: Path) -> None:
    (tmp_path / "behaviour.toml").write_text("[default]\nreject_share = 2\n")

    result = postback("sandbox", "--port", "0", "--config-file", str(tmp_path / "behaviour.toml"))

    assert result.exit_code == 1
    assert "behaviour.toml: default.reject_share: " in result.stderr


def test_check_mentions_reports_and_the_secrets_that_they_need(postback: Postback, deployment: Settings) -> None:
    file = deployment.file
    report = '[reports.theirs]\ndestination = "partner"\nplatform = "meta"\naccounts = ["1234567890"]\n'
    file.write_text(file.read_text() + report)
    told = postback("check").stdout
    assert "Meta, 1234567890: the last 28 days of UTC, for partner, which is in mode test: nobody is asked" in told
    assert "META_REPORTS_ACCESS_TOKEN" not in told

    file.write_text(file.read_text() + 'base_url = "http://127.0.0.1:9"\n')
    assert "META_REPORTS_ACCESS_TOKEN for report theirs is not set" in "\n".join(wrong(postback("check")))

    file.write_text(file.read_text().replace('["1234567890"]', '["act_1"]'))
    assert "accounts: 'act_1' is not an ad account's id" in "\n".join(wrong(postback("check")))
