"""Slack's incoming webhooks, and what understands them: one text in Slack's own markup.

Belongs here: that text, and posting it. Does not belong here: which conditions are in it.
https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from postback_pipeline.alerting.condition import AlertError, Severity
from postback_pipeline.alerting.course import Item, News
from postback_pipeline.alerting.http_post import post
from postback_pipeline.alerting.message import Message, by_subject, headline, left_out, status_of
from postback_pipeline.settings.alerts import SlackChannel, require_safe_url

_SIGNS = {
    News.APPEARED: ":warning:",
    News.WORSE: ":warning:",
    News.LASTS: ":hourglass:",
    News.OVER: ":white_check_mark:",
}


async def send(message: Message, channel: SlackChannel, secrets: Mapping[str, str], deadline: float) -> None:
    """Posts it, within `deadline` seconds.

    Raises:
        AlertError: it was not taken, or nobody knows.
    """
    url = secrets[channel.url_env].strip()
    try:
        require_safe_url(url)
    except ValueError as error:
        raise AlertError(f"{channel.url_env}: {error}.") from None
    await post(url, orjson.dumps({"text": slack_text(message)}), {"Content-Type": "application/json"}, deadline)


def slack_text(message: Message) -> str:
    """The message in Slack's markup."""
    lines = [f"*{escaped(message.subject)}*"]
    for subject, items in by_subject(message.items):
        lines += ["", f"*{escaped(subject)}*"]
        for item in items:
            lines += _item(message, item)
    if more := left_out(message.items):
        lines += ["", more]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Nothing of it is a mention, a link or an entity."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _item(message: Message, item: Item) -> Iterator[str]:
    condition = item.held.condition
    urgent = condition.severity is Severity.URGENT and item.news is not News.OVER
    sign = ":rotating_light:" if urgent else _SIGNS[item.news]
    yield f"{sign} {escaped(headline(item))} ({status_of(item)})"
    if item.news is News.OVER:
        return
    yield f"> {escaped(condition.sentence)}"
    link = message.link_of(item)
    shown = f" · <{link}|Open in Dagster>" if link else ""
    # A backtick would end the code it stands in.
    yield f"> `{escaped(condition.act).replace('`', '')}`{shown}"
