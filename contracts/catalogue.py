"""The topic catalogue: ``topics/*.yaml`` read into types. A misspelt key is an error, not a comment."""

from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
import yaml

from contracts.codes import Item

#: The closed meta-schema of a topic file is this struct.
Personal = Literal["identified", "pseudonymous", "none"]


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One topic. ``consumers`` name subscribers (``service.subscriber``); partitions are frozen."""

    name: str
    description: str
    key: str
    types: list[str]
    producers: list[str]
    consumers: list[str]
    partitions: int
    personal: Personal
    items: list[Item]
    cleanup: Literal["delete", "compact"]
    retention_days: int
    dead_letter: str | None = None

    @property
    def per_source(self) -> bool:
        """Whether there is one such topic for each source."""
        return "{source}" in self.name

    def for_source(self, source: str) -> "Topic":
        """This topic for one source."""
        return msgspec.structs.replace(self, name=self.name.format(source=source))


@cache
def templates() -> tuple[Topic, ...]:
    """Every topic file, per-source topics as templates, sorted by name.

    Raises:
        msgspec.ValidationError: a file does not fit the meta-schema.
    """
    folder = files("contracts") / "topics"
    texts = [each.read_text("utf-8") for each in folder.iterdir() if each.name.endswith(".yaml")]
    return tuple(
        sorted((msgspec.convert(yaml.safe_load(text), Topic) for text in texts), key=lambda t: t.name)
    )


def topics(sources: tuple[str, ...] = ()) -> dict[str, Topic]:
    """All topics by name, per-source ones expanded for ``sources``."""
    found: dict[str, Topic] = {}
    for each in templates():
        for topic in [each.for_source(source) for source in sources] if each.per_source else [each]:
            found[topic.name] = topic
    return found


@cache
def topic(name: str) -> Topic:
    """A topic that is not per source.

    Raises:
        KeyError: not in the catalogue.
    """
    return topics()[name]
