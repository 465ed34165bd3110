"""What a message says and how it is grouped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from postback_pipeline.alerting.condition import Condition, Severity
from postback_pipeline.alerting.course import Item, News
from postback_pipeline.alerting.memory import Held, Told
from postback_pipeline.alerting.message import MOST_ITEMS, Message, by_subject, plain_text
from postback_pipeline.alerting.slack import slack_text
from postback_pipeline.alerting.webhook import webhook_body
from postback_pipeline.settings.alerts import ConditionKind

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
Make = Callable[..., Condition]


def item(condition: Condition, news: News = News.APPEARED) -> Item:
    over_at = NOON if news is News.OVER else None
    return Item(news, Held(condition, NOON - timedelta(hours=2), NOON, over_at=over_at))


def message(*items: Item, ui_url: str | None = "http://dagster.example:3000/") -> Message:
    return Message("production", NOON, items, ui_url)


def test_a_text_says_what_since_when_what_to_do_and_where_to_look(condition: Make) -> None:
    text = plain_text(message(item(condition())))
    assert text.splitlines() == [
        "meta",
        "----",
        "meta: postbacks of unknown fate (since 2026-03-01 10:00 UTC)",
        "  Something is parked at meta.",
        "  Do:  postback ledger inspect --destination meta",
        "  See: http://dagster.example:3000/assets/delivery/sent",
    ]
    assert "See:" not in plain_text(message(item(condition()), ui_url=None))


def test_what_is_over_asks_for_nothing(condition: Make) -> None:
    text = plain_text(message(item(condition(), News.OVER)))
    assert "over: meta: postbacks of unknown fate (over: it held from 2026-03-01 10:00 UTC" in text
    assert "Do:" not in text


def test_messages_are_grouped_by_subject_the_worst_first(condition: Make) -> None:
    kind = ConditionKind
    items = (
        item(condition(kind.REJECTED, "adjust")),
        item(condition(kind.PARKED, "meta")),
        item(condition(kind.PAUSED, "meta", severity=Severity.URGENT)),
        item(condition(kind.PAUSED, "bing"), News.OVER),
    )
    grouped = [(subject, [each.held.condition.kind for each in group]) for subject, group in by_subject(items)]
    assert grouped == [
        ("meta", [kind.PAUSED, kind.PARKED]),
        ("adjust", [kind.REJECTED]),
        ("bing", [kind.PAUSED]),
    ]
    assert message(*items).subject == "[production] URGENT: meta: paused (+3 more)"


def test_a_flood_of_conditions_is_cut_in_texts_and_whole_for_machines(condition: Make) -> None:
    items = [item(condition(subject=f"d{number:03}")) for number in range(MOST_ITEMS + 12)]
    text, slack = plain_text(message(*items)), slack_text(message(*items))
    assert text.count("Do:") == MOST_ITEMS
    assert "And 12 more: postback alerts status" in text
    assert "And 12 more: postback alerts status" in slack
    assert len(webhook_body(message(*items))["alerts"]) == MOST_ITEMS + 12


def test_slack_takes_nothing_in_a_text_for_a_mention_a_link_or_code(condition: Make) -> None:
    text = slack_text(message(item(condition(sentence="<!channel> a & b", act="run `x` <y>"))))
    assert "&lt;!channel&gt; a &amp; b" in text
    assert "`run x &lt;y&gt;`" in text
    assert "<http://dagster.example:3000/assets/delivery/sent|Open in Dagster>" in text


def test_a_message_keeps_its_identity_until_it_arrived(condition: Make) -> None:
    first = message(item(condition()))
    assert first.identity == replace(first, at=NOON + timedelta(minutes=1)).identity
    # What other channels took meanwhile makes it no other message.
    others = replace(item(condition()).held, told={"team": Told(NOON, Severity.WARNING)})
    assert first.identity == message(Item(News.APPEARED, others)).identity
    known, again = (replace(item(condition(), News.LASTS), times=times) for times in (1, 2))
    identities = {first.identity, message(known).identity, message(again).identity, message().identity}
    assert len(identities) == 4
