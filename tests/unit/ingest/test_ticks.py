from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.codes import ClockPhase
from services.ingest.clock_events import clock_advanced
from services.ingest.dates import TOKYO, Window, school_year_of
from services.ingest.settings import Settings
from services.ingest.ticks import CATCH_UP_DAYS, Tick, Times, due

TIMES = Times(time(11, 0), time(18, 0))
DAY = date(2026, 6, 10)
SETTLE, CLOSE = Tick(DAY, ClockPhase.settle), Tick(DAY, ClockPhase.close)


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=TOKYO)


def test_the_first_day_begins_with_what_has_come_today() -> None:
    assert due([], at(10, 59), TIMES) == []
    assert due([], at(11, 0), TIMES) == [SETTLE]
    assert due([], at(18, 0), TIMES) == [SETTLE, CLOSE]


def test_each_moment_comes_once() -> None:
    assert due([SETTLE], at(17, 59), TIMES) == []
    assert due([SETTLE], at(18, 1), TIMES) == [CLOSE]
    assert due([SETTLE, CLOSE], at(23, 59), TIMES) == []


def test_a_standstill_is_made_up_in_order_and_within_bounds() -> None:
    later = due([SETTLE], at(12, 0, DAY + timedelta(days=2)), TIMES)
    assert later[0] == CLOSE
    assert [TIMES.moment(each) for each in later] == sorted(TIMES.moment(each) for each in later)
    assert len(later) == 4
    long_ago = due([Tick(DAY - timedelta(days=90), ClockPhase.close)], at(23, 0), TIMES)
    assert len(long_ago) == 2 * (CATCH_UP_DAYS + 1)


OWN = TIMES._replace(own={"B101210000018": time(10, 30), "C139290001200": time(11, 40)})


def test_each_settling_time_of_a_day_comes_once() -> None:
    early, usual, late = (Tick(DAY, ClockPhase.settle, minute) for minute in (630, 660, 700))
    assert OWN.ticks(DAY) == [early, usual, late, CLOSE]
    assert due([], at(10, 29), OWN) == []
    assert due([], at(11, 0), OWN) == [early, usual]
    assert due([early, usual], at(11, 40), OWN) == [late]
    assert due(OWN.ticks(DAY), at(23, 59), OWN) == []
    assert [OWN.moment(each) for each in (early, late)] == [at(10, 30), at(11, 40)]
    ids = {clock_advanced(each, OWN, at(12), "school-clock").id for each in (SETTLE, early, usual, late)}
    assert len(ids) == 4


def test_a_settling_time_that_was_changed_to_one_that_has_passed_is_made_up() -> None:
    made = due([], at(11, 30), TIMES._replace(own={"B101210000018": time(12, 0)}))
    earlier = TIMES._replace(own={"B101210000018": time(10, 0)})
    assert due(made, at(11, 31), earlier) == [Tick(DAY, ClockPhase.settle, 600)]


def test_a_school_settles_at_its_own_time_and_the_others_at_the_usual_one() -> None:
    schools = ("B101210000018", "B101210000027", "C139290001200")
    settled = {minute: [OWN.has_settled(each, minute) for each in schools] for minute in (629, 630, 660, 700)}
    assert settled == {
        629: [False, False, False],
        630: [True, False, False],
        660: [True, True, False],
        700: [True, True, True],
    }


def settings(**changes: object) -> Settings:
    return Settings(secrets_dir=Path(), **changes)  # type: ignore[arg-type]


def test_a_schools_own_time_is_set_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIZASHI_SETTLE_AT_BY_SCHOOL", '{"B101210000018": "10:30"}')
    assert settings().times == Times(time(11), time(18), {"B101210000018": time(10, 30)})


@pytest.mark.parametrize(
    "changes",
    [
        {"settle_at_by_school": {"第一小学校": "10:30"}},
        {"settle_at_by_school": {"B101210000018": "18:01"}},
        {"settle_at_by_school": {"B101210000018": "10:30:30"}},
        {"settle_at_by_school": {"B101210000018": "half past ten"}},
        {"settle_at_by_school": {"B101210000018": "10:30"}, "clock": "external"},
    ],
)
def test_an_own_time_that_makes_no_sense_stops_the_start(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**changes)


def test_the_clock_is_japanese_whatever_the_process_thinks() -> None:
    assert due([], datetime(2026, 6, 10, 1, 59, tzinfo=UTC), TIMES) == []
    assert due([], datetime(2026, 6, 10, 2, 0, tzinfo=UTC), TIMES) == [SETTLE]


def test_a_tick_is_one_event_whoever_tells_it() -> None:
    one = clock_advanced(SETTLE, TIMES, at(11), "school-clock")
    two = clock_advanced(SETTLE, TIMES, at(12), "simulator")
    assert one.id == two.id
    assert one.id != clock_advanced(CLOSE, TIMES, at(12), "simulator").id
    assert one.everywhere
    assert one.cause is not None
    assert one.cause.meta.recorded_at == at(11)


def test_the_school_year_begins_in_april() -> None:
    assert school_year_of(date(2026, 3, 31)) == 2025
    assert school_year_of(date(2026, 4, 1)) == 2026


def test_the_window_is_six_years_back_and_400_days_ahead() -> None:
    window = Window.at(at(8))
    assert window.holds(DAY - timedelta(days=6 * 366))
    assert not window.holds(DAY - timedelta(days=6 * 366 + 1))
    assert window.holds(DAY + timedelta(days=400))
    assert not window.holds(DAY + timedelta(days=401))
    assert window.holds_birth(DAY)
    assert not window.holds_birth(DAY + timedelta(days=1))
