"""Rakuten: what its golden requests do not show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from postback_pipeline.destinations.base import DestinationError
from tests.destinations.conftest import Configure, MakePostback

TABLE = 'type = "rakuten"\nmode = "live"\nmerchant_id = "38275"\n'
CLICK = {"receiver_event": "ORDER", "identifiers": {"ran_site_id": "TnL5HPStwNw-rRjXzdJbuw6f0VkQxQ"}}


@pytest.mark.parametrize(
    ("value", "currency", "told"), [("129.9", "EUR", "12990"), ("7", "JPY", "7"), ("0.1", "KWD", "100")]
)
def test_amounts_are_whole_minor_units(
    value: str, currency: str, told: str, configure: Configure, make_postback: MakePostback
) -> None:
    fields = parse_qs(configure(TABLE).render(make_postback(**CLICK, value=Decimal(value), currency=currency)))
    assert fields["amtlist"] == [told]


def test_times_are_utc(configure: Configure, make_postback: MakePostback) -> None:
    arrived = datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=9)))
    fields = parse_qs(configure(TABLE).render(make_postback(**CLICK, clicked_at=arrived)))
    assert fields["land"] == ["20260301_1530"]
    assert arrived.astimezone(UTC).hour == 15


def test_a_name_that_would_be_two_lines_is_refused(configure: Configure, make_postback: MakePostback) -> None:
    with pytest.raises(DestinationError, match="separates lines"):
        configure(TABLE).render(make_postback(**{**CLICK, "receiver_event": "A|B"}))


@pytest.mark.parametrize("changes", [{"clicked_at": None}, {"identifiers": {}}])
def test_a_click_has_an_id_and_a_time(
    changes: dict[str, object], configure: Configure, make_postback: MakePostback
) -> None:
    with pytest.raises(DestinationError, match="ran_site_id, clicked_at"):
        configure(TABLE).render(make_postback(**{**CLICK, **changes}))
