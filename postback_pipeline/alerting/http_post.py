"""One POST within one deadline: no redirect, no proxy from the environment, no more of a reply than is looked at.

Belongs here: httpx, as alerts use it. Does not belong here: what is posted, what a reply means beyond its status.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Mapping

import httpx

from postback_pipeline.alerting.condition import AlertError

#: Bytes of a reply that are read.
_LONGEST_REPLY = 4_096
#: A reply's text is shown only where it is a code, such as Slack's `no_service`: others may quote what was sent.
_CODE = re.compile(r"[a-z][a-z_]{1,40}")

# It writes each URL to the log, and a webhook's URL is a secret.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)


async def post(url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> None:
    """Posts it, within `deadline` seconds for the whole of it, from the name's address to the reply's end.

    Raises:
        AlertError: it was not taken (a status other than 2xx), or nobody knows. The text holds nothing of the URL.
    """
    try:
        async with asyncio.timeout(deadline):
            status, reply = await _exchange(url, body, headers, deadline)
    except TimeoutError:
        raise AlertError(f"There was no whole answer within {deadline:g} seconds.") from None
    # A header or URL that cannot be written raises more than httpx's own.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Neither its text, which may hold the URL, nor a chain to it.
        raise AlertError(f"The request failed: {type(error).__name__}.") from None
    if not 200 <= status < 300:
        code = f" {reply}" if _CODE.fullmatch(reply) else ""
        raise AlertError(f"It answered {status}{code}.")


async def _exchange(url: str, body: bytes, headers: Mapping[str, str], deadline: float) -> tuple[int, str]:
    async with (
        httpx.AsyncClient(verify=_trust(url), trust_env=False, timeout=deadline) as client,
        client.stream("POST", url, content=body, headers=dict(headers)) as response,
    ):
        reply = b""
        async for chunk in response.aiter_raw():
            reply += chunk
            if len(reply) >= _LONGEST_REPLY:
                break
        return response.status_code, reply[:_LONGEST_REPLY].decode("utf-8", "replace").strip()


def _trust(url: str) -> ssl.SSLContext | bool:
    """The system's authorities; reading them takes its time, and a URL without TLS needs none."""
    return ssl.create_default_context() if url.startswith("https:") else False
