"""A local stand-in network that receives postbacks: for the demo, for trying out a configuration, for tests.

Belongs here: a server that answers like a receiver, well or badly as told, and writes down what it received. Does not
belong here: any real receiver's rules (`destinations/`), and anything that sends.
"""

from __future__ import annotations

from postback_pipeline.sandbox.behaviour import Behaviour, SandboxConfig, SandboxError, load_sandbox_config
from postback_pipeline.sandbox.running import run_sandbox, sandbox_thread, serve_sandbox
from postback_pipeline.sandbox.server import Sandbox

__all__ = [
    "Behaviour",
    "Sandbox",
    "SandboxConfig",
    "SandboxError",
    "load_sandbox_config",
    "run_sandbox",
    "sandbox_thread",
    "serve_sandbox",
]
