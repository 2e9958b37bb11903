"""Vectors, events and days for tests: everything zero and known unless told otherwise."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from contracts.codes import LongAbsence
from contracts.envelope import Event, Meta
from contracts.features import (
    ATTENDANCE_FEATURES,
    INFIRMARY_FEATURES,
    LOGIC,
    AttendanceEvidence,
    AttendanceFeaturesUpdated,
    DayVector,
    InfirmaryEvidence,
    InfirmaryFeaturesUpdated,
    LabelRow,
    StreakEvidence,
    WindowEvidence,
)

FIRST = date(2025, 4, 1)
CHILD = "0" * 31 + "1"
SCHOOL = "B111299000019"
CLASS = f"{SCHOOL}/2025/5/2"
START = datetime(2025, 4, 1, tzinfo=UTC)

_USUAL: dict[str, float | None] = {
    "counted_20": 20.0,
    "counted_60": 60.0,
    "days_since_absent": 60.0,
    "month_counted": 10.0,
    "month_days_left": 10.0,
    "year_counted": 80.0,
    "year_day": 80.0,
    "weekday_share_60": None,
    "grade": 5.0,
}


def values(**given: float | None) -> list[float | None]:
    """An attendance vector in the order of the catalogue."""
    unknown = given.keys() - {feature.name for feature in ATTENDANCE_FEATURES}
    assert not unknown, unknown
    return [given.get(f.name, _USUAL.get(f.name, 0.0)) for f in ATTENDANCE_FEATURES]


def matrix(*rows: Sequence[float | None]) -> NDArray[np.float32]:
    """Vectors as float32 [n, features]."""
    return np.array(rows, dtype=np.float64).astype(np.float32)


def absent_days(count: int, streak: int | None = None) -> list[float | None]:
    """A vector of a child absent on ``count`` of the last twenty days, the last ``streak`` of them in a row."""
    run = min(count, 5) if streak is None else streak
    return values(
        absent_5=min(count, 5) if run else 0,
        absent_10=min(count, 10),
        absent_20=count,
        absent_30=count,
        absent_60=count,
        streak=run,
        month_absent=min(count, 9),
        year_absent=count,
        sick_20=count,
    )


def day_of(number: int) -> date:
    """The date that lies ``number`` days after 1 April."""
    return FIRST + timedelta(days=number)


def vector(
    number: int,
    version: int,
    numbers: list[float | None],
    *,
    settled: bool = True,
    long_absence: LongAbsence = LongAbsence.none,
) -> DayVector:
    """A day vector."""
    return DayVector(day_of(number), version, numbers, settled, long_absence)


def streak_evidence(last: int, length: int = 3) -> StreakEvidence:
    """Absent on ``length`` days up to ``last``."""
    dates = [day_of(last - n) for n in reversed(range(length))]
    return StreakEvidence(dates, length, 0, length, None, None)


def window_evidence(last: int, count: int) -> WindowEvidence:
    """``count`` absences in twenty days."""
    return WindowEvidence(20, [day_of(last - n) for n in reversed(range(count))], count, 0, 0, None)


def event(body: object, number: int = 0) -> Event:
    """An event with an envelope."""
    meta = Meta(f"{number:032x}", "kizashi/features", "test", START, START + timedelta(seconds=number))
    return Event(meta, body)  # type: ignore[arg-type]


def attendance(
    days: list[DayVector],
    version: int,
    evidence: list[AttendanceEvidence] | None = None,
    *,
    child: str = CHILD,
    school: str = SCHOOL,
    removed: list[date] | None = None,
    school_year: int = 2025,
) -> Event:
    """``attendance-features-updated``."""
    as_of = max([day.date for day in days] or removed or [FIRST])
    body = AttendanceFeaturesUpdated(
        linkage_id=child,
        school=school,
        class_id=f"{school}/{school_year}/5/2",
        grade=5,
        school_year=school_year,
        logic=LOGIC,
        days=days,
        as_of=as_of,
        evidence=evidence or [],
        evidence_version=version,
        removed=removed or [],
    )
    return event(body, version)


def infirmary(number: int, version: int, visits: float, *, child: str = CHILD) -> Event:
    """``infirmary-features-updated`` with ``visits`` in ten days from a day on."""
    evidence = InfirmaryEvidence(day_of(number - 9), day_of(number), [day_of(number)] * int(visits), 0)
    numbers: list[float | None] = [visits, visits, 0.0, visits]
    assert len(numbers) == len(INFIRMARY_FEATURES)
    body = InfirmaryFeaturesUpdated(
        linkage_id=child,
        school_year=2025,
        logic=LOGIC,
        days=[vector(number, version, numbers)],
        evidence=[evidence] if visits else [],
        evidence_version=version,
    )
    return event(body, version)


def label_row(
    child: int, number: int, label: bool, numbers: list[float | None], crossed: int | None = None
) -> LabelRow:
    """A matured row."""
    return LabelRow(
        f"{child:032x}",
        SCHOOL,
        day_of(number),
        label,
        numbers,
        day_of(crossed) if crossed is not None else None,
    )
