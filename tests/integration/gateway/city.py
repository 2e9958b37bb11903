"""A city of two schools in the gateway's read model, fed through its own handlers; staff with every post.

School A (elementary) has classes 5-1, 5-2 and 6-1, school B has 5-1; three children each. Their events are those
of the bus. The school date is 16 June 2025.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import asyncpg

from contracts import alerts, facts
from contracts.codes import (
    AttendanceCode,
    Band,
    Basis,
    DayKind,
    Decider,
    InfirmaryKind,
    Item,
    Rule,
    SchoolKind,
    StaffRole,
    SurveyKind,
    Symptom,
)
from contracts.envelope import Event, Meta, type_of
from contracts.features import InfirmaryEvidence, StreakEvidence, SurveyEvidence
from contracts.registry import Body
from contracts.risk import Reason
from services.gateway.feed.alerts import Alerts
from services.gateway.feed.facts import Facts
from services.gateway.feed.profiles import Profiles
from services.gateway.feed.schools import Schools
from services.kit.ids import derived_id
from services.kit.lanes import AnyHandler, Lane

TODAY = date(2025, 6, 16)
BEGIN = datetime(2025, 4, 1, tzinfo=UTC)
SCHOOL_A, SCHOOL_B = "AAAA", "BBBB"
CLASSES = {
    "A51": f"{SCHOOL_A}/2025/5/1",
    "A52": f"{SCHOOL_A}/2025/5/2",
    "A61": f"{SCHOOL_A}/2025/6/1",
    "B51": f"{SCHOOL_B}/2025/5/1",
}
SCHOOL_OF = {key: class_id[:4] for key, class_id in CLASSES.items()}
EVIL = "<img src=x onerror=alert(1)>"


def child_id(room: str, number: int) -> str:
    """The linkage ID of a child by class and 出席番号."""
    return derived_id("child", room, str(number))


def staff_id(name: str) -> str:
    """The ID of a member of staff."""
    return derived_id("staff", name)


def alert_id(child: str, basis: Basis = Basis.attendance) -> str:
    """The ID of the child's alert."""
    return derived_id("alert", child, basis)


def event(body: Body, at: datetime = BEGIN, name: str = "") -> Event:
    """A body in its envelope."""
    ident = derived_id("event", type_of(body), name or repr(body), at.isoformat())
    return Event(Meta(ident, "test", type_of(body), at, at, origin_at=at), body)


async def feed(pool: asyncpg.Pool, handler: AnyHandler, events: Sequence[Event], partition: int = 0) -> None:
    """One poll of one lane, as the kernel applies it."""
    lane = Lane(handler.topics[0], partition, 12, list(events), handler.new_cache(partition))
    async with pool.acquire() as tx, tx.transaction():
        effects = await handler.handle([lane], tx)
    for change in effects.after_commit:
        change()


def streak(days: int) -> Reason:
    """An attendance reason."""
    dates = [TODAY - timedelta(days=back) for back in range(days, 0, -1)]
    return Reason(Item.attendance, [Rule.streak_3], StreakEvidence(dates, days, 0, days, 1, 0.5))


INFIRMARY = Reason(
    Item.infirmary_count, [], InfirmaryEvidence(TODAY - timedelta(14), TODAY, [TODAY - timedelta(3)], 0)
)
SURVEY = Reason(
    Item.survey, [], SurveyEvidence(SurveyKind.lesson, date(2025, 4, 18), 7, 9, date(2025, 6, 10), 3, 9)
)
ABOUT_TEACHER = Reason(
    Item.survey, [], SurveyEvidence(SurveyKind.prefecture, date(2025, 4, 18), 7, 9, date(2025, 6, 10), 2, 9)
)


def raised(
    room: str,
    number: int,
    basis: Basis = Basis.attendance,
    *,
    version: int = 1,
    held: bool = False,
    reasons: list[Reason] | None = None,
    recipients: list[alerts.Recipient] | None = None,
) -> alerts.AlertRaised:
    """An alert about a child."""
    linkage_id = child_id(room, number)
    to = [alerts.Recipient(StaffRole.homeroom, staff_id(f"homeroom {room}"))]
    return alerts.AlertRaised(
        alert_id=alert_id(linkage_id, basis),
        linkage_id=linkage_id,
        school=SCHOOL_OF[room],
        class_id=CLASSES[room],
        grade=int(room[1]),
        basis=basis,
        episode=TODAY,
        level=Band.check,
        as_of=TODAY,
        decided_by=Decider.rules,
        reasons=reasons or [streak(3)],
        recipients=to if recipients is None else recipients,
        held=held,
        raised_at=datetime(2025, 6, 16, 2, tzinfo=UTC),
        version=version,
    )


