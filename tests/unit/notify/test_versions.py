"""A version is a function of what is known, and orders what a reader may get in any order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import Basis
from services.notify.versions import raised_version, state_version, withdrawn_version
from tests.unit.notify.samples import assessed

A, C = Basis.attendance, Basis.combined
STATES = st.integers(min_value=1, max_value=1 << 70)
FLAGS = st.tuples(st.booleans(), st.booleans())


def test_the_attendance_alert_does_not_know_of_the_combined_assessment() -> None:
    known = {A: assessed(version=7), C: assessed(version=9, basis=C)}
    assert state_version(A, known) == 7
    assert state_version(C, known) == 16
    assert state_version(C, {C: known[C]}) == 9
    assert state_version(A, {C: known[C]}) == 0


@given(STATES, st.integers(min_value=1, max_value=1 << 60), FLAGS, FLAGS)
def test_a_withdrawal_beats_all_earlier_raisings_and_no_later_one(
    state: int, more: int, early: tuple[bool, bool], late: tuple[bool, bool]
) -> None:
    assert (
        raised_version(state, *early) < withdrawn_version(state + more) <= raised_version(state + more, *late)
    )
    assert withdrawn_version(state) < raised_version(state + more, *late)


@given(STATES)
def test_a_place_comes_before_a_recipient_and_both_rise(state: int) -> None:
    order = [raised_version(state, placed, routed) for placed in (False, True) for routed in (False, True)]
    assert order == sorted(set(order))
