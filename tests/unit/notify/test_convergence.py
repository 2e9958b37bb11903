"""Whatever order, repetition and cut: the same alerts stand, and a reader of the events sees them.

A log is what scoring tells: per child and basis ever greater versions, with corrections, new episodes and
moves to another school and back. Notify reads it shuffled, doubled, cut into polls, and once more from a
backup; a reader keeps the greatest version of each alert, whatever order the events reach it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from contracts.alerts import AlertEnded, AlertRaised, AlertRetracted
from contracts.codes import Basis
from contracts.risk import RiskAssessed
from services.notify import alerts, telling
from tests.unit.notify.samples import (
    LADDER,
    OTHER_SCHOOL,
    RULES,
    SCHOOL,
    Memory,
    assessed,
    class_of,
)

FIRST = date(2025, 5, 28)
T = TypeVar("T")
Log = list[RiskAssessed]
Body = AlertRaised | AlertRetracted | AlertEnded
_CHANGES = st.tuples(
    st.integers(1, 3),  # child
    st.sampled_from([(Basis.attendance,), (Basis.combined,), (Basis.attendance, Basis.combined)]),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),  # bands
    st.integers(-2, 3),  # the as-of day moves so far
    st.integers(0, 6),  # the episode began so many days before
    st.sampled_from([SCHOOL, SCHOOL, SCHOOL, OTHER_SCHOOL]),
    st.integers(2, 1 << 61),  # the version grows by so much
)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    log: Log = []
    days: dict[int, int] = {}
    versions: dict[int, int] = {}
    places: dict[int, str] = {}
    for number, bases, bands, ahead, before, at, more in draw(st.lists(_CHANGES, min_size=1, max_size=25)):
        days[number] = max(days.get(number, 0) + ahead, 0)
        versions[number] = versions.get(number, 0) + more
        as_of = FIRST + timedelta(days=days[number])
        old = places.get(number, at)
        places[number] = at
        for basis in Basis if old != at else bases:
            band = bands[basis is Basis.combined]
            told = assessed(
                number,
                band,
                versions[number],
                basis,
                as_of,
                as_of - timedelta(days=before),
                at,
                absent=before,
            )
            if old != at:
                log.append(assessed(number, 0, versions[number] - 1, basis, as_of, None, old, class_of(at)))
            log.append(told)
    return log


def polls(log: Sequence[RiskAssessed], random: Random) -> list[Log]:
    """The log cut into polls."""
    cut: list[Log] = [[]]
    for each in log:
        if random.random() < 0.4:
            cut.append([])
        cut[-1].append(each)
    return cut


def disturbed(log: Sequence[T], random: Random) -> list[T]:
    """Shuffled and doubled."""
    noisy = list(log) + random.sample(log, len(log) // 2)
    random.shuffle(noisy)
    return noisy


def expected(log: Log) -> dict[str, tuple[str, str, date]]:
    """Alerts that the newest assessments carry."""
    newest: dict[tuple[str, str], dict[Basis, RiskAssessed]] = {}
    for each in log:
        known = newest.setdefault((each.school, each.linkage_id), {})
        if each.basis not in known or known[each.basis].version < each.version:
            known[each.basis] = each
    found = [s for known in newest.values() for s in alerts.standing(known, RULES.alerts_from).values()]
    return {
        s.alert_id: (s.assessment.school, telling.digest_of(s.assessment), s.assessment.as_of) for s in found
    }


def run(memory: Memory, log: Log, random: Random) -> Memory:
    for poll in polls(log, random):
        memory.poll(poll)
    return memory


@given(logs(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_any_order_and_repetition_ends_with_the_same_alerts(log: Log, budget: int, random: Random) -> None:
    plain = Memory(budget)
    for each in log:
        plain.poll([each])
    noisy = run(Memory(budget), disturbed(log, random), random)
    assert plain.standing() == noisy.standing() == expected(log)


def read(events: Sequence[Body]) -> dict[str, AlertRaised]:
    """A read model: the greatest version of each alert, raised or withdrawn; a draw goes to the withdrawal."""
    raised: dict[str, AlertRaised] = {}
    withdrawn: dict[str, int] = {}
    for body in events:
        if isinstance(body, AlertRaised):
            if body.alert_id not in raised or raised[body.alert_id].version < body.version:
                raised[body.alert_id] = body
        else:
            withdrawn[body.alert_id] = max(withdrawn.get(body.alert_id, 0), body.version)
    return {name: body for name, body in raised.items() if withdrawn.get(name, -1) < body.version}


def says(body: AlertRaised, log: Log) -> bool:
    """Whether the event says what one of the assessments says."""
    return any(
        (body.linkage_id, body.school, body.basis, body.level, body.as_of, body.reasons, body.class_id)
        == (a.linkage_id, a.school, a.basis, a.band, a.as_of, a.reasons, a.class_id)
        for a in log
    )


@given(logs(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_a_reader_of_the_events_in_any_order_sees_what_stands(log: Log, budget: int, random: Random) -> None:
    memory = run(Memory(budget, posts=LADDER), disturbed(log, random), random)
    events = disturbed(memory.told, random)
    seen = read(events)
    assert seen.keys() == memory.standing().keys()
    for name, body in seen.items():
        assert (body.as_of, body.version) == (memory.rows[name].as_of, memory.rows[name].version)
        assert body.held == memory.rows[name].held
        assert says(body, log)


@given(logs(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_after_a_restore_and_a_replay_in_other_cuts_the_reader_is_right(
    log: Log, budget: int, random: Random
) -> None:
    arrived = disturbed(log, random)
    back_to = random.randrange(len(arrived) + 1)
    first = run(Memory(budget), arrived[:back_to], random)
    backup = first.copy()
    run(first, arrived[back_to : random.randint(back_to, len(arrived))], random)
    again = run(backup, arrived[back_to:], random)
    events = disturbed(first.told + again.told, random)
    seen = read(events)
    assert seen.keys() == again.standing().keys()
    assert {name: body.as_of for name, body in seen.items()} == {
        name: as_of for name, (_, _, as_of) in again.standing().items()
    }


@given(logs(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_posts_filled_at_any_moment_are_told_and_withdraw_nothing(
    log: Log, budget: int, random: Random
) -> None:
    memory = Memory(budget)
    filled = random.randrange(len(log))
    for number, each in enumerate(log):
        memory.poll([each])
        if number == filled:
            memory.fill(*LADDER)
    seen = read(memory.told)
    assert seen.keys() == memory.standing().keys()
    for name, body in seen.items():
        assert body.recipients == memory.rows[name].recipients
        assert body.school == OTHER_SCHOOL or any(r.staff_id for r in body.recipients)


@given(logs(), st.integers(0, 3), st.randoms(use_true_random=False))
def test_the_budget_is_kept_and_no_alert_interrupts_twice_in_one_life(
    log: Log, budget: int, random: Random
) -> None:
    memory = run(Memory(budget), log, random)
    placed: dict[tuple[str, date], set[str]] = {}
    for row in memory.rows.values():
        if row.placed_in is not None:
            placed.setdefault((row.school, row.placed_in), set()).add(row.linkage_id)
    assert all(len(children) <= budget for children in placed.values())
    lives = [(row.alert_id, row.life) for row in memory.interrupting]
    assert len(lives) == len(set(lives))


@given(logs(), st.randoms(use_true_random=False))
def test_what_is_told_of_other_children_changes_nothing_for_a_child(log: Log, random: Random) -> None:
    alone = [each for each in log if each.linkage_id == log[0].linkage_id]
    whole, single = run(Memory(9), log, random), run(Memory(9), alone, random)
    mine = {n: s for n, s in whole.standing().items() if whole.rows[n].linkage_id == log[0].linkage_id}
    assert mine == single.standing()
