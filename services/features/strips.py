"""Strips: a child's school year as one status, flag and class byte and one version per day.

Last writer wins by version; what a version leaves undecided the greater (status, flags) decides,
so merging is commutative and idempotent. A strip in a cache is immutable bytes: a poll works on
copies and a changed strip replaces the old one only after COMMIT.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.features.arrays import I64, U8, Bool
from services.features.schoolyear import DAYS

#: Bytes of a packed strip: status, flags, class, then little-endian versions.
BLOCK = DAYS * 11
EMPTY = bytes(BLOCK)
#: Where the versions begin.
VERSIONS_AT = DAYS * 3


@dataclass(frozen=True, slots=True)
class Strips:
    """Many children's school years as a struct of arrays, all [n, 366].

    ``class_index`` is 1 + the place in the child's own list of classes, 0 where no mark ever came.
    """

    status: U8
    flags: U8
    class_index: U8
    version: I64


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks to be merged, all [m]: ``row`` of the strips, ``day`` index, and what the day becomes."""

    row: I64
    day: I64
    status: U8
    flags: U8
    class_index: U8
    version: I64


def unpack(blocks: Sequence[bytes]) -> Strips:
    """Writable arrays from packed strips."""
    table = np.frombuffer(b"".join(blocks), np.uint8).reshape(-1, BLOCK)
    return Strips(
        status=table[:, :DAYS].copy(),
        flags=table[:, DAYS : 2 * DAYS].copy(),
        class_index=table[:, 2 * DAYS : VERSIONS_AT].copy(),
        version=table[:, VERSIONS_AT:].copy().view("<i8"),
    )


def pack(strips: Strips) -> list[bytes]:
    """One packed strip per row."""
    versions = np.ascontiguousarray(strips.version, "<i8").view(np.uint8)
    whole = np.concatenate([strips.status, strips.flags, strips.class_index, versions], axis=1).tobytes()
    return [whole[start : start + BLOCK] for start in range(0, len(whole), BLOCK)]


def block(status: bytes, flags: bytes, class_index: bytes, versions: bytes) -> bytes:
    """A packed strip from its four whole columns."""
    return status + flags + class_index + versions


def merge(strips: Strips, marks: Marks) -> Bool:
    """Merge marks into ``strips`` in place; says which marks won, bool [m].

    A withdrawn day (class 0) keeps the class of the mark that it withdraws, so that the class still
    knows whom it lost.
    """
    content = marks.status.astype(np.int64) * 32 + marks.flags
    won = _newest(marks, content)
    row, day = marks.row[won], marks.day[won]
    before = strips.status[row, day].astype(np.int64) * 32 + strips.flags[row, day]
    stored = strips.version[row, day]
    version, what = marks.version[won], content[won]
    accepted = (version > stored) | ((version == stored) & (what > before))
    won = won[accepted]
    row, day, named = row[accepted], day[accepted], marks.class_index[won]
    strips.status[row, day] = marks.status[won]
    strips.flags[row, day] = marks.flags[won]
    strips.version[row, day] = marks.version[won]
    strips.class_index[row, day] = np.where(named > 0, named, strips.class_index[row, day])
    applied = np.zeros(len(marks.row), bool)
    applied[won] = True
    return applied


def _newest(marks: Marks, content: I64) -> I64:
    """Positions of the newest mark of each (row, day)."""
    key = marks.row * DAYS + marks.day
    if len(np.unique(key)) == len(key):
        return np.arange(len(key))
    order: I64 = np.lexsort((content, marks.version, key))
    last = np.append(key[order][1:] != key[order][:-1], True)
    return np.compress(last, order)
