from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from contracts.codes import ClockPhase
from services.ingest.clock_events import clock_advanced
from services.ingest.dates import TOKYO, Window, school_year_of
from services.ingest.ticks import CATCH_UP_DAYS, Tick, Times, due

TIMES = Times(time(11, 0), time(18, 0))
DAY = date(2026, 6, 10)
SETTLE, CLOSE = Tick(DAY, ClockPhase.settle), Tick(DAY, ClockPhase.close)


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=TOKYO)


def test_the_first_day_begins_with_what_has_come_today() -> None:
    assert due(None, at(10, 59), TIMES) == []
    assert due(None, at(11, 0), TIMES) == [SETTLE]
    assert due(None, at(18, 0), TIMES) == [SETTLE, CLOSE]


def test_each_moment_comes_once() -> None:
    assert due(SETTLE, at(17, 59), TIMES) == []
    assert due(SETTLE, at(18, 1), TIMES) == [CLOSE]
    assert due(CLOSE, at(23, 59), TIMES) == []


def test_a_standstill_is_made_up_in_order_and_within_bounds() -> None:
    later = due(SETTLE, at(12, 0, DAY + timedelta(days=2)), TIMES)
    assert later[0] == CLOSE
    assert [TIMES.moment(each) for each in later] == sorted(TIMES.moment(each) for each in later)
    assert len(later) == 4
    long_ago = due(Tick(DAY - timedelta(days=90), ClockPhase.close), at(23, 0), TIMES)
    assert len(long_ago) == 2 * (CATCH_UP_DAYS + 1)


def test_the_clock_is_japanese_whatever_the_process_thinks() -> None:
    assert due(None, datetime(2026, 6, 10, 1, 59, tzinfo=UTC), TIMES) == []
    assert due(None, datetime(2026, 6, 10, 2, 0, tzinfo=UTC), TIMES) == [SETTLE]


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
