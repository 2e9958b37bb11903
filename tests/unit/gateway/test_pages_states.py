"""How the operators' eight numbers stand."""

from dataclasses import replace

import pytest

from services.gateway.pages import states
from services.gateway.views import AlertsToday, EventAge, Refused, Undelivered, Waiting
from tests.e2e.support import samples

GOOD = samples.operators_page()


def test_any_difference_asks_to_act() -> None:
    assert states.reconciliation(GOOD.reconciliation) == "good"
    assert states.reconciliation(replace(GOOD.reconciliation, difference=-1)) == "act"
    stopped = replace(GOOD.reconciliation.consumers[0], stopped=True)
    assert states.reconciliation(replace(GOOD.reconciliation, consumers=(stopped,))) == "act"
    silent = replace(GOOD.reconciliation.consumers[0], silent=True)
    assert states.reconciliation(replace(GOOD.reconciliation, consumers=(silent,))) == "look"
    assert states.reconciliation(replace(GOOD.reconciliation, consumers=())) == "unknown"


@pytest.mark.parametrize(
    ("oldest", "slowest", "state"),
    [
        (0.0, None, "good"),
        (0.3, 0.8, "good"),
        (None, None, "look"),  # something waits, nobody knows how long
        (None, 0.8, "look"),
        (6.0, None, "look"),
        (0.0, 7.0, "look"),
        (301.0, 0.1, "act"),
        (None, 301.0, "act"),
    ],
)
def test_age(oldest: float | None, slowest: float | None, state: str) -> None:
    assert states.age(EventAge(oldest, None, slowest, 0)) == state


def test_a_holiday_is_calm() -> None:
    assert states.confirmed(replace(GOOD.confirmed, is_school_day=False)) == "calm"
    assert states.confirmed(GOOD.confirmed) == "look"
    assert states.confirmed(replace(GOOD.confirmed, confirmed=24)) == "good"
    assert states.alerts(GOOD.alerts, is_school_day=False) == "calm"


def test_the_rest() -> None:
    assert states.waiting(Waiting(0, 0, None, None)) == "unknown"
    assert states.waiting(Waiting(0, 0, None, samples.NOW)) == "good"
    assert states.waiting(GOOD.waiting) == "look"
    assert states.refused(Refused(0, ())) == "good"
    assert states.refused(GOOD.refused) == "look"
    assert states.undelivered(Undelivered(0, 1)) == "act"
    assert states.undelivered(Undelivered(0, 0)) == "good"
    assert states.alerts(AlertsToday(1, 0, 0, 2), is_school_day=True) == "look"
    assert states.decider(()) == "unknown"
    assert states.decider(GOOD.deciders) == "good"
