"""A message about a condition that was made up, to try a channel out.

Belongs here: that condition. Does not belong here: sending it (`telling`).
"""

from __future__ import annotations

from datetime import datetime

from postback_pipeline.alerting.condition import Condition
from postback_pipeline.alerting.course import Item, News
from postback_pipeline.alerting.memory import Held
from postback_pipeline.alerting.message import Message
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import ConditionKind


def sample_message(settings: Settings, now: datetime) -> Message:
    """What a channel is told when somebody tries it; says so. `now` is aware UTC."""
    condition = Condition(
        key="test",
        kind=ConditionKind.REJECTED,
        subject="example",
        sentence="This is a test of the channel: nothing is wrong. A real message says here what is the matter.",
        act="postback alerts status",
        link="/assets/delivery/sent",
        since=now,
        figures={"postbacks": 0},
    )
    item = Item(News.APPEARED, Held(condition, now, now))
    return Message(settings.environment, now, (item,), settings.alerts.ui_url, is_sample=True)
