"""PyPI `facebook_business`: events and their request as the package's own examples make them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from facebook_business.adobjects.serverside.action_source import ActionSource
from facebook_business.adobjects.serverside.custom_data import CustomData
from facebook_business.adobjects.serverside.event import Event
from facebook_business.adobjects.serverside.event_request import EventRequest
from facebook_business.adobjects.serverside.user_data import UserData

from benchmarks.render.shop import Order

BATCH = 1_000


def body(batch: Sequence[Order]) -> str:
    """What it would post, as JSON."""
    return json.dumps(EventRequest(pixel_id="1", events=[_event(order) for order in batch]).get_params())


def _event(order: Order) -> Event:
    person = order.person
    return Event(
        event_name="Purchase",
        event_time=1_772_438_400,
        event_id=f"tag-{order.number}",
        event_source_url=person["page_url"],
        action_source=ActionSource.WEBSITE,
        user_data=UserData(
            email=person["email"],
            # It takes none as typed at home.
            phone=order.phone,
            first_name=person["first_name"],
            last_name=person["last_name"],
            city=person["city"],
            state=person["region"],
            zip_code=person["postal_code"],
            country_code=person["country"],
            client_ip_address=person["ip"],
            client_user_agent=person["user_agent"],
            fbc=f"fb.1.1772438400000.{order.click}",
            fbp="fb.1.1558571054389.1098115397",
        ),
        custom_data=CustomData(value=order.cents / 100, currency="EUR", order_id=f"ORD-{order.number}"),
    )
