"""Type `url_template`: the generic postback of trackers and affiliate networks, a URL with macros.

    [destinations.partner]
    type = "url_template"
    method = "GET"
    accepted_when = { status = [200], body_regex = "^OK" }

    [destinations.partner.conversion]
    url = "https://tracker.example/postback?subid={subid}&payout={value}&currency={currency}&tid={transaction_id}"

Receivers of this kind answer 200 to anything, so `accepted_when` says what an acceptance looks like; 200 alone counts
only if it is written there. Conditions are tried in this order: `pause_when`, `retry_when`, `duplicate_when`,
`rejected_when`, `accepted_when`; a reply that fits none is unknown. A kind without its own table (`restatement`,
`retraction`) is one that the receiver cannot be told.

What many trackers spell alike is there to be named: `preset = "keitaro"` with its own options. `postback destinations`
lists the presets, `postback destinations keitaro` prints one; any key beside it replaces the preset's.

`{consent:ad_user_data}`, `{consent:ad_personalization}` and `{consent:analytics}` are `granted`, `denied` or `unknown`,
and have no value where the route does not ask for that purpose: write `{consent:analytics?}` if it may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from postback_pipeline.destinations.base import (
    Capabilities,
    Destination,
    DestinationError,
    Element,
    Reading,
    Reply,
    Request,
    SecretError,
    Verdict,
)
from postback_pipeline.destinations.contract import Contract
from postback_pipeline.destinations.macros import parse_template
from postback_pipeline.destinations.options import Options, hours, origin_of, parse_options, require_https
from postback_pipeline.destinations.presets import with_preset
from postback_pipeline.destinations.reply_rules import ReplyContent, ReplyRule
from postback_pipeline.destinations.request_forms import (
    FORM,
    JSON,
    ContentType,
    RequestForm,
    fill_secrets,
    json_escaped,
    parse_form,
    parse_header,
    percent,
)
from postback_pipeline.model import Kind, Postback
from postback_pipeline.settings import DestinationSettings


class Message(BaseModel):
    """How one kind is told: `[destinations.NAME.conversion]` and its siblings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    body: str | None = None
    content_type: ContentType = FORM


class UrlTemplateOptions(Options):
    """The options of this type, beside those that every adapter shares."""

    method: Literal["GET", "POST"] = "GET"
    #: Fixed headers; a value may hold `{secret:NAME}`.
    headers: Mapping[str, str] = Field(default_factory=dict)
    conversion: Message
    restatement: Message | None = None
    retraction: Message | None = None
    reinstatement: bool = False
    accepted_when: ReplyRule
    duplicate_when: ReplyRule | None = None
    rejected_when: ReplyRule | None = None
    retry_when: ReplyRule = ReplyRule(status=(429, 503))
    pause_when: ReplyRule = ReplyRule(status=(401, 403))

    @model_validator(mode="after")
    def _reinstates_by_restating(self) -> UrlTemplateOptions:
        if self.reinstatement and self.restatement is None:
            raise ValueError("reinstatement needs a [restatement] table: it is told as one")
        return self


