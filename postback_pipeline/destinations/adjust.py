"""Type `adjust`: Adjust, by its server-to-server events.

    [destinations.adjust]
    type = "adjust"
    app_token = "4w565xzmb54d"
    s2s_token_env = "ADJUST_S2S_TOKEN"

One event a request, of the installation whose `adjust_id` or `device_id` the record carries: name them in the route's
`identifiers`, and with `device_id_parameter` say what your device ids are. A route's `receiver_event` is the event's
token. No reversal is documented: they are `unsupported_reversal`. Adjust drops nothing by a key of ours: a request of
unknown fate waits for a person. An event that is unique in the dashboard counts once per installation: the next one is
rejected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from postback_pipeline.destinations.base import (
    Capabilities,
    DestinationError,
    Element,
    Reading,
    Reply,
    Request,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.credentials import credential
from postback_pipeline.destinations.json_body import json_of, json_text
from postback_pipeline.destinations.money import wire_amount
from postback_pipeline.destinations.options import VARIABLE
from postback_pipeline.destinations.person import Dropped, Person, version_4
from postback_pipeline.destinations.request_forms import percent
from postback_pipeline.destinations.times import unix_seconds
from postback_pipeline.destinations.vendor import Vendor, VendorOptions
from postback_pipeline.model import Postback

#: What Adjust says in `Event request failed (...)` -> its meaning and our word for it. dev.adjust.com/en/api/s2s-api.
#: What is not listed there is judged by its status.
ERRORS: dict[str, tuple[Reading, str]] = {
    "bad event state": (Reading.REJECTED, "bad event state"),
    "ignoring event, earlier unique event tracked": (Reading.REJECTED, "unique event tracked before"),
    "invalid callback parameters": (Reading.REJECTED, "invalid callback parameters"),
    "invalid revenue": (Reading.REJECTED, "invalid revenue"),
    "device not found": (Reading.REJECTED, "device not found"),
    "device is opted out": (Reading.REJECTED, "device is opted out"),
    "request size too large": (Reading.REJECTED, "request size too large"),
    "invalid app token": (Reading.CONFIGURATION, "invalid app token"),
    "invalid event token": (Reading.CONFIGURATION, "invalid event token"),
    "failed to authorize request": (Reading.CONFIGURATION, "failed to authorize"),
    "app is inactive": (Reading.CONFIGURATION, "app is inactive"),
    "tracking disabled": (Reading.CONFIGURATION, "tracking disabled"),
    "event token blocklisted": (Reading.CONFIGURATION, "event token blocklisted"),
    "app token not found": (Reading.CONFIGURATION, "app token not found"),
}
#: Unverified: taken for transport, dropped for its token; a body that says OK is not looked at.
DISCARDED = 202
#: Unverified: the parameter for Adjust's own id of a device. Others that report to Adjust use it; its page does not
#: list it among the identifiers.
OWN_ID = "adid"

_ERROR = re.compile(r"event request failed \(\s*(.{1,100}?)\s*\)")
_EVENT_TOKEN = re.compile(r"[A-Za-z0-9]{4,12}")

DeviceId = Literal["idfa", "idfv", "gps_adid", "fire_adid", "oaid", "android_id", "web_uuid"]


class AdjustOptions(VendorOptions):
    """The options of this type."""

    app_token: str = Field(
        pattern="^[A-Za-z0-9]{8,16}$",
        description="The app's token, 12 letters and digits, such as 4w565xzmb54d: AppView, the app's settings.",
    )
    s2s_token_env: str | None = Field(
        default="ADJUST_S2S_TOKEN",
        pattern=f"^({VARIABLE})?$",
        description="Variable with the token of S2S Security: AppView, the app, Protection, S2S Security."
        ' Set s2s_token_env = "" where it is off.',
    )
    device_id_parameter: DeviceId | None = Field(
        default=None,
        description="What the records' device_id is: idfa, idfv, gps_adid, fire_adid, oaid, android_id or web_uuid."
        " Without it device_id is not told.",
    )


class Adjust(Vendor):
    """Adjust, server-to-server events."""

    type = "adjust"
    home = "https://s2s.adjust.com"
    options_type = AdjustOptions
    options: AdjustOptions
    contract = Contract(
        title="Adjust",
        version="",
        documentation="https://dev.adjust.com/en/api/s2s-api/events/",
        proof="Status 200 with OK or with JSON that names no error: what failed has a status of its own.",
        event="The event's token, such as f0ob4r: AppView, the app, Events.",
        reversals="None is documented: what was reported stays, and is counted as unsupported_reversal.",
        consent="Adjust has no flag for it in an event: with ad_user_data denied no IP address is told.",
        testing="Mode test tells environment=sandbox: events show in the dashboard's sandbox data only.",
        identifiers={
            "adjust_id": "[0-9a-fA-F]{32}",
            "device_id": r"[A-Za-z0-9_.\-]{8,64}",
        },
        takes_person=("ip",),
        acceptance=lambda _, body: "OK",
        unverified=(
            "OWN_ID: the parameter adid.",
            "DISCARDED: that status 202 means a wrong token of S2S Security.",
            "Deduplication, the oldest event and negative revenue: none is used.",
        ),
    )
    can = Capabilities()

    @classmethod
    def untestable(cls, options: VendorOptions) -> str:
        """Never: the sandbox environment takes the same requests."""
        return ""

    def element(self, postback: Postback, person: Person) -> str:
        """The form, without its environment."""
        if not self.can.adjusts(postback.kind):
            raise DestinationError(f"Adjust cannot be told a {postback.kind.value}.")
        facts = postback.facts
        if not _EVENT_TOKEN.fullmatch(facts.receiver_event):
            raise DestinationError(f"{facts.receiver_event!r} is no event token of Adjust, such as f0ob4r.")
        form = {"s2s": "1", "app_token": self.options.app_token, "event_token": facts.receiver_event}
        own = self.identifier(facts, person, "adjust_id")
        if own:
            form[OWN_ID] = own
        parameter = self.options.device_id_parameter
        device = self._device(postback, person) if parameter else None
        if parameter and device:
            form[parameter] = device
        if not (own or device):
            raise DestinationError("Adjust needs an id of the installation or its device: adjust_id or device_id.")
        form["created_at_unix"] = str(unix_seconds(facts.event_time))
        form["revenue"] = wire_amount(postback.value, postback.currency)
        form["currency"] = postback.currency
        form["callback_params"] = json_text({"transaction_id": facts.transaction_id})
        denied = postback.consent.get("ad_user_data") == "denied"
        ip = None if denied else person.plain("ip", version_4)
        if ip:
            form["ip_address"] = ip
        return "&".join([f"{name}={percent(value)}" for name, value in form.items()])

    def _device(self, postback: Postback, person: Person) -> str | None:
        """The device's id; one of zeros only is nobody's: that of every person who denied tracking."""
        device = self.identifier(postback.facts, person, "device_id")
        if device and set(device) <= {"0", "-"}:
            person.dropped.append(Dropped("device_id", "malformed"))
            return None
        return device

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The form as it was frozen, with the environment; the token is a header."""
        (element,) = elements
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.options.s2s_token_env:
            headers["Authorization"] = f"Bearer {credential(secrets, self.options.s2s_token_env)}"
        environment = "sandbox" if self.at_test_facility else "production"
        body = f"{element.text}&environment={environment}"
        return Request("POST", f"{self.base}/event", headers, body.encode())

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """Taken or not, by Adjust's own words."""
        return [_reading(reply)] * len(elements)


def _reading(reply: Reply) -> Verdict:
    body = json_of(reply)
    said = body if isinstance(body, dict) else {}
    if reply.status == 200 and (reply.body.strip() == b"OK" or (said and "error" not in said)):
        return Verdict(Reading.ACCEPTED, "OK")
    error = said.get("error")
    found = _ERROR.search(error.lower()) if isinstance(error, str) else None
    known = ERRORS.get(found[1]) if found else None
    if known is not None and reply.status < 500:
        return Verdict(*known)
    if reply.status == DISCARDED or reply.status in (401, 403):
        return Verdict(Reading.CONFIGURATION, f"HTTP {reply.status}")
    if reply.status == 429:
        return Verdict(Reading.RETRY, "HTTP 429")
    if 400 <= reply.status < 500 and found:
        return Verdict(Reading.REJECTED, f"HTTP {reply.status}")
    return Verdict(Reading.UNKNOWN, f"HTTP {reply.status}")
