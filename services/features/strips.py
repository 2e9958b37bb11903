"""Strips: a child's school year as one status, flag and class byte and one version per day.

Last writer wins by version; what a version leaves undecided the greater (status, flags) decides,
so merging is commutative and idempotent. A strip in a cache is immutable bytes: a poll works on
copies and a changed strip replaces the old one only after COMMIT.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

import numpy as np

from services.features.arrays import I64, U8
from services.features.schoolyear import DAYS

#: Bytes of a packed strip: status, flags, class, then little-endian versions.
BLOCK = DAYS * 11
EMPTY = bytes(BLOCK)
#: Where the versions begin.
VERSIONS_AT = DAYS * 3
_VERSION = Struct("<q")
#: How a strip ends after each day if no later one was ever marked.
_NOTHING_AFTER = [bytes(8 * (DAYS - 1 - day)) for day in range(DAYS)]


@dataclass(frozen=True, slots=True)
class Strips:
    """Many children's school years as a struct of arrays, all [n, 366].

    ``class_index`` is 1 + the place in the child's own list of classes, 0 where no mark ever came.
    """

    status: U8
    flags: U8
    class_index: U8
    version: I64


class DayMark(NamedTuple):
    """What a mark makes of a day; ``class_index`` 0: withdrawn."""

    day: int
    status: int
    flags: int
    class_index: int
    version: int


def unpack(blocks: Sequence[bytes]) -> Strips:
    """Writable arrays from packed strips."""
    table = np.frombuffer(b"".join(blocks), np.uint8).reshape(-1, BLOCK)
    return Strips(
        status=table[:, :DAYS].copy(),
        flags=table[:, DAYS : 2 * DAYS].copy(),
        class_index=table[:, 2 * DAYS : VERSIONS_AT].copy(),
        version=table[:, VERSIONS_AT:].copy().view("<i8"),
    )


def codes(blocks: Sequence[bytes]) -> tuple[U8, U8]:
    """Writable status and flags [n, 366] of packed strips, without unpacking the rest."""
    joined = bytearray().join([each[: 2 * DAYS] for each in blocks])
    table = np.frombuffer(joined, np.uint8).reshape(-1, 2 * DAYS)
    return table[:, :DAYS], table[:, DAYS:]


def version_at(strip: bytes, day: int) -> int:
    """Version of a day's mark, 0 without one."""
    found: int = _VERSION.unpack_from(strip, VERSIONS_AT + 8 * day)[0]
    return found


def ends_with(strip: bytes, day: int) -> bool:
    """Whether no mark ever came for a later day."""
    return strip.endswith(_NOTHING_AFTER[day])


def block(status: bytes, flags: bytes, class_index: bytes, versions: bytes) -> bytes:
    """A packed strip from its four whole columns."""
    return status + flags + class_index + versions


def merge(strip: bytes, marks: Sequence[DayMark]) -> tuple[bytes, list[int]]:
    """The strip with marks merged into it, and the places of those that won, in their order.

    A withdrawn day (class 0) keeps the class of the mark that it withdraws, so that the class still
    knows whom it lost.
    """
    changed: bytearray | None = None
    won = []
    for place in range(len(marks)) if len(marks) == 1 else _newest(marks):
        day, status, flags, named, version = marks[place]
        stored = version_at(strip, day)
        if version < stored or (version == stored and (status, flags) <= (strip[day], strip[DAYS + day])):
            continue
        changed = changed or bytearray(strip)
        changed[day], changed[DAYS + day] = status, flags
        changed[2 * DAYS + day] = named or strip[2 * DAYS + day]
        _VERSION.pack_into(changed, VERSIONS_AT + 8 * day, version)
        won.append(place)
    return (bytes(changed) if changed else strip), won


def _newest(marks: Sequence[DayMark]) -> list[int]:
    """Places of the newest mark of each day; of equal ones the last."""
    found: dict[int, int] = {}
    for place, mark in enumerate(marks):
        other = found.get(mark.day)
        if other is None or _order(mark) >= _order(marks[other]):
            found[mark.day] = place
    return sorted(found.values())


def _order(mark: DayMark) -> tuple[int, int, int]:
    return mark.version, mark.status, mark.flags
