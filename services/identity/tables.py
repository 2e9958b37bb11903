"""Rows of identity's tables to the domain's types and back; the one place that knows column names."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from contracts.codes import Sex
from contracts.envelope import Event, Meta
from contracts.records import PersonNames
from contracts.registry import decoder
from services.identity.ledger import Claim, Kind, Stamp, Via, pack_body, unpack_body
from services.identity.references import Keys
from services.identity.registry import Enrolment, Registration

_names = msgspec.msgpack.Decoder(list[PersonNames])


def columns(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def sayings(claims: Sequence[Claim]) -> tuple[list[int], list[tuple[Any, ...]]]:
    """What claims say, each saying once, and for each claim the place of its own.

    Most children of a school day say the same of the same day; an array's element costs more than a look here.
    """
    places: dict[tuple[Any, ...], int] = {}
    said = [
        places.setdefault(
            (c.kind, c.natural_key, c.day, c.via, pack_body(c.body), c.stamp.sequence, c.within),
            len(places),
        )
        for c in claims
    ]
    return said, [(place, *saying) for saying, place in places.items()]


def source_key(claim: Claim) -> bytes | None:
    """Not stored where the anchor already is the key and no index needs it."""
    if claim.via is Via.source and claim.kind is not Kind.visit:
        return None
    return claim.keys.source


def stamp(row: asyncpg.Record) -> Stamp:
    return Stamp(row["recorded_at"], row["sequence"], row["event_id"])


def claim(row: asyncpg.Record) -> Claim:
    via = Via(row["via"])
    source = row["source_key"] or (row["anchor"] if via is Via.source else None)
    return Claim(
        Kind(row["kind"]),
        row["natural_key"],
        row["day"],
        unpack_body(row["body"]),
        stamp(row),
        row["anchor"],
        Keys(source, row["seat_key"], row["exact_key"], row["fold_key"]),
        via,
        row["linkage_id"],
        row["within"],
    )


def registration(row: asyncpg.Record) -> Registration:
    return Registration(
        pupil_key=row["pupil_key"],
        source=row["source"],
        minted_id=row["minted_id"],
        names=_names.decode(row["names"]),
        birth_date=row["birth_date"],
        sex=Sex(row["sex"]),
        linkage_id=row["linkage_id"],
        stamp=stamp(row),
    )


def enrolment(row: asyncpg.Record) -> Enrolment:
    return Enrolment(
        row["enrolment_id"],
        row["pupil_key"],
        row["school"],
        row["class_id"],
        row["school_year"],
        row["grade"],
        row["valid_from"],
        row["valid_to"],
        row["number"],
        row["moved_in"],
        row["seat_key"],
        stamp(row),
    )


def enrolment_row(each: Enrolment) -> tuple[Any, ...]:
    return (
        each.enrolment_id,
        each.pupil_key,
        each.school,
        each.class_id,
        each.school_year,
        each.grade,
        each.valid_from,
        each.valid_to,
        each.number,
        each.moved_in,
        each.seat_key,
    )


def plain_event(row: asyncpg.Record) -> Event:
    """A kept registry record as the event that it was."""
    meta = Meta(
        id=row["event_id"],
        source=row["source"],
        type=row["type"],
        time=row["recorded_at"],
        recorded_at=row["recorded_at"],
        sequence=row["sequence"],
    )
    return Event(meta, decoder(row["type"]).decode(row["body"]))
