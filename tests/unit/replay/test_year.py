"""A made year is a function of its settings, however it is shared; a file is read as ingest reads it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from contracts.envelope import Event
from contracts.records import AttendanceRecorded, AttendanceRetracted
from kizashi.replay.given import GivenYear, Unreadable, read
from kizashi.replay.made import MadeYear
from simulator.cloudevents import to_lines

YEAR = MadeYear(pupils=60, days=45, seed=4, days_at_once=20)


def everything(year: MadeYear) -> list[Event]:
    return [event for events, _ in year.sending() for event in events]


def odd(event: Event) -> bool:
    body = event.body
    assert isinstance(body, AttendanceRecorded | AttendanceRetracted)
    return int((body.pupil.source_id or "p0")[1:]) % 2 == 1


def test_a_first_day_then_stretches_and_every_day_passes_once() -> None:
    days = [day for _, days in YEAR.sending() for day in days]
    assert [len(YEAR.clock(number)) for number in range(YEAR.parts)] == [1, 20, 20, 4]
    assert days == YEAR.load.school_days()[:45]


def test_two_shares_are_the_whole() -> None:
    for number in range(YEAR.parts):
        shares = [YEAR.part(number, odd), YEAR.part(number, lambda event: not odd(event))]
        whole = YEAR.part(number, lambda _: True)
        assert Counter(map(repr, [*shares[0], *shares[1]])) == Counter(map(repr, whole))
        assert all(map(odd, shares[0]))


def test_every_childs_day_is_told_and_some_again() -> None:
    told = Counter(
        (event.body.pupil.source_id, event.body.date)
        for event in everything(YEAR)
        if isinstance(event.body, AttendanceRecorded)
    )
    assert len(told) == 60 * 45
    assert 0 < sum(count > 1 for count in told.values()) < 60


def test_some_are_withdrawn_late_or_sent_twice_and_the_seed_decides() -> None:
    events = everything(MadeYear(300, 45))
    names = Counter(event.meta.id for event in events)
    days = [event.body.date for event in events if isinstance(event.body, AttendanceRecorded)]
    assert any(isinstance(event.body, AttendanceRetracted) for event in events)
    assert max(names.values()) == 2
    assert days != sorted(days)
    assert everything(MadeYear(300, 45, seed=2)) != events == everything(MadeYear(300, 45))


def test_a_corrections_version_is_newer_than_what_it_corrects() -> None:
    newest: dict[object, Event] = {}
    for event in everything(YEAR):
        assert isinstance(event.body, AttendanceRecorded | AttendanceRetracted)
        key = (event.body.pupil.source_id, event.body.date)
        before = newest.setdefault(key, event)
        assert event is before or event.meta.id == before.meta.id or event.meta != before.meta
        assert event.meta.id == before.meta.id or event.meta.recorded_at > before.meta.recorded_at


def test_a_file_is_the_events_that_were_written(tmp_path: Path) -> None:
    sent = [*YEAR.registry(), *YEAR.part(0, lambda _: True)]
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(to_lines(sent)))
    found = read(file, "bench-office")
    assert [event.body for event in found.sent] == [event.body for event in sent]
    assert [e.meta.recorded_at for e in found.sent] == [e.meta.recorded_at for e in sent]
    assert len(found.registry()) + found.expected() == len(sent)
    assert found.clock(0) == YEAR.clock(0)


def test_a_line_that_is_no_record_is_named_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"".join(to_lines(YEAR.registry()[:2])) + b'{"name": "secret"}\n')
    with pytest.raises(Unreadable, match="line 3") as told:
        read(file, "bench-office")
    assert "secret" not in str(told.value)


def test_given_events_keep_their_order() -> None:
    sent = [*YEAR.part(0, lambda _: True), *YEAR.registry()]
    given = GivenYear(sent)
    [(events, days)] = given.sending()
    assert events == sent
    assert days == YEAR.clock(0)
