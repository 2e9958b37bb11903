"""The documents: every link leads somewhere, every `make` target and `kizashi` command that they name exists."""

import re
from pathlib import Path

import pytest

from kizashi.cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("services/*/README.md")]
    if path.is_file()
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[^)]*)?\)")
_MAKE = re.compile(r"(?:^|`|\$ )make ([a-z0-9]+)", re.MULTILINE)
_KIZASHI = re.compile(r"(?:^|`|\$ )kizashi ([a-z-]+)", re.MULTILINE)


def _names(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_names)
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = [
        target for target in _LINK.findall(document.read_text(encoding="utf-8")) if "://" not in target
    ]
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=_names)
def test_every_command_named_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9]+):", makefile, re.MULTILINE))
    assert set(_MAKE.findall(text)) - targets == set()
    assert set(_KIZASHI.findall(text)) - set(COMMANDS) == set()
