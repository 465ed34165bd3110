"""Serves the console.

Belongs here: the server around the application. Does not belong here: the application (`app`).
"""

from __future__ import annotations

from pathlib import Path

import uvicorn

from postback_pipeline.console.app import build_app
from postback_pipeline.console.guard import Access
from postback_pipeline.settings import Settings


def serve(
    settings: Settings,
    access: Access,
    host: str,
    port: int,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serves until it is interrupted; over TLS where there is a certificate with its key."""
    uvicorn.run(
        build_app(settings, access),
        host=host,
        port=port,
        # Addresses hold ids of orders, which are nobody else's business.
        access_log=False,
        log_level="warning",
        server_header=False,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
