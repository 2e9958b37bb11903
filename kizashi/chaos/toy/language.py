"""The toy's events and topics. They exist only inside ``taught(run)``; the catalogue's files never name them."""

from contextlib import AbstractContextManager

import msgspec

from contracts.catalogue import Topic
from contracts.codes import Item
from contracts.registry import EventType
from kizashi import invented

PARTITIONS = 6
WINDOW_DAYS = 7


class ChaosMarked(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A child's day, by the source's number of the child."""

    child: str
    day: int
    value: int


class ChaosRegistered(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Who a child is: marks wait until this has come."""

    child: str
    linkage: str


class ChaosWindowed(msgspec.Struct, frozen=True, gc=False):
    """Sum of the last ``WINDOW_DAYS`` days up to the newest; the version is the sum of the marks' versions."""

    linkage: str
    total: int
    days: int
    version: int


class ChaosStood(msgspec.Struct, frozen=True, gc=False):
    """An alert raised (``standing``) or retracted."""

    linkage: str
    version: int
    standing: bool


class ChaosAnswered(msgspec.Struct, frozen=True, gc=False):
    """A fact born outside Kafka, as a screen writes it."""

    id: str


TYPES = (
    EventType("chaos-marked", ChaosMarked, Item.attendance, False),
    EventType("chaos-registered", ChaosRegistered, Item.registry, False),
    EventType("chaos-windowed", ChaosWindowed, Item.attendance, False),
    EventType("chaos-stood", ChaosStood, Item.attendance, False),
    EventType("chaos-answered", ChaosAnswered, Item.operations, False),
)


def records(run: str) -> str:
    """The chain's input."""
    return f"chaos-{run}-records"


def windows(run: str) -> str:
    """Between the two stages."""
    return f"chaos-{run}-windows"


def alerts(run: str) -> str:
    """What leaves the chain."""
    return f"chaos-{run}-alerts"


def topics(run: str) -> tuple[Topic, ...]:
    """The three topics of one run."""
    return (
        _topic(records(run), ["chaos-marked", "chaos-registered"]),
        _topic(windows(run), ["chaos-windowed"]),
        _topic(alerts(run), ["chaos-stood", "chaos-answered"]),
    )


def _topic(name: str, types: list[str]) -> Topic:
    return invented.topic(name, "one run of the fault matrix", types, PARTITIONS)


def taught(run: str) -> AbstractContextManager[None]:
    """This process knows the toy's events and the topics of ``run`` inside the block."""
    return invented.taught(TYPES, topics(run))
