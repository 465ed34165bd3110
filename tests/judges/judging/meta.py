"""PyPI `facebook_business`: the requests that Meta's own Python SDK makes, and its normal forms.

It judges required names and times, that a time is an integer, the list of action sources, normal forms and hashes of
e-mail, phone, city, state, postal code and country. It does not judge milliseconds given as seconds, ages, a telephone
number without its country, punctuation in names, the hash of an external id; it writes currencies in lower case.
"""

from __future__ import annotations

import json
from typing import Any

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.normalize import Normalize
from facebook_business.adobjects.serverside.user_data import UserData


def field(case: dict[str, str]) -> Any:
    """The normal form of `value` as field `name`, before it is hashed."""
    return Normalize.normalize_field_skip_hashing(case["name"], case["value"])


def request(case: dict[str, Any]) -> Any:
    """The body for `events`, each its arguments to `Event` with `user_data` and `custom_data` as theirs.

    What else is in the case goes to `EventRequest`.
    """
    events = [_event(dict(each)) for each in case.pop("events")]
    body = EventRequest(pixel_id="1", events=events, **case).get_params()
    return {**body, "data": [json.loads(each) for each in body["data"]]}


def _event(arguments: dict[str, Any]) -> Event:
    if "user_data" in arguments:
        arguments["user_data"] = UserData(**arguments["user_data"])
    if "custom_data" in arguments:
        arguments["custom_data"] = CustomData(**arguments["custom_data"])
    if "action_source" in arguments:
        arguments["action_source"] = ActionSource(arguments["action_source"])
    return Event(**arguments)
