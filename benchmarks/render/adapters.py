"""Our adapters: rendering postbacks, making full requests of them, reading replies that accept them all.

Belongs here: measuring one adapter as its folder of golden requests configures it. That folder has what a benchmark
would have to invent again: settings, identifiers in the receiver's form, and a receiver that answers as documented and
checks what it is sent. Does not belong here: telling it.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from benchmarks.render.shop import orders
from benchmarks.render.stages import quickest_us
from postback_pipeline.destinations import DESTINATIONS
from postback_pipeline.destinations.base import Destination, Element, Reading, Reply, Request
from postback_pipeline.destinations.oauth import ACCESS_TOKEN, Refusal
from postback_pipeline.destinations.vendor import Vendor
from postback_pipeline.model import Kind, Postback
from postback_pipeline.settings import DestinationSettings
from tests.delivery.receivers import Hit
from tests.destinations.contract_receiver import ContractReceiver, receiver_of
from tests.destinations.samples import GOLDEN, folder_changes, postback_of, secrets_of

#: Nothing is sent: adapters and receivers are called, not connected.
_LOOPBACK = "http://127.0.0.1:9"


class Unfit(Exception):
    """A figure would not be about accepted postbacks; the text says why."""


@dataclass(frozen=True)
class Figures:
    """CPU microseconds per postback of one adapter's three stages."""

    name: str
    batch: int
    render_us: float
    request_us: float
    read_us: float

    @property
    def us_per_postback(self) -> float:
        """All three."""
        return self.render_us + self.request_us + self.read_us

    @property
    def postbacks_per_s(self) -> float:
        """On one core."""
        return 1_000_000 / self.us_per_postback


def folders() -> dict[str, Path]:
    """Every adapter as it is configured somewhere: name of the folder of golden requests -> folder."""
    return {folder.name: folder for folder in sorted(GOLDEN.iterdir())}


def measure(folder: Path, rows: int, rounds: int) -> Figures:
    """The figures of one adapter.

    Raises:
        Unfit: the receiver found fault with a request, or a reply was not read as accepted.
    """
    destination = _destination(folder)
    postbacks = list(_postbacks(folder, rows))
    elements = [Element(each.key, each.kind, destination.render(each)) for each in postbacks]
    batches = list(_batches(destination, elements))
    now = datetime.now(UTC)
    receiver = receiver_of(folder) if (folder / "receiver.py").exists() else None
    secrets = secrets_of(destination) | _token(destination, receiver, now)
    replies = [
        _accepting(destination, destination.request(batch, secrets=secrets, sent_at=now), batch, receiver)
        for batch in batches
    ]

    def render() -> None:
        for postback in postbacks:
            destination.rendered(postback)

    def request() -> None:
        for batch in batches:
            destination.request(batch, secrets=secrets, sent_at=now)

    def read() -> None:
        for batch, reply in zip(batches, replies, strict=True):
            destination.read(reply, batch)

    times = [quickest_us(work, rows, rounds) for work in (render, request, read)]
    return Figures(folder.name, max(map(len, batches)), *times)


def _destination(folder: Path) -> Destination:
    """The folder's own, towards its receiver as if that ran on loopback."""
    table = tomllib.loads((folder / "settings.toml").read_text(encoding="utf-8"))
    adapter = DESTINATIONS[table["type"]]
    if issubclass(adapter, Vendor):
        table |= {"mode": "test", "base_url": _LOOPBACK}
        if "token_url" in adapter.options_type.model_fields:
            table["token_url"] = f"{_LOOPBACK}/token"
    return adapter.from_settings("partner", DestinationSettings(**table))


def _postbacks(folder: Path, rows: int) -> Iterator[Postback]:
    """Orders of the last hour, as the folder's receiver wants them told."""
    changes = folder_changes(folder)
    now = datetime.now(UTC)
    for order in orders(rows):
        at = now - timedelta(minutes=60, milliseconds=order.number % 1_000)
        own = {
            "conversion_key": f"purchase:order-{order.number}",
            "transaction_id": f"order-{order.number}",
            "value": Decimal(order.cents).scaleb(-2),
            "event_time": at,
            "action_at": at,
            "clicked_at": at - timedelta(hours=8),
            "person": order.person,
        }
        yield postback_of(Kind.CONVERSION, **{"event_id": f"tag-{order.number}", **changes, **own})


def _batches(destination: Destination, elements: Sequence[Element]) -> Iterator[list[Element]]:
    """As full as the receiver takes them."""
    can = destination.capabilities
    batch: list[Element] = []
    size = 0
    for element in elements:
        length = len(element.text.encode())
        if batch and (len(batch) == can.batch_rows or (can.batch_bytes and size + length > can.batch_bytes)):
            yield batch
            batch, size = [], 0
        batch.append(element)
        size += length
    yield batch


def _token(destination: Destination, receiver: ContractReceiver | None, now: datetime) -> dict[str, str]:
    """The access token that the receiver gives, where it gives any."""
    if destination.grant is None or receiver is None:
        return {}
    asked = destination.grant.request(secrets=secrets_of(destination), asked_at=now)
    token = destination.grant.read(_answer(receiver, asked))
    if isinstance(token, Refusal):
        raise Unfit(token.reason)
    return {ACCESS_TOKEN: token.value}


def _accepting(
    destination: Destination, request: Request, batch: Sequence[Element], receiver: ContractReceiver | None
) -> Reply:
    """The reply to a request that takes all of it."""
    if receiver:
        replies = [_answer(receiver, request)]
    else:
        results = [{"key": element.key, "status": "accepted"} for element in batch]
        replies = [Reply(200, {}, json.dumps({"results": results, "status": "ok"}).encode())]
        replies += [Reply(200, {}, b"OK"), Reply(202, {}, b"")]
    readings = set()
    for reply in replies:
        readings = {verdict.reading for verdict in destination.read(reply, batch)}
        if readings == {Reading.ACCEPTED}:
            return reply
    raise Unfit(f"read as {', '.join(sorted(readings))}")


def _answer(receiver: ContractReceiver, request: Request) -> Reply:
    parts = urlsplit(request.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    headers = {"Host": parts.netloc, **request.headers}
    answered = receiver.take(Hit(request.method, path, parse_qsl(parts.query), headers, request.body))
    if receiver.violations:
        raise Unfit(receiver.violations[0])
    text = answered.body if isinstance(answered.body, str) else json.dumps(answered.body)
    return Reply(answered.status, answered.headers, text.encode())
