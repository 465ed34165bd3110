"""`postback console`: the page to look at, in a browser.

Belongs here: its options. Does not belong here: the console (`postback_pipeline.console`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from postback_pipeline.cli.frame import Config, read_settings


def console(
    host: Annotated[str, typer.Option(help="Address to bind to; anything but loopback needs a login.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535)] = 3001,
    name: Annotated[
        list[str] | None, typer.Option(help="What browsers call it besides; repeatable.", show_default=False)
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="TLS certificate (PEM), where no proxy before it speaks TLS.", exists=True)
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).", exists=True)] = None,
    config: Config = None,
) -> None:
    """Open the web console: what needs a person, each destination, each conversion, reconciliation.

    Bound to anything but loopback it needs a login: the password is in POSTBACK_CONSOLE_PASSWORD.
    """
    from postback_pipeline.console.guard import PASSWORD_VARIABLE, access_for
    from postback_pipeline.console.serving import serve

    settings = read_settings(config)
    access = access_for(host, name or (), os.environ.get(PASSWORD_VARIABLE))
    scheme = "https" if certificate else "http"
    typer.echo(f"The console of {settings.environment} is on {scheme}://{host}:{port}. Ctrl-C ends it.", err=True)
    serve(settings, access, host, port, certificate=certificate, key=key)