@dataclass
class City:
    """Events of the whole city, by topic."""

    schools: list[Event] = field(default_factory=list)
    profiles: list[Event] = field(default_factory=list)
    facts: list[Event] = field(default_factory=list)
    alerts: list[Event] = field(default_factory=list)


def _places(city: City) -> None:
    days = [TODAY + timedelta(n) for n in range(-76, 30)]
    calendar = [facts.SchoolDay(day, DayKind.school_day) for day in days if day.weekday() < 5]
    for school, name in ((SCHOOL_A, "あおば小学校"), (SCHOOL_B, "みどり小学校")):
        city.schools.append(event(facts.SchoolDescribed(school, name, SchoolKind.elementary)))
        city.schools.append(event(facts.CalendarSet(school, 2025, calendar)))
        city.schools.append(event(facts.ClassesConfirmed(school, TODAY, 3, 2, 1)))
    for room, class_id in CLASSES.items():
        body = facts.ClassDescribed(class_id, SCHOOL_OF[room], 2025, int(room[1]), room[2])
        city.schools.append(event(body))


def _post(city: City, name: str, role: StaffRole, room: str) -> None:
    body = facts.StaffAssignmentSet(
        derived_id("assignment", name),
        staff_id(name),
        SCHOOL_OF[room],
        role,
        date(2025, 4, 1),
        date(2026, 4, 1),
        int(room[1]) if role in (StaffRole.homeroom, StaffRole.grade_head) else None,
        CLASSES[room] if role is StaffRole.homeroom else None,
    )
    city.schools.append(event(body))
    profile = facts.StaffProfiled(staff_id(name), facts.ProfileName("先生", name))
    city.profiles.append(event(profile))


def _staff(city: City) -> None:
    for room in CLASSES:
        _post(city, f"homeroom {room}", StaffRole.homeroom, room)
    for school, room in ((SCHOOL_A, "A51"), (SCHOOL_B, "B51")):
        for role in (StaffRole.grade_head, StaffRole.vice_principal, StaffRole.nurse):
            _post(city, f"{role} {school}", role, room)


def _child(city: City, room: str, number: int) -> None:
    linkage_id, school = child_id(room, number), SCHOOL_OF[room]
    name = facts.ProfileName("山田", f"{room}{number}", "ヤマダ", f"カナ{number}")
    names = [facts.ProfileName(EVIL, "太郎")] if (room, number) == ("A51", 3) else [name]
    city.profiles.append(event(facts.PupilProfiled(linkage_id, names)))
    enrolment = facts.EnrolmentSet(
        linkage_id,
        derived_id("enrolment", linkage_id),
        school,
        CLASSES[room],
        SchoolKind.elementary,
        2025,
        int(room[1]),
        date(2025, 4, 1),
        date(2026, 4, 1),
        number,
    )
    city.facts.append(event(enrolment))
    for back in range(10):
        day = TODAY - timedelta(back)
        code = AttendanceCode.sick if back in (1, 4, 5) and number == 1 else AttendanceCode.present
        if day.weekday() < 5:
            city.facts.append(
                event(facts.AttendanceMarked(linkage_id, school, CLASSES[room], day, code), BEGIN)
            )
    indicators = [
        facts.Indicator("enjoy_math", 5),
        facts.Indicator("teacher", 1),
        facts.Indicator("family_talk", 4),
    ]
    survey = facts.SurveyMarked(linkage_id, SurveyKind.prefecture, 2025, 1, date(2025, 5, 8), indicators)
    city.facts.append(event(survey))
    visit = derived_id("visit", linkage_id)
    city.facts.append(event(facts.InfirmaryVisitCounted(linkage_id, visit, TODAY, InfirmaryKind.internal)))
    city.facts.append(
        event(facts.InfirmaryVisitDetailed(linkage_id, visit, TODAY, Symptom.anxiety, 600, 620))
    )


def make_city() -> City:
    """The city: children 1 have an alert on attendance, children 2 one on everything with four kinds of reasons."""
    city = City()
    _places(city)
    _staff(city)
    for room in CLASSES:
        for number in (1, 2, 3):
            _child(city, room, number)
        city.alerts.append(event(raised(room, 1)))
        reasons = [streak(3), INFIRMARY, SURVEY, ABOUT_TEACHER]
        city.alerts.append(event(raised(room, 2, Basis.combined, reasons=reasons)))
    city.facts += [event(facts.SchoolDaySettled(school, TODAY)) for school in (SCHOOL_A, SCHOOL_B)]
    return city


async def feed_city(pool: asyncpg.Pool) -> None:
    """Put the city into the read model, with the role that feeds it."""
    city = make_city()
    await feed(pool, Schools(), city.schools)
    await feed(pool, Profiles(), city.profiles)
    await feed(pool, Facts(), city.facts)
    await feed(pool, Alerts(), city.alerts)
