"""Type `batch_webhook`: many postbacks in one signed request to an endpoint of one's own, each with its own verdict.

    [destinations.lake]
    type = "batch_webhook"
    url = "https://lake.example/hooks/conversions"
    secret_env = "LAKE_WEBHOOK_SECRET"
    batch_rows = 1000                     # the most postbacks of one request
    batch_bytes = 1048576                 # and bytes of their elements

The body is `{"postbacks": [...]}`, whose elements are exactly the bodies of type `webhook`; headers, signature (over
the whole body) and options are those of `webhook`, too. A postback that is sent again may travel in other company and
under another `webhook-id`: deduplicate on each element's `key`.

The reply to what was taken is 2xx with one result per postback, in any order:

    {"results": [{"key": "purchase:A-1.1", "status": "accepted"},
                 {"key": "purchase:A-2.1", "status": "rejected", "reason": "no_such_order"}]}

`status` is `accepted`, `duplicate` (it is there already), `rejected` (for good) or `retry` (not now, and not taken).
`reason` may be left out; it is kept if it is a code of lower-case letters and underscores, since any other text could
quote a person. A key that is missing, unknown or given twice, or any other shape, makes every postback of the request
unknown. Statuses other than 2xx speak about all postbacks at once and mean what they mean for `webhook`; a batch that
is rejected so is sent again in parts until the postbacks to blame are found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import orjson
from pydantic import Field

from postback_pipeline.destinations.base import Destination, Element, Reading, Reply, Request, Verdict
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.options import origin_of, parse_options
from postback_pipeline.destinations.request_forms import MAX_BODY
from postback_pipeline.destinations.standard_webhooks import SignedOptions, postback_json, signed_request
from postback_pipeline.model import Postback
from postback_pipeline.settings import DestinationSettings

_STATUSES = {
    "accepted": Reading.ACCEPTED,
    "duplicate": Reading.DUPLICATE,
    "rejected": Reading.REJECTED,
    "retry": Reading.RETRY,
}
_CODE = re.compile(r"[a-z][a-z_]{0,39}")
#: What of a reply belongs to none of the postbacks, and what belongs to one beside its key. Bytes.
_REPLY_BYTES = 64 * 1024
_RESULT_BYTES = 512


class BatchOptions(SignedOptions):
    """The options of this type, beside those of `webhook`."""

    batch_rows: int = Field(default=1_000, ge=1, le=10_000)
    batch_bytes: int = Field(default=1024 * 1024, ge=1_024, le=64 * 1024 * 1024)


class BatchWebhook(Destination):
    """A signed JSON endpoint that is told everything, many postbacks at a time."""

    type = "batch_webhook"
    contract = Contract(
        title="Signed webhook, in batches",
        version="1.0.0",
        documentation="https://www.standardwebhooks.com",
        proof='The result "accepted" for the postback\'s key.',
        event="Whatever the field `event` should be, such as purchase.",
        reversals="The new total, the one before and the difference.",
        consent="As the object `consent`.",
    )

    def __init__(self, name: str, options: BatchOptions) -> None:
        self.name = name
        self._url = options.url
        self._readings = options.readings()
        self._longest = min(MAX_BODY, options.batch_bytes)
        self.origins = (origin_of(options.url),)
        self.secret_names = options.secret_names
        self.capabilities = options.capabilities(
            batch_rows=options.batch_rows, batch_bytes=options.batch_bytes, one_bad_fails_all=True
        )

    @classmethod
    def from_settings(cls, name: str, settings: DestinationSettings) -> Self:
        """Checks URL and options; DestinationError names the option that is wrong."""
        options = parse_options(BatchOptions, name, settings)
        options.check_url(name, settings)
        return cls(name, options)

    def render(self, postback: Postback) -> str:
        """One element of `postbacks`; refused if it alone is more than a request may hold."""
        return postback_json(postback, self._longest)

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The elements as they were frozen, signed for the moment of sending."""
        keys = "\n".join([element.key for element in elements])
        return signed_request(
            self._url,
            ('{"postbacks":[' + ",".join([element.text for element in elements]) + "]}").encode("utf-8"),
            identity=f"{self.name}\n{keys}",
            secret_names=self.secret_names,
            secrets=secrets,
            sent_at=sent_at,
            longest_reply=_REPLY_BYTES + len(elements) * _RESULT_BYTES + 6 * len(keys),
        )

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """By status, and of a status that accepts, by the result of each key."""
        reading = self._readings.get(reply.status, Reading.UNKNOWN)
        if reading is not Reading.ACCEPTED:
            return [Verdict(reading, f"HTTP {reply.status}", on_request=True)] * len(elements)
        try:
            return _verdicts(orjson.loads(reply.body)["results"], elements)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            # Whatever its shape is, it is not the documented one.
            unknown = Verdict(Reading.UNKNOWN, f"HTTP {reply.status} without a result per key", on_request=True)
            return [unknown] * len(elements)


def _verdicts(results: Any, elements: Sequence[Element]) -> list[Verdict]:
    """One verdict per element, shared by those that fared alike.

    Raises:
        LookupError, TypeError, AttributeError: the results are not of the documented shape.
    """
    given = {result["key"]: (result["status"], result.get("reason")) for result in results}
    if not len(given) == len(results) == len(elements):
        raise LookupError("not one result per key")
    verdicts: dict[object, Verdict] = {}
    found = []
    for element in elements:
        said = given[element.key]
        verdict = verdicts.get(said)
        if verdict is None:
            verdict = verdicts[said] = _verdict(*said)
        found.append(verdict)
    return found


def _verdict(status: str, reason: object) -> Verdict:
    is_code = isinstance(reason, str) and _CODE.fullmatch(reason)
    return Verdict(_STATUSES[status], f"{status}: {reason}" if is_code else status)
