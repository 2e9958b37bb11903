"""Views and their differences: whatever changes, the reader who keeps the newest fact ends with the view."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts import facts as bodies
from contracts.codes import AttendanceCode as Code
from contracts.codes import NameKind, SchoolKind
from contracts.envelope import Meta
from contracts.records import PersonNames
from contracts.versions import mark_version
from services.identity import facts
from services.identity.ledger import Claim, Day, Gone, Kind, Stamp
from services.identity.minting import Minter
from services.identity.publishing import published
from services.identity.registry import Enrolment, Registration
from services.identity.rollcall import RollCall, Seat, present
from services.identity.views import Child, Floor, Floors, Key, Stand, View, Viewer, changes

MINTER = Minter(b"m" * 32, b"i" * 32)
CHILD = "c" * 32
SCHOOL = "B101210000018"
DAY = date(2025, 6, 2)
AT = datetime(2025, 6, 1, 23, 40, tzinfo=UTC)
ROOM = f"{SCHOOL}/2025/5/2"


def enrolled(room: str = ROOM, begin: date = date(2025, 4, 1), end: date = date(2026, 4, 1)) -> Enrolment:
    stamp = Stamp(AT, 0, "e")
    return Enrolment("e" * 32, b"k", room.split("/")[0], room, 2025, 5, begin, end, 7, False, None, stamp)


def marked(code: Code, seconds: int = 0, name: str = "a") -> Claim:
    stamp = Stamp(AT + timedelta(seconds=seconds), 0, name)
    return Claim(Kind.day, DAY.isoformat(), DAY, Day(SCHOOL, code, 0), stamp)


def taken(seconds: int = 0, name: str = "r", room: str = ROOM) -> RollCall:
    return RollCall(room, SCHOOL, DAY, False, Stamp(AT + timedelta(seconds=seconds), 0, name))


def code_of(view: View) -> object:
    fact = view[CHILD, Kind.day, DAY.isoformat()].bodies[0]
    return fact.code if isinstance(fact, bodies.AttendanceMarked) else None


def view_of(claims: list[Claim], roll_calls: list[RollCall], *enrolments: Enrolment) -> View:
    viewer = Viewer(MINTER, {}, {ROOM: roll_calls})
    return viewer.view(Child(CHILD, date.min, date.max, enrolments, claims))


def test_the_latest_of_roll_calls_and_records_stands() -> None:
    assert code_of(view_of([marked(Code.sick)], [taken(60)], enrolled())) is Code.present
    assert code_of(view_of([marked(Code.sick, 60)], [taken()], enrolled())) is Code.sick
    assert (
        code_of(view_of([marked(Code.sick)], [taken()], enrolled())) is Code.sick
    )  # explicit before implied
    gone = Claim(Kind.day, DAY.isoformat(), DAY, Gone(), Stamp(AT + timedelta(hours=1), 0, "g"))
    assert code_of(view_of([marked(Code.sick), gone], [taken()], enrolled())) is None


def test_a_roll_call_counts_only_while_enrolled() -> None:
    assert (CHILD, Kind.day, DAY.isoformat()) not in view_of([], [taken()], enrolled(end=DAY))
    assert code_of(view_of([], [taken()], enrolled(begin=DAY))) is Code.present
    roster = [Seat("b", date.min, date.max), Seat("a", date.min, date.max), Seat("a", DAY, date.max)]
    assert present(roster, DAY, {"b"}) == ["a"]


def test_who_may_speak_of_one_school_is_heard_while_the_child_is_enrolled_there() -> None:
    own = msgspec.structs.replace(marked(Code.sick), within=SCHOOL)
    assert code_of(view_of([own], [], enrolled())) is Code.sick
    assert view_of([own], [], enrolled(end=DAY)).keys() == {(CHILD, Kind.enrolment, "e" * 32)}
    away = enrolled("B999910000000/2025/5/1")
    assert (CHILD, Kind.day, DAY.isoformat()) not in view_of([own], [], away)
    assert code_of(view_of([own, marked(Code.other, 60)], [], away)) is Code.other


def test_a_class_is_known_or_said_to_be_unknown() -> None:
    sick = Day(SCHOOL, Code.sick, 0)
    fact, complete = facts.day_fact(CHILD, date(2026, 3, 31), sick, [])
    assert isinstance(fact, bodies.AttendanceMarked)
    assert (fact.class_id, complete) == (f"{SCHOOL}/2025/0/不明", False)
    elsewhere = enrolled("B999910000000/2025/5/1")
    fact, complete = facts.day_fact(CHILD, DAY, sick, [elsewhere, enrolled()])
    assert isinstance(fact, bodies.AttendanceMarked) and (fact.class_id, complete) == (ROOM, True)


def test_a_profile_has_all_names_registered_ones_first() -> None:
    names = [
        PersonNames("森", "葵", "モリ", "アオイ", NameKind.former),
        PersonNames("樋口", "葵", "ヒグチ", "アオイ"),
    ]
    one = Registration(
        pupil_key=b"k", source="s", minted_id=CHILD, names=names, birth_date=DAY, linkage_id=CHILD,
        stamp=Stamp(AT, 0, "n"),
    )  # fmt: skip
    assert [name.family for name in facts.profile(CHILD, [one, one]).names] == ["樋口", "森"]


def test_the_kind_of_a_school_is_registered_or_read_from_its_code() -> None:
    for school, kind in (
        ("B1", "elementary"),
        ("C1", "junior_high"),
        ("C2", "compulsory"),
        ("E1", "special"),
        ("X9", "other"),
    ):
        place = msgspec.structs.replace(enrolled(), school=school + "0000")
        fact, sequence = facts.enrolment_set(CHILD, place, None)
        assert isinstance(fact, bodies.EnrolmentSet) and (fact.school_kind, sequence) == (SchoolKind(kind), 0)
    assert facts.enrolment_set(CHILD, enrolled(), SchoolKind.other)[1] == 1


# --- differences ---

KEYS: list[Key] = [(CHILD, int(Kind.day), f"2025-06-0{n}") for n in (2, 3)]


def stand(seconds: int, sequence: int, name: str, code: int) -> Stand:
    at = AT + timedelta(seconds=seconds)
    fact = bodies.AttendanceMarked(CHILD, SCHOOL, ROOM, DAY, Code(code))
    order = mark_version(
        Meta(MINTER.event(name, "attendance-marked", CHILD), "", "", at, at, sequence=sequence)
    )
    return Stand(order, MINTER.event(name, "attendance-marked", CHILD), at, sequence, name, (fact,))


stands = st.builds(
    stand, st.integers(0, 2), st.sampled_from([0, 1, 62, 63]), st.sampled_from("abcdefgh"), st.integers(1, 3)
)
views = st.dictionaries(st.sampled_from(KEYS), stands)


@given(st.lists(views, min_size=1, max_size=8))
def test_the_reader_ends_with_the_last_view(history: list[View]) -> None:
    held: dict[Key, tuple[int, object]] = {}
    floors: Floors = {}
    old: View = {}
    for new in history:
        found = changes(old, new, floors)
        floors |= found.floors
        for each in found.publications:
            (sent,) = published(each, None, MINTER)
            assert sent.recorded_at is not None
            version = mark_version(
                Meta(sent.id, "", "", sent.recorded_at, sent.recorded_at, sequence=sent.sequence)
            )
            if each.key not in held or version > held[each.key][0]:
                held[each.key] = (version, sent.body)
        old = new
        shown = {key: body for key, (_, body) in held.items() if isinstance(body, bodies.AttendanceMarked)}
        assert shown == {key: each.bodies[0] for key, each in new.items()}


@given(views)
def test_an_unchanged_view_says_nothing(view: View) -> None:
    assert changes(view, view, {}) == ([], {})


def test_a_first_fact_keeps_its_own_version_and_a_forced_one_comes_after() -> None:
    key, old, new = KEYS[0], stand(2, 0, "a", 2), stand(1, 0, "b", 1)
    first = changes({}, {key: old}, {}).publications
    assert [(each.stand, each.forced) for each in first] == [(old, False)]
    found = changes({key: old}, {key: new}, {})
    (each,) = found.publications
    assert each.forced and (each.stand.recorded_at, each.stand.sequence) == (old.recorded_at, 1)
    assert found.floors == {key: Floor(old.recorded_at, 1)}
    assert Floor(AT, 63).after() == Floor(AT + timedelta(seconds=1), 0)