class UrlTemplate(Destination):
    """A receiver whose contract fits into a URL, an optional body and conditions on its reply."""

    type = "url_template"
    contract = Contract(
        title="Postback by URL template",
        version="",
        documentation="",
        proof="What `accepted_when` describes.",
        event="Whatever the template's {event} should become, such as sale.",
        reversals="A new total by the table [restatement], nothing at all by the table [retraction].",
        consent="Where a template holds {consent:PURPOSE}.",
    )

    def __init__(self, name: str, options: UrlTemplateOptions, forms: Mapping[Kind, RequestForm]) -> None:
        self.name = name
        self._forms = forms
        self._headers = dict(options.headers)
        self._rules = (
            (Reading.CONFIGURATION, "pause_when", options.pause_when),
            (Reading.RETRY, "retry_when", options.retry_when),
            (Reading.DUPLICATE, "duplicate_when", options.duplicate_when),
            (Reading.REJECTED, "rejected_when", options.rejected_when),
            (Reading.ACCEPTED, "accepted_when", _of_success(options.accepted_when)),
        )
        self.origins = tuple(dict.fromkeys(form.origin for form in forms.values()))
        header_secrets = (secret for text in options.headers.values() for secret in parse_template(text).secrets)
        form_secrets = (secret for form in forms.values() for secret in form.secret_names)
        self.secret_names = tuple(sorted({*header_secrets, *form_secrets}))
        self.capabilities = Capabilities(
            deduplicates=options.deduplicates,
            dedup_window=hours(options.dedup_window_hours),
            max_age=hours(options.max_age_hours),
            restatement=Kind.RESTATEMENT in forms,
            retraction=Kind.RETRACTION in forms,
            reinstatement=options.reinstatement,
            adjusts_pixel=options.adjusts_pixel,
            adjustment_min_age=hours(options.adjustment_min_age_hours),
            adjustment_max_age=hours(options.adjustment_max_age_hours),
        )

    @classmethod
    def from_settings(cls, name: str, settings: DestinationSettings) -> Self:
        """Checks every template, header and condition; DestinationError names the option that is wrong."""
        settings = settings.with_options(with_preset(name, settings.options))
        options = parse_options(UrlTemplateOptions, name, settings)
        forms: dict[Kind, RequestForm] = {}
        for kind in Kind:
            message: Message | None = getattr(options, kind.value)
            if message is None:
                continue
            try:
                forms[kind] = parse_form(options.method, message.url, message.body, message.content_type)
            except ValueError as error:
                raise DestinationError(f"destinations.{name}: {kind.value}: {error}.") from error
            require_https(name, f"{kind.value}.url", forms[kind].origin, settings, options)
        for header, text in options.headers.items():
            try:
                parse_header(header, text)
            except ValueError as error:
                raise DestinationError(f"destinations.{name}: headers.{header}: {error}.") from error
        return cls(name, options, forms)

    def render(self, postback: Postback) -> str:
        """JSON text with `method`, `url`, `body` and `content_type`; secrets stay as `{secret:NAME}`."""
        form = self._forms.get(postback.kind)
        if form is None:
            raise DestinationError(f"{self.name} cannot be told a {postback.kind.value}: it has no such table.")
        return form.render(postback)

    def request(self, elements: Sequence[Element], *, secrets: Mapping[str, str], sent_at: datetime) -> Request:
        """The frozen element with its secrets filled in; refuses an origin that is no longer configured."""
        (element,) = elements
        try:
            frozen = orjson.loads(element.text)
            method, url, body, content_type = (frozen[part] for part in ("method", "url", "body", "content_type"))
            origin = origin_of(url)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise DestinationError("The stored element is no request of this destination.") from None
        if origin not in self.origins:
            raise DestinationError("The stored element was rendered for an origin that is no longer configured.")
        try:
            headers = {name: fill_secrets(text, secrets) for name, text in self._headers.items()}
            url = fill_secrets(url, secrets, percent)
            filled = fill_secrets(body or "", secrets, json_escaped if content_type == JSON else percent)
        except KeyError:
            raise SecretError("The stored element names a secret that is no longer configured.") from None
        if not all(value.isascii() and value.isprintable() for value in headers.values()):
            raise SecretError("A secret that goes into a header holds characters that no header can carry.")
        if content_type:
            headers["Content-Type"] = content_type
        return Request(method, url, headers, filled.encode("utf-8"))

    def read(self, reply: Reply, elements: Sequence[Element]) -> list[Verdict]:
        """The first condition that fits, in the order of the module's docstring."""
        content = ReplyContent(reply)
        for reading, option, rule in self._rules:
            if rule is not None and rule.matches(content):
                return [Verdict(reading, f"{option} fits HTTP {reply.status}")] * len(elements)
        return [Verdict(Reading.UNKNOWN, f"no condition fits HTTP {reply.status}")] * len(elements)


def _of_success(rule: ReplyRule) -> ReplyRule:
    """An acceptance without a status of its own is one of the 2xx."""
    return rule if rule.status else rule.model_copy(update={"status": tuple(range(200, 300))})
