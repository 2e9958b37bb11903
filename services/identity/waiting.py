"""Who is meant? A pure decision from what the registry knows; without an answer the record waits.

Two children who fit are no answer: the record waits as if there were none.
"""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from msgspec import Struct, field

from services.identity.ledger import Via
from services.identity.references import Keys


class Holder(NamedTuple):
    """Who has a 教育ID in [valid_from, valid_to); also an erased child's former key."""

    linkage_id: str
    valid_from: date
    valid_to: date


class Lookup(Struct):
    """What the registry knows of a set of keys."""

    sources: dict[bytes, str] = field(default_factory=dict)
    seats: dict[bytes, list[Holder]] = field(default_factory=dict)
    names: dict[bytes, set[str]] = field(default_factory=dict)
    erased: dict[bytes, list[Holder]] = field(default_factory=dict)


class Resolution(NamedTuple):
    """The answer: a child, nobody yet, or a child who was erased."""

    via: Via
    linkage_id: str | None
    erased: bool = False


_NOBODY = Resolution(Via.waiting, None)
_ERASED = Resolution(Via.waiting, None, erased=True)


def resolve(keys: Keys, day: date, known: Lookup) -> Resolution:
    """Find the child that a reference means on a date.

    The source's own number decides alone once it is known; before that, and without one, the
    教育ID of that date; then the name with the birth date, as typed before folded.
    """
    if keys.source is not None:
        if keys.source in known.sources:
            return Resolution(Via.source, known.sources[keys.source])
        if keys.source in known.erased:
            return _ERASED
    if keys.seat is not None and (linkage_id := _only(_on(known.seats.get(keys.seat, ()), day))):
        return Resolution(Via.seat, linkage_id)
    for key in (keys.exact, keys.fold):
        if key is not None and known.names.get(key):
            linkage_id = _only(known.names[key])
            return Resolution(Via.reading, linkage_id) if linkage_id else _NOBODY
    if any(key is not None and _on(known.erased.get(key, ()), day) for key in keys):
        return _ERASED
    return _NOBODY


def _on(holders: Iterable[Holder], day: date) -> set[str]:
    return {holder.linkage_id for holder in holders if holder.valid_from <= day < holder.valid_to}


def _only(linkage_ids: set[str]) -> str | None:
    return next(iter(linkage_ids)) if len(linkage_ids) == 1 else None
