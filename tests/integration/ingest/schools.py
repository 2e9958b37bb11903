"""Events of a school for the tests of the running service, dated around today."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from services.ingest.dates import TOKYO, school_year_of

SCHOOL = "B101210000018"
_numbers = count(1)


def today() -> date:
    """Today in Japan."""
    return datetime.now(TOKYO).date()


def weekday() -> date:
    """The newest Wednesday: a school day wherever there is no calendar."""
    day = today()
    return day - timedelta(days=(day.weekday() - 2) % 7)


def event(
    kind: str, data: dict[str, Any], recorded_at: datetime | None = None, **more: Any
) -> dict[str, Any]:
    """A structured event with an id and a second of its own: versions tell seconds apart, no less."""
    number = next(_numbers)
    at = recorded_at or datetime.now(UTC) + timedelta(seconds=number)
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "office",
        "type": kind,
        "time": at.isoformat(),
        "data": data,
        **more,
    }


def school(code: str = SCHOOL) -> dict[str, Any]:
    """A school."""
    return event("school-registered", {"school": code, "name": "第一小学校", "kind": "elementary"})


def room(label: str, code: str = SCHOOL, day: date | None = None) -> dict[str, Any]:
    """A class of the fifth grade."""
    year = school_year_of(day or weekday())
    return event("class-registered", {"school": code, "school_year": year, "grade": 5, "label": label})


def absence(number: str = "1001", **changes: Any) -> dict[str, Any]:
    """A child is absent today."""
    data = {
        "pupil": {"source_id": number},
        "school": SCHOOL,
        "date": weekday().isoformat(),
        "code": 2,
        **changes,
    }
    return event("attendance-recorded", data)


def roll_call(label: str, code: str = SCHOOL, day: date | None = None, **changes: Any) -> dict[str, Any]:
    """A class of the fifth grade is taken."""
    on = day or weekday()
    data = {
        "school": code,
        "school_year": school_year_of(on),
        "grade": 5,
        "class_label": label,
        "date": on.isoformat(),
        **changes,
    }
    return event("roll-call-taken", data)
