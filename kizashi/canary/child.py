"""The synthetic child: three days of absence, whose last one is told anew each minute. Pure.

Its alert stands all the time; only what the last day was (病欠 or 事故欠) changes, and with it the reason
that the alert gives. The three days stay the same for a school year, and there are no others: so no label
about the child ever matures, no day closes, and nothing can be learned from it.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from uuid import uuid4

import msgspec

from contracts.canary import NAMES, PUPIL, SCHOOL, SOURCE
from contracts.codes import AttendanceCode
from contracts.records import AttendanceRecorded, PupilEnrolled, PupilRef, PupilRegistered, Record
from contracts.registry import BY_BODY

#: What the canary's API key may send.
TYPES = ("attendance-recorded", "pupil-enrolled", "pupil-registered")
DAYS = 3
_GRADE, _LABEL = 1, "1"
_WEEKEND = 5
_APRIL = 4


def absence(today: date, alerts_from: date) -> list[date]:
    """The child's three days: the first weekdays of the school year of ``today``.

    Args:
        alerts_from: nothing is raised for days before it; in the installation's first year the days begin there.
    """
    year = today.year if today.month >= _APRIL else today.year - 1
    first = max(date(year, _APRIL, 1), alerts_from)
    ahead = (first + timedelta(days=n) for n in range(DAYS + 4))
    return [day for day in ahead if day.weekday() < _WEEKEND][:DAYS]


def beginning(days: list[date]) -> list[Record]:
    """The child, its enrolment, and all its days but the last."""
    year = days[0].year if days[0].month >= _APRIL else days[0].year - 1
    start, until = date(year, _APRIL, 1), date(year + 1, _APRIL, 1)
    place = (SCHOOL, year, _GRADE, _LABEL, start, until)
    return [
        PupilRegistered(PUPIL, [NAMES], date(year - 7, _APRIL, 2)),
        PupilEnrolled(f"{PUPIL}-{year}", PUPIL, *place),
        *(mark(day, AttendanceCode.sick) for day in days[:-1]),
    ]


def mark(day: date, code: AttendanceCode) -> AttendanceRecorded:
    """What one day was."""
    return AttendanceRecorded(PupilRef(source_id=PUPIL), SCHOOL, day, code)


def other_than(shown: AttendanceCode | None) -> AttendanceCode:
    """What to tell next, so that something changes at the far end."""
    return AttendanceCode.other if shown is AttendanceCode.sick else AttendanceCode.sick


def cloud_events(bodies: Iterable[Record], now: datetime) -> bytes:
    """A CloudEvents batch. Every telling is a record of its own: a new id, recorded now."""
    moment = now.isoformat()
    return msgspec.json.encode(
        [
            {
                "specversion": "1.0",
                "id": uuid4().hex,
                "source": SOURCE,
                "type": BY_BODY[type(body)].name,
                "time": moment,
                "recordedtime": moment,
                "datacontenttype": "application/json",
                "data": body,
            }
            for body in bodies
        ]
    )


class _Evidence(msgspec.Struct):
    kind: str
    sick: int = 0


class _Reason(msgspec.Struct):
    evidence: _Evidence


_reasons = msgspec.json.Decoder(list[_Reason])


def shown_by(reasons: str) -> AttendanceCode | None:
    """What the last day was, as the alert's reason tells it; None when no reason tells of the streak."""
    for each in _reasons.decode(reasons):
        if each.evidence.kind == "streak":
            return AttendanceCode.sick if each.evidence.sick == DAYS else AttendanceCode.other
    return None
