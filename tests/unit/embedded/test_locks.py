"""The committed locks name versions and hashes, and no host."""

import json
import re

from kizashi.embedded.assets import NODE_PROJECT
from kizashi.embedded.jars import LOCK, WANTED, locked_jars


def test_every_jar_has_a_hash() -> None:
    jars = locked_jars()
    assert len(jars) > 40
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert len({jar.sha256 for jar in jars}) == len(jars)


def test_the_lock_holds_what_is_wanted() -> None:
    locked = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in locked_jars()}
    assert set(WANTED.split("+")) <= locked


def test_the_jar_lock_names_no_host() -> None:
    assert "://" not in LOCK.read_text()


def test_the_npm_lock_has_hashes_and_no_address() -> None:
    lock = json.loads((NODE_PROJECT / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert "node_modules/htmx.org" in packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


def test_npm_wanted_versions_are_exact() -> None:
    wanted = json.loads((NODE_PROJECT / "package.json").read_text())["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
