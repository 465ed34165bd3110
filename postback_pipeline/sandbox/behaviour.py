"""How each receiver of the sandbox behaves, as a person configures it.

Belongs here: the settings and their file. Does not belong here: what follows from them for one request (`judge.py`).

    seed = 1
    [default]                       # receivers that have no table of their own
    delay_seconds = 0.05
    [receivers.partner]             # requests to /partner/...
    reject_share = 0.02
    throttle_every = 50
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from postback_pipeline.model import PostbackError
from postback_pipeline.settings import sentences

Share = Annotated[float, Field(ge=0, le=1)]


class SandboxError(PostbackError):
    """The sandbox cannot start, or its behaviour is described wrongly."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Behaviour(_Strict):
    """One receiver's behaviour. Without any settings it takes everything once."""

    #: What makes two messages the same: names of fields, or of headers where a request holds one message. Empty: the
    #: header `webhook-id`, else the field `key`, else `transaction_id` and `kind`.
    dedup_on: tuple[str, ...] = ()
    #: False: it takes the same request as often as it comes; the repeats are counted all the same.
    deduplicates: bool = True
    #: The same requests are rejected on every attempt, whatever order they come in.
    reject_share: Share = 0.0
    #: A request all of whose named fields have these values is rejected.
    reject_when: dict[str, str] = Field(default_factory=dict)
    #: The status of a rejection; the body tells the reason.
    reject_status: int = Field(default=422, ge=200, le=499)
    #: A batch that holds a rejected message is rejected as a whole.
    one_bad_fails_all: bool = False
    delay_seconds: float = Field(default=0.0, ge=0, le=600)
    #: 429 for the first so many requests, and for every so-manieth one. Counted since the behaviour was set.
    throttle_first: int = Field(default=0, ge=0)
    throttle_every: int = Field(default=0, ge=0)
    retry_after_seconds: int = Field(default=1, ge=0)
    #: 500, and the request is not taken. Drawn once per request, however many messages it holds.
    error_share: Share = 0.0
    #: 200 with HTML, nothing or half an answer, although the request is taken. Drawn as `error_share` is.
    garbage_share: Share = 0.0
    #: Environment variable with the secret that every request must be signed with (Standard Webhooks).
    secret_env: str | None = None


class SandboxConfig(_Strict):
    """The behaviour of all receivers; the name of a receiver is the first part of the path.

    One that is called `as-TYPE` or `as-TYPE-ANYTHING` stands in for a vendor: it accepts in the words of that type of
    destination, takes no batch apart and recognises no repeat.
    """

    #: Which requests the shares hit depends on this and the requests alone.
    seed: int = 0
    default: Behaviour = Behaviour()
    receivers: dict[str, Behaviour] = Field(default_factory=dict)

    def of(self, receiver: str) -> Behaviour:
        """The behaviour of one receiver."""
        return self.receivers.get(receiver, self.default)


def load_sandbox_config(path: str | os.PathLike[str]) -> SandboxConfig:
    """Reads a behaviour file.

    Raises:
        SandboxError: missing, not TOML, or wrong; the text names file and field.
    """
    file = Path(path)
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SandboxError(f"{file}: the sandbox's behaviour cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SandboxError(f"{file}: this is not valid TOML: {error}.") from error
    return read_config(values, str(file))


def read_config(values: object, where: str) -> SandboxConfig:
    """The behaviour that `values` describe; `where` names them in errors.

    Raises:
        SandboxError: something is wrong; one sentence per mistake.
    """
    try:
        return SandboxConfig.model_validate(values)
    except ValidationError as error:
        raise SandboxError("\n".join(sentences(error, where))) from error
