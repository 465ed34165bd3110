"""Access tokens of OAuth 2: how they are asked for and what comes back.

Belongs here: the grants that receivers use, as pure values. Does not belong here: asking, keeping and sharing a token
(`delivery`), and what a receiver does with it (its adapter).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlencode

import jwt
import orjson

from postback_pipeline.destinations.base import Reply, Request, SecretError
from postback_pipeline.destinations.credentials import credential

#: Under this name a destination's `request` finds the access token among its secrets: no environment variable's.
ACCESS_TOKEN = ":access_token"  # noqa: S105
#: Where Google gives out tokens.
GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
#: The lifetime of a token that does not tell (RFC 6749, 5.1 leaves it to the server's documents).
_UNTOLD = timedelta(minutes=5)
#: How long a service account's assertion is good for: the longest that Google takes.
_ASSERTION = timedelta(hours=1)


#: A token is not used so close to its end: this share of its lifetime, but never more than so many seconds.
_MARGIN = 0.1
_LONGEST_MARGIN = 60.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and how long it is good for, from when it was asked for."""

    value: str
    lifetime: timedelta

    @property
    def use_seconds(self) -> float:
        """How long it is used, from when it was asked for: not until it may be over when it arrives."""
        lifetime = self.lifetime.total_seconds()
        return lifetime - min(lifetime * _MARGIN, _LONGEST_MARGIN)


@dataclass(frozen=True, slots=True)
class Refusal:
    """No token: `final` where a person must put credentials right, else it may be asked for again."""

    reason: str
    final: bool


class TokenGrant(ABC):
    """One way of asking for an access token."""

    #: Names of the environment variables that `request` needs.
    secret_names: tuple[str, ...]
    #: Where it asks.
    url: str

    @abstractmethod
    def request(self, *, secrets: Mapping[str, str], asked_at: datetime) -> Request:
        """Asks for a token. Raises SecretError where a secret is no good."""

    def read(self, reply: Reply) -> Token | Refusal:
        """What came back, by RFC 6749, 5.1 and 5.2. Never raises."""
        try:
            body = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            body = None
        body = body if isinstance(body, dict) else {}
        value, lifetime, error = body.get("access_token"), body.get("expires_in"), body.get("error")
        if reply.status == 200 and isinstance(value, str) and value.isascii() and value.isprintable() and value:
            if isinstance(lifetime, int | float) and 0 < lifetime < 10**9:
                return Token(value, timedelta(seconds=lifetime))
            return Token(value, _UNTOLD)
        code = error if error in _ERRORS else f"HTTP {reply.status}"
        final = reply.status in (400, 401, 403) and error not in _PASSING
        return Refusal(f"no access token: {code}", final)


#: Error codes of RFC 6749, 5.2 and 4.1.2.1, which may be shown; and those that pass by themselves.
_PASSING = ("server_error", "temporarily_unavailable")
_ERRORS = (
    *("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"),
    *("invalid_scope", "access_denied", *_PASSING),
)


def _form(url: str, fields: Mapping[str, str]) -> Request:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return Request("POST", url, headers, urlencode(fields).encode())


class RefreshTokenOptions(Protocol):
    """Options that name what a refresh token's grant needs: its URL, and variables of the environment."""

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""

    @property
    def client_id_env(self) -> str:
        """Variable with the client's id."""

    @property
    def client_secret_env(self) -> str:
        """Variable with the client's secret."""

    @property
    def refresh_token_env(self) -> str:
        """Variable with the refresh token."""


class RefreshTokenGrant(TokenGrant):
    """A refresh token that a person gave once (RFC 6749, 6). It is kept as it is: a new one that comes back is not."""

    def __init__(
        self, url: str, *, client_id_env: str, client_secret_env: str, refresh_token_env: str, scope: str = ""
    ) -> None:
        self.url = url
        self.secret_names = (client_id_env, client_secret_env, refresh_token_env)
        self._scope = {"scope": scope} if scope else {}

    @classmethod
    def of(cls, options: RefreshTokenOptions, scope: str = "") -> RefreshTokenGrant:
        """The grant that these options describe."""
        return cls(
            options.token_url,
            client_id_env=options.client_id_env,
            client_secret_env=options.client_secret_env,
            refresh_token_env=options.refresh_token_env,
            scope=scope,
        )

    def request(self, *, secrets: Mapping[str, str], asked_at: datetime) -> Request:
        """The grant type `refresh_token`, with the client's id and secret in the form."""
        client, secret, token = (credential(secrets, name) for name in self.secret_names)
        fields = {"grant_type": "refresh_token", "client_id": client, "client_secret": secret, "refresh_token": token}
        return _form(self.url, fields | self._scope)


class ServiceAccountGrant(TokenGrant):
    """Google's service account: an assertion signed with its key, by the JSON Web Token profile (RFC 7523).

    Source: developers.google.com/identity/protocols/oauth2/service-account, "Preparing to make an authorized API call".
    """

    def __init__(self, url: str, *, key_env: str, scope: str) -> None:
        self.url = url
        self.secret_names = (key_env,)
        self._scope = scope

    def request(self, *, secrets: Mapping[str, str], asked_at: datetime) -> Request:
        """The grant type `jwt-bearer`; the secret is the key file's JSON, of which e-mail and private key are read."""
        (name,) = self.secret_names
        try:
            key = orjson.loads(secrets[name])
            claims = {
                "iss": key["client_email"],
                "scope": self._scope,
                "aud": self.url,
                "iat": int(asked_at.timestamp()),
                "exp": int((asked_at + _ASSERTION).timestamp()),
            }
            assertion = jwt.encode(
                claims, key["private_key"], algorithm="RS256", headers={"kid": key["private_key_id"]}
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, jwt.PyJWTError):
            raise SecretError(
                f"{name} holds no service account key: the JSON file that Google's console downloads"
                " (IAM & Admin, Service Accounts, Keys), on one line."
            ) from None
        return _form(self.url, {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion})
