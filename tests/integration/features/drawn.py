"""A small city's facts, drawn: marks with corrections and withdrawals, enrolments, calendars, visits, surveys."""

from __future__ import annotations

import random
from datetime import date, timedelta

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.envelope import Event
from tests.integration.features import city

CLASSES = (city.class_id(grade=1), city.class_id(grade=5), city.class_id(city.JUNIOR, grade=7))


def facts(random_: random.Random, children: int = 8, length: int = 60) -> list[Event]:
    """Facts of two schools in the order in which they were recorded."""
    days = city.school_days()
    days = days[(begin := random_.choice([0, 60, 130])) : begin + length]
    found: list[Event] = []
    if random_.random() < 0.8:
        found.append(city.calendar(1))
        if random_.random() < 0.5:
            found.append(city.calendar(86_400 * 100, closures=frozenset(random_.sample(days, 2))))
    fridays = [day for day in days if day.weekday() == 4]
    saturdays = random_.sample([day + timedelta(1) for day in fridays], 2)  # beside the calendar
    days = sorted([*days, *saturdays])
    for number in range(children):
        found += _child(random_, number, days)
    for order, day in enumerate(days):
        for school in (city.SCHOOL, city.JUNIOR):
            found.append(city.settled(day, 86_400 * (order + 1) + 500, school))
    return sorted(found, key=lambda each: each.meta.recorded_at)


def _child(random_: random.Random, number: int, days: list[date]) -> list[Event]:
    who, where = city.child_id(number), CLASSES[number % 3]
    found: list[Event] = []
    if random_.random() < 0.7:
        end = random_.choice([None, None, days[len(days) // 2]])
        found.append(city.enrolled(who, 2, where=where, end=end, moved_in=random_.random() < 0.2))
        if random_.random() < 0.2:
            found.append(city.unenrolled(who, 90_000))
    absence = random_.choice([0.03, 0.3, 0.8])
    for order, day in enumerate(days):
        at = 86_400.0 * (order + 1)
        if random_.random() < 0.05:
            continue
        found.append(_mark(random_, who, day, at, where, absence))
        while random_.random() < 0.15:
            at += random_.choice([1, 3_600, 86_400 * 3])
            if random_.random() < 0.3:
                found.append(city.withdrawn(who, day, at))
            else:
                found.append(_mark(random_, who, day, at, where, 0.5))
        if random_.random() < 0.05:
            found.append(city.visit(who, day, at + 100, order, random_.random() < 0.7))
            if random_.random() < 0.3:
                found.append(city.unvisited(who, day, at + 200, order))
    for turn in (1, 2):
        if random_.random() < 0.6:
            values = {f"enjoy_{n}": random_.randint(1, 5) for n in ("math", "music", "art")}
            at = 86_400.0 * (15 * turn + 1)
            found.append(city.answers(who, days[15 * turn], at, turn, values))
            if random_.random() < 0.2:
                found.append(city.unanswered(who, days[15 * turn], at + 200, turn))
    if random_.random() < 0.3:
        before = days[0] - timedelta(365)
        for step in range(5):
            there = city.class_id(year=before.year if before.month > 3 else before.year - 1, grade=4)
            found.append(_mark(random_, who, before + timedelta(step), 10.0, there, 0.5))
    return found


def _mark(random_: random.Random, who: str, day: date, at: float, where: str, absence: float) -> Event:
    code = Code.present
    if random_.random() < absence:
        code = random_.choice([Code.sick, Code.other, Code.other])
    elif random_.random() < 0.05:
        code = random_.choice([Code.suspended, Code.bereaved, Code.no_school])
    flags = int(Flag.late) * (code is Code.present and random_.random() < 0.1)
    flags += int(Flag.provisional) * (random_.random() < 0.2)
    return city.mark(who, day, code, at, flags=flags, where=where)


def disturbed(random_: random.Random, events: list[Event]) -> list[Event]:
    """The same facts shuffled within bounds or altogether, some of them twice."""
    found = list(events)
    if random_.random() < 0.5:
        random_.shuffle(found)
    else:
        place = {id(each): n + random_.uniform(0, 60) for n, each in enumerate(found)}
        found.sort(key=lambda each: place[id(each)])
    for each in random_.sample(found, len(found) // 5):
        found.insert(random_.randrange(len(found)), each)
    return found
