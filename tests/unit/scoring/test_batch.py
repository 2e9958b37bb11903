"""Bands, episodes and reasons are a function of the facts: any order, doubled, corrected, in any batches."""

from copy import copy
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codes import Band, Basis, Decider, Item, LongAbsence, Rule
from contracts.envelope import Event
from contracts.features import LOGIC, AttendanceFeaturesUpdated, SurveyFeaturesUpdated
from contracts.risk import RiskAssessed
from services.scoring.batch import Batch, Result
from services.scoring.child import ChildYear
from services.scoring.days import Day, all_records, unpack_day
from services.scoring.items import Years
from services.scoring.layout import BIAS
from services.scoring.linear import Linear, slot_count
from services.scoring.shelf import Shelf
from tests.unit.scoring.builders import (
    CHILD,
    SCHOOL,
    absent_days,
    attendance,
    day_of,
    event,
    infirmary,
    streak_evidence,
    values,
    vector,
    window_evidence,
)


class World:
    """Batches one after another over the same children, as a lane's handler would apply them."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        self.children: dict[str, Years] = {}
        self.shelf = shelf or Shelf()
        self.told: list[RiskAssessed] = []
        self.stale = 0

    def apply(self, *events: Event) -> Result:
        result = Batch(self.children, self.shelf).apply([(0, event) for event in events])
        for child, _ in result.drafts:
            self.children[child] = result.years[child]
        self.told += [body for _, _, body in result.told]
        self.stale += len(result.stale)
        return result

    def child(self, year: int = 2025) -> ChildYear:
        return self.children[CHILD][year]

    def newest(self, basis: Basis = Basis.attendance) -> RiskAssessed:
        """What a receiver holds: the greatest version."""
        return max((body for body in self.told if body.basis is basis), key=lambda body: body.version)

    def heard(self, basis: Basis) -> bool:
        """Whether a receiver holds anything."""
        return any(body.basis is basis for body in self.told)

    def state(self) -> list[Day]:
        return [unpack_day(record) for record in all_records(self.child().months)]


def test_three_days_in_a_row_are_told_with_their_dates() -> None:
    world = World()
    world.apply(attendance([vector(59, 10, values())], 10))
    world.apply(attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)]))
    for basis in Basis:
        found = world.newest(basis)
        assert found.band is Band.check
        assert found.episode == found.as_of == day_of(60)
        assert found.decided_by is Decider.rules
        assert [(reason.rules, reason.item) for reason in found.reasons] == [
            ([Rule.streak_3], Item.attendance)
        ]
        assert found.school == SCHOOL


def test_a_correction_to_suspension_takes_the_band_back() -> None:
    world = World()
    world.apply(attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)]))
    world.apply(attendance([vector(60, 30, values())], 30))
    found = world.newest()
    assert found.band is Band.none
    assert found.reasons == []
    assert found.episode is None
    assert found.as_of == day_of(60)


def test_a_provisional_day_raises_nothing_until_it_settles() -> None:
    world = World()
    world.apply(attendance([vector(60, 20, absent_days(3), settled=False)], 20, [streak_evidence(60)]))
    assert world.told == []
    world.apply(attendance([vector(60, 21, absent_days(3))], 21, [streak_evidence(60)]))
    assert world.newest().band is Band.check


def test_standing_long_absence_raises_nothing_and_is_told() -> None:
    world = World()
    numbers = absent_days(18, streak=18)
    world.apply(
        attendance([vector(60, 20, numbers, long_absence=LongAbsence.standing)], 20, [streak_evidence(60)])
    )
    for basis in Basis:
        found = world.newest(basis)
        assert (found.band, found.episode, found.reasons) == (Band.none, None, [])
        assert found.long_absence is LongAbsence.standing


def test_without_evidence_there_is_no_band() -> None:
    world = World()
    world.apply(attendance([vector(60, 20, absent_days(3))], 20))
    assert world.told == []
    assert world.child().tail


def test_nothing_is_told_of_a_quiet_child() -> None:
    world = World()
    world.apply(*(attendance([vector(n, n, values())], n) for n in range(10, 60)))
    assert world.told == []


def test_infirmary_moves_the_combined_basis_only() -> None:
    quiet, visited = World(), World()
    day = attendance([vector(60, 20, absent_days(2, streak=0))], 20, [window_evidence(60, 2)])
    quiet.apply(day)
    visited.apply(day, infirmary(60, 7, 4))
    assert [b for b in quiet.told if b.basis is Basis.attendance] == [
        b for b in visited.told if b.basis is Basis.attendance
    ]
    found = visited.newest(Basis.combined)
    assert found.band is Band.watch
    assert {reason.item for reason in found.reasons} == {Item.attendance, Item.infirmary_count}
    assert quiet.told == []


@pytest.mark.parametrize("infirmary_first", [True, False])
def test_the_order_of_items_does_not_matter(infirmary_first: bool) -> None:
    day = attendance([vector(60, 20, absent_days(2, streak=0))], 20, [window_evidence(60, 2)])
    visits = infirmary(60, 7, 4)
    world = World()
    for each in (visits, day) if infirmary_first else (day, visits):
        world.apply(each)
    assert world.newest(Basis.combined).band is Band.watch


def test_an_older_event_never_wins() -> None:
    world = World()
    old = attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)])
    world.apply(old, attendance([vector(60, 30, values())], 30))
    before, told = world.state(), len(world.told)
    world.apply(old)
    assert world.state() == before
    assert len(world.told) == told
    assert world.stale == 1


def test_a_removed_day_comes_back_only_by_a_newer_event() -> None:
    world = World()
    old = attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)])
    world.apply(old, attendance([], 30, removed=[day_of(60)]))
    assert world.newest().band is Band.none
    assert world.newest().as_of == day_of(60)
    world.apply(old)
    assert not world.child().last
    assert world.newest().band is Band.none
    world.apply(attendance([vector(60, 25, absent_days(3))], 40, [streak_evidence(60)]))
    assert world.newest().band is Band.check


def test_a_new_school_year_ends_last_years_band_and_wins() -> None:
    world = World()
    world.apply(attendance([vector(300, 900, absent_days(3))], 900, [streak_evidence(300)]))
    next_year = vector(370, 5, values())
    world.apply(attendance([next_year], 5, school_year=2026))
    assert world.newest().band is Band.none
    assert world.newest().as_of == day_of(370)
    told = len(world.told)
    world.apply(attendance([vector(301, 950, absent_days(4))], 950, [streak_evidence(301)]))
    assert len(world.told) == told


def test_a_child_that_moves_is_taken_leave_of() -> None:
    world = World()
    world.apply(attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)]))
    other = "B111299000027"
    world.apply(attendance([vector(61, 30, absent_days(4))], 30, [streak_evidence(61, 4)], school=other))
    left = [b for b in world.told if b.school == SCHOOL and b.basis is Basis.attendance]
    assert [b.band for b in left] == [Band.check, Band.none]
    assert world.newest().school == other
    assert world.newest().band is Band.check


# --- a model ---


def _model(bias: float, leads: bool, closed_on: date, basis: Basis = Basis.attendance) -> Linear:
    weights = np.zeros(slot_count(basis), np.float32)
    weights[BIAS] = bias
    return Linear(basis, closed_on, weights, threshold=-1.5, leads=leads, positives=100)


@pytest.mark.parametrize(
    ("closed", "leads", "decider"),
    [(59, True, Decider.model), (59, False, Decider.rules), (60, True, Decider.rules)],
    ids=["newest closed before", "in shadow", "closed the same day"],
)
def test_who_decides(closed: int, leads: bool, decider: Decider) -> None:
    shelf = Shelf()
    shelf.put(_model(2.0, leads, day_of(closed)))
    world = World(shelf)
    world.apply(attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)]))
    found = world.newest()
    assert found.decided_by is decider
    assert found.band is (Band.soon if decider is Decider.model else Band.check)
    assert found.model_day == (day_of(closed) if decider is Decider.model else None)


def test_the_models_word_needs_a_fact() -> None:
    shelf = Shelf()
    shelf.put(_model(9.0, True, day_of(59)))
    world = World(shelf)
    world.apply(attendance([vector(60, 20, values())], 20))
    assert world.told == []


def test_infirmary_is_weighed_by_the_model_of_its_day() -> None:
    shelf = Shelf()
    model = _model(-1.6, True, day_of(59), Basis.combined)
    model.weights[BIAS + 1 : BIAS + 19] = np.r_[
        np.zeros(3), np.full(14, 1.0), 0.0
    ]  # internal_10, from 3 visits on
    shelf.put(model)
    world = World(shelf)
    world.apply(attendance([vector(60, 20, absent_days(2, streak=0))], 20, [window_evidence(60, 2)]))
    assert world.newest(Basis.combined).band is Band.watch
    world.apply(infirmary(60, 7, 4))
    assert world.newest(Basis.combined).band is Band.check
    assert world.newest(Basis.combined).decided_by is Decider.model


def test_last_years_answers_hold_until_new_ones_come() -> None:
    """The labels that the model learns from know them too."""
    shelf = Shelf()
    model = _model(-3.0, True, day_of(400), Basis.combined)
    first_survey = BIAS + 1 + 4 * 18
    model.weights[first_survey : first_survey + 17] = 3.0  # enjoy_mean known
    shelf.put(model)
    world = World(shelf)
    body = SurveyFeaturesUpdated(
        linkage_id=CHILD,
        school_year=2025,
        logic=LOGIC,
        days=[vector(250, 9, [2.0, 3.0, 0.0, 3.0, 1.0])],
        evidence=[],
        evidence_version=9,
    )
    world.apply(attendance([vector(249, 5, values())], 5), event(body, 9))
    world.apply(
        attendance(
            [vector(401, 20, absent_days(2, streak=0))], 20, [window_evidence(401, 2)], school_year=2026
        )
    )
    found = world.newest(Basis.combined)
    assert found.decided_by is Decider.model
    assert found.band is Band.soon


# --- any order ---

_FACTS = st.lists(
    st.tuples(
        st.integers(0, 75),  # day
        st.integers(0, 12),  # absences of the last twenty days; 12 stands for "removed"
        st.booleans(),  # settled
        st.booleans(),  # standing
    ),
    min_size=1,
    max_size=30,
)


def _events(facts: list[tuple[int, int, bool, bool]]) -> list[Event]:
    """Facts one after another; versions only grow."""
    events = []
    for number, (day, absences, settled, standing) in enumerate(facts, 1):
        version = number * 1000
        if absences == 12:
            events.append(attendance([], version, [], removed=[day_of(day)]))
            continue
        stand = LongAbsence.standing if standing and absences > 8 else LongAbsence.none
        numbers = absent_days(absences)
        vectors = [vector(day, version, numbers, settled=settled, long_absence=stand)]
        evidence = [streak_evidence(day, max(absences, 1))] if absences else []
        events.append(attendance(vectors, version, list(evidence)))
        if absences % 5 == 4:
            events.append(infirmary(day, version + 1, absences))
    return events


def _outcome(world: World) -> object:
    child = world.child()
    last = unpack_day(child.last) if child.last else None
    return (
        [replace_order(day) for day in world.state()],
        last and (last.day, last.fold, last.combined_fold),
        child.evidence,
        child.evidence_version,
        child.infirmary,
    )


def replace_order(day: Day) -> Day:
    """Days without what only orders them."""
    return day._replace(order=0)


@settings(max_examples=150, deadline=None)
@given(_FACTS, st.randoms(use_true_random=False))
def test_any_order_doubled_and_in_any_batches(
    facts: list[tuple[int, int, bool, bool]], random: object
) -> None:
    events = _events(facts)
    straight = World()
    for each in events:
        straight.apply(each)
    shuffled = [*events, *random.sample(events, len(events) // 2)]  # type: ignore[attr-defined]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = World()
    while shuffled:
        size = random.randint(1, 7)  # type: ignore[attr-defined]
        other.apply(*shuffled[:size])
        shuffled = shuffled[size:]
    assert _outcome(other) == _outcome(straight)


@settings(max_examples=60, deadline=None)
@given(_FACTS)
def test_what_receivers_hold_is_told_by_the_state(facts: list[tuple[int, int, bool, bool]]) -> None:
    """One event after another or all in one poll: the newest assessment says the same."""
    events = _events(facts)
    one_by_one, at_once = World(), World()
    for each in events:
        one_by_one.apply(each)
    at_once.apply(*events)
    for basis in Basis:
        told = [world.newest(basis) if world.heard(basis) else None for world in (one_by_one, at_once)]
        if told[0] is None or told[1] is None or not told[0].band:
            assert {each.band for each in told if each is not None} <= {Band.none}
        else:
            assert told[1] == told[0]


@settings(max_examples=60, deadline=None)
@given(_FACTS)
def test_versions_grow_with_every_telling(facts: list[tuple[int, int, bool, bool]]) -> None:
    world = World()
    for each in _events(facts):
        world.apply(each)
    for basis in Basis:
        versions = [body.version for body in world.told if body.basis is basis]
        assert versions == sorted(set(versions))


@settings(max_examples=60, deadline=None)
@given(_FACTS)
def test_no_other_item_reaches_the_attendance_basis(facts: list[tuple[int, int, bool, bool]]) -> None:
    events = _events(facts)
    with_visits, without = World(), World()
    for each in events:
        with_visits.apply(each)
        if isinstance(each.body, AttendanceFeaturesUpdated):
            without.apply(each)
    told = [[b for b in world.told if b.basis is Basis.attendance] for world in (with_visits, without)]
    assert told[0] == told[1]


def test_given_children_stay_as_they_are() -> None:
    world = World()
    world.apply(attendance([vector(60, 20, absent_days(3))], 20, [streak_evidence(60)]))
    child = world.child()
    kept = copy(child)
    kept.months = dict(child.months)
    Batch(world.children, world.shelf).apply(
        [
            (0, attendance([vector(60, 30, values()), vector(61, 30, absent_days(7, 7))], 30)),
            (0, infirmary(61, 9, 4)),
        ]
    )
    assert child == kept
