"""School years drawn at random, for the reference and for the arrays alike."""

from __future__ import annotations

import random
from datetime import date, timedelta

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from services.features.schoolyear import DAYS, locate, year_days
from services.features.years import UNPLANNED, ChildYears, child_years
from tests.unit.features.reference import Child

_CODES = [int(code) for code in Code]


def draw_child(random_: random.Random, school_year: int) -> Child:
    """A child whose habits, calendar and gaps in the record are drawn too."""
    first = date(school_year, 4, 1)
    length = year_days(school_year).length
    planned = random_.random() < 0.7
    begin = random_.choice([0, 0, 0, 40, 200]) if planned else 0
    unplanned_from = random_.choice([length, length, 250]) if planned else 0
    last = random_.randrange(5, length)
    absent, unknown, odd = (
        random_.choice([0.02, 0.1, 0.5]),
        random_.choice([0, 0.03]),
        random_.choice([0, 0.05]),
    )
    late = random_.choice([0.0, 0.3])
    child = Child(school_year, {}, grade=random_.randrange(1, 10))
    unsettled = set()
    for index in range(length):
        day = first + timedelta(index)
        open_ = day.weekday() < 5 and not 111 <= index <= 147 and random_.random() > 0.03
        if begin <= index < unplanned_from:
            child.plan[day] = open_
        if index > last or not (open_ or random_.random() < 0.02) or random_.random() < unknown:
            continue
        code = _draw_code(random_, absent, odd)
        flags = int(Flag.late) * (random_.random() < late) + int(Flag.left_early) * (random_.random() < 0.1)
        flags += int(Flag.separate_room) * (random_.random() < 0.1)
        if random_.random() < 0.1:
            flags += int(Flag.provisional)
            if random_.random() < 0.5:
                unsettled.add(day)
        child.marks[day] = (code, flags)
        if not child.plan.get(day, True) and random_.random() < 0.5:
            child.taken.add(day)
        if code in (Code.sick, Code.other) and random_.random() < 0.8:
            child.others_rate[day] = random_.randrange(0, 20) / 20
    child.unsettled = frozenset(unsettled)
    child.moved_in = begin > 0
    if random_.random() < 0.5:
        child.last_year_absent, child.last_year_rate = float(random_.randrange(0, 60)), random_.random()
    return child


def _draw_code(random_: random.Random, absent: float, odd: float) -> int:
    if random_.random() < odd:
        return random_.choice(_CODES)
    if random_.random() < absent:
        return random_.choice([int(Code.sick), int(Code.other)])
    return int(Code.present)


def arrays_of(children: list[Child]) -> ChildYears:
    """The same children as arrays; all of one school year."""
    n, school_year = len(children), children[0].school_year
    status, flags = np.zeros((n, DAYS), np.uint8), np.zeros((n, DAYS), np.uint8)
    plan = np.full((n, DAYS), UNPLANNED, np.uint8)
    taken = np.zeros((n, DAYS), bool)
    settled, rates = np.ones((n, DAYS), bool), np.full((n, DAYS), np.nan, np.float32)
    for row, child in enumerate(children):
        for day, (code, bits) in child.marks.items():
            status[row, locate(day)[1]], flags[row, locate(day)[1]] = code, bits
        for day, open_ in child.plan.items():
            plan[row, locate(day)[1]] = open_
        for day in child.taken:
            taken[row, locate(day)[1]] = True
        for day, rate in child.others_rate.items():
            rates[row, locate(day)[1]] = rate
        for day in child.unsettled:
            settled[row, locate(day)[1]] = False
    return child_years(
        school_year,
        status,
        flags,
        plan=plan,
        taken=taken,
        settled=settled,
        others_rate=rates,
        grade=np.array([child.grade for child in children], np.float32),
        moved_in=np.array([child.moved_in for child in children]),
        last_year_absent=np.array([child.last_year_absent for child in children], np.float32),
        last_year_rate=np.array([child.last_year_rate for child in children], np.float32),
    )
