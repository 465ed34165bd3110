"""What settings say about reports and about changes that people know of: names that lead somewhere, and only once."""

from __future__ import annotations

from pathlib import Path

import pytest

from postback_pipeline.settings import SettingsError, load_settings

DESTINATIONS = '[destinations.meta]\ntype = "meta"\n[destinations.other]\ntype = "meta"\n'
REPORT = '[reports.{name}]\ndestination = "{destination}"\nplatform = "meta"\naccounts = ["1234567890"]\n'
CHANGE = '[[anomalies.changes]]\nfrom = 2026-03-01\ndestination = "{destination}"\n'


def of(name: str, destination: str) -> str:
    return REPORT.format(name=name, destination=destination)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (of("one", "mta"), "reports.one.destination: 'mta' is no destination"),
        (of("one", "meta") + of("two", "meta"), "reports.two.destination: reports.one tells of meta already"),
        (
            CHANGE.format(destination="other") + CHANGE.format(destination="mta"),
            "anomalies.changes, 2: destination 'mta' is no destination",
        ),
    ],
)
def test_what_leads_nowhere_or_twice_to_one_place_is_a_sentence(tmp_path: Path, written: str, says: str) -> None:
    file = tmp_path / "postbacks.toml"
    file.write_text(DESTINATIONS + written)
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert says in str(caught.value)


def test_two_destinations_have_a_report_each(tmp_path: Path) -> None:
    file = tmp_path / "postbacks.toml"
    file.write_text(DESTINATIONS + of("one", "meta") + of("two", "other") + CHANGE.format(destination="other"))
    assert list(load_settings(file).reports) == ["one", "two"]
