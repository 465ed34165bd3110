"""Tells channels, all at once, and says of each how it went.

Belongs here: which function sends to which kind of channel; the variables that it needs. Does not belong here: the
functions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping

from postback_pipeline.alerting import slack, smtp, webhook
from postback_pipeline.alerting.condition import AlertError
from postback_pipeline.alerting.message import Message
from postback_pipeline.model import PostbackError
from postback_pipeline.settings.alerts import AnyChannel, EmailChannel, SlackChannel

#: Seconds, all of it; a sensor's tick has a minute.
DEADLINE = 10.0


def tell(
    messages: Mapping[str, Message],
    channels: Mapping[str, AnyChannel],
    environ: Mapping[str, str],
    *,
    deadline: float = DEADLINE,
) -> dict[str, str | None]:
    """Sends each channel its message; by channel, why it failed, or None. Takes as long as the slowest.

    Args:
        messages: by channel.
        channels: the settings, by channel.
        environ: where secrets are read, now.
        deadline: seconds that each may take.
    """

    async def all_of_them() -> list[str | None]:
        return await asyncio.gather(
            *(_told(message, channels[name], environ, deadline) for name, message in messages.items())
        )

    return dict(zip(messages, asyncio.run(all_of_them()), strict=True)) if messages else {}


async def _told(message: Message, channel: AnyChannel, environ: Mapping[str, str], deadline: float) -> str | None:
    try:
        await _send(message, channel, environ, deadline)
    except PostbackError as error:
        return str(error)
    except Exception as error:
        # A fault of one channel must not silence the others; its text may hold anything.
        return f"It failed with {type(error).__name__}."
    return None


def _send(message: Message, channel: AnyChannel, environ: Mapping[str, str], deadline: float) -> Awaitable[None]:
    if missing := [name for name in channel.variables if not environ.get(name)]:
        raise AlertError(f"The environment variable {missing[0]} is not set.")
    if isinstance(channel, SlackChannel):
        return slack.send(message, channel, environ, deadline)
    if isinstance(channel, EmailChannel):
        return smtp.send(message, channel, environ, deadline)
    return webhook.send(message, channel, environ, deadline)
