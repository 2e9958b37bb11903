from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec

from contracts.codes import AttendanceCode
from services.identity.ledger import Claim, Day, Kind, Stamp, Via, unpack_body
from services.identity.tables import sayings

DAY = date(2025, 5, 7)
T0 = datetime(2025, 5, 7, tzinfo=UTC)


def claim(
    number: int, code: AttendanceCode = AttendanceCode.present, day: date = DAY, sequence: int = 0
) -> Claim:
    at = T0 + timedelta(seconds=number)
    body = Day("B101210000018", code, 0)
    return Claim(Kind.day, day.isoformat(), day, body, Stamp(at, sequence, f"{number:032x}"), via=Via.source)


def test_children_of_whom_the_same_is_said_share_it() -> None:
    said, rows = sayings([claim(1), claim(2, AttendanceCode.sick), claim(3), claim(4)])
    assert said == [0, 1, 0, 0]
    assert [row[0] for row in rows] == [0, 1]


def test_whatever_differs_is_said_apart_and_comes_back_as_it_was() -> None:
    claims = [
        claim(1),
        claim(2, AttendanceCode.sick),
        claim(3, day=DAY + timedelta(days=1)),
        claim(4, sequence=2),
        Claim(
            Kind.day, DAY.isoformat(), DAY, Day("B101210000018", AttendanceCode.present, 0), claim(5).stamp
        ),
        msgspec.structs.replace(claim(6), within="B101210000018"),
    ]
    said, rows = sayings(claims)
    assert said == [0, 1, 2, 3, 4, 5]
    for each, (_, kind, natural_key, day, via, body, sequence, within) in zip(claims, rows, strict=True):
        assert (kind, natural_key, day, via) == (each.kind, each.natural_key, each.day, each.via)
        assert unpack_body(body) == each.body
        assert (sequence, within) == (each.stamp.sequence, each.within)
