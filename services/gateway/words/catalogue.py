"""The text catalogue: a key names one text, and every text exists in Japanese and English.

Files under ``texts/`` are read once; ``board.title`` is the entry ``title`` of ``texts/board.yaml``.
A missing key or value is an error, never an empty string on a screen.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.gateway.views import Language

__all__ = ["Language", "Text", "Words", "entries", "words_in"]

_FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True, slots=True)
class Text:
    """One text of one language; ``one`` is the form for exactly one, where the language has it."""

    other: str
    one: str

    def form(self, count: object) -> str:
        """The singular for a count of 1, else the plural."""
        return self.one if count == 1 else self.other


def _text(entry: object, name: str) -> Text:
    match entry:
        case str():
            return Text(entry, entry)
        case {"one": str(one), "other": str(other)}:
            return Text(other, one)
    raise ValueError(f"text {name} is neither a string nor one/other")


def _flat(tree: dict[str, Any], prefix: str) -> dict[str, dict[str, Any]]:
    """Entries by dotted key; an entry is a mapping that holds a language."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in tree.items():
        name = f"{prefix}.{key}"
        if not isinstance(value, dict):
            raise ValueError(f"text {name} has no language")
        if set(value) & set(Language):
            found[name] = value
        else:
            found |= _flat(value, name)
    return found


@cache
def entries() -> dict[str, dict[str, Any]]:
    """All entries of the catalogue as written, by key."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(_FOLDER.glob("*.yaml")):
        found |= _flat(yaml.safe_load(path.read_text(encoding="utf-8")), path.stem)
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """The catalogue in one language: ``words("board.title")``."""

    language: Language
    _texts: dict[str, Text]

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key`` with ``values`` filled in; ``n`` chooses singular or plural.

        Raises:
            KeyError: no such key, or a value that the text needs is missing.
        """
        return self._texts[key].form(values.get("n")).format_map(values)

    def has(self, key: str) -> bool:
        """Whether the catalogue knows ``key``."""
        return key in self._texts


@cache
def words_in(language: Language) -> Words:
    """The catalogue in ``language``, read once per process."""
    return Words(language, {key: _text(entry[language], key) for key, entry in entries().items()})
