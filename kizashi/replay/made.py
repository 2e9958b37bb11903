"""A year that is made up: a function of its settings, so two processes make the same one, each its own part.

Regular, as the load of ``kizashi bench`` is: only its size, its rhythm and its irregularities matter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from contracts.codes import AttendanceCode
from contracts.envelope import Event, Meta
from contracts.records import AttendanceRecorded, AttendanceRetracted, PersonNames, PupilRegistered
from contracts.registry import BY_BODY
from kizashi.bench.workload import SOURCE, Workload
from kizashi.replay.year import Mine
from services.kit.ids import derived_id

_DIGITS = "アイウエオカキクケコ"
#: Six grades are born in six years; the prime spreads neighbours over them.
_FIRST_BIRTH, _BIRTH_DAYS, _PRIME = date(2013, 4, 2), 2191, 37


@dataclass(frozen=True)
class MadeYear:
    """A load of regular days with what real days bring: corrections, withdrawals, records late or twice.

    Of 1,000 child's days five are corrected the next morning, one is withdrawn, five come three days late and
    two come twice; ``seed`` decides which. ``days_at_once``: school days in a part; the first part is one day.
    """

    pupils: int
    days: int
    seed: int = 1
    days_at_once: int = 20

    @cached_property
    def load(self) -> Workload:
        """The regular part."""
        return Workload(self.pupils, self.days)

    def foreword(self) -> list[Event]:
        """The registry."""
        return self.registry()

    def sending(self) -> Iterator[tuple[list[Event], list[date]]]:
        """Day after day."""
        own = range(self.pupils)
        for day in range(self.days):
            yield list(self._sent_on(day, own)), [self.load.school_days_cached[day]]
        yield list(self._afterwards(own)), []

    def registry(self) -> list[Event]:
        """The load's own, every child with a reading of its own and few born on one day, as in a city."""
        return [_named(event) for event in self.load.registry()]

    @property
    def parts(self) -> int:
        """One day, then stretches of days."""
        return 1 + -(-(self.days - 1) // self.days_at_once)

    def _range(self, number: int) -> range:
        if number == 0:
            return range(min(1, self.days))
        begin = 1 + (number - 1) * self.days_at_once
        return range(begin, min(begin + self.days_at_once, self.days))

    def part(self, number: int, mine: Mine) -> list[Event]:
        """Day after day; the last part also brings what comes after the last day."""
        own = [pupil for pupil in range(self.pupils) if mine(self.load.record(pupil, 0))]
        days = self._range(number)
        last = number == self.parts - 1
        sent = [event for day in days for event in self._sent_on(day, own)]
        return [*sent, *self._afterwards(own)] if last else sent

    def clock(self, number: int) -> list[date]:
        """The days of the part."""
        return [self.load.school_days_cached[day] for day in self._range(number)]

    def expected(self) -> int:
        """One record per child and day; what comes twice or again is not counted."""
        return self.pupils * self.days

    # --- what happens to a child's day ---

    def _fate(self, pupil: int, day: int) -> int:
        """0–999, evenly drawn."""
        return (pupil * 7919 + day * 104_729 + self.seed * 611_953 + pupil * day * 31) % 1000

    def _sent_on(self, day: int, own: Sequence[int]) -> Iterator[Event]:
        record, fate = self.load.record, self._fate
        for pupil in own:
            drawn = fate(pupil, day)
            if 6 <= drawn < 11:
                continue
            event = record(pupil, day)
            yield event
            if drawn in (11, 12):
                yield event
        yield from self._late(day, own)

    def _afterwards(self, own: Sequence[int]) -> Iterator[Event]:
        """What is sent after the last day."""
        for day in range(self.days, self.days + 3):
            yield from self._late(day, own)

    def _late(self, day: int, own: Sequence[int]) -> Iterator[Event]:
        """What is sent on ``day`` about earlier days."""
        for pupil in own:
            if 0 < day <= self.days and self._fate(pupil, day - 1) < 6:
                yield self._changed(pupil, day - 1)
            if 3 <= day < self.days + 3 and 6 <= self._fate(pupil, day - 3) < 11:
                yield self.load.record(pupil, day - 3)

    def _changed(self, pupil: int, day: int) -> Event:
        """The day corrected, or taken back, the next morning."""
        before = self.load.record(pupil, day)
        body = before.body
        assert isinstance(body, AttendanceRecorded)
        at = before.meta.recorded_at + timedelta(hours=23)
        if self._fate(pupil, day) == 0:
            return _again(before, AttendanceRetracted(body.pupil, body.school, body.date), at)
        code = AttendanceCode.other if body.code is AttendanceCode.present else AttendanceCode.present
        return _again(before, AttendanceRecorded(body.pupil, body.school, body.date, code), at)


def _named(event: Event) -> Event:
    body = event.body
    if not isinstance(body, PupilRegistered):
        return event
    number = body.pupil_id.removeprefix("p")
    kana = "".join(_DIGITS[int(digit)] for digit in number)
    names = [PersonNames("測定", f"児童{number}", "ソクテイ", kana)]
    born = _FIRST_BIRTH + timedelta(days=int(number) * _PRIME % _BIRTH_DAYS)
    return Event(event.meta, PupilRegistered(body.pupil_id, names, born))


def _again(before: Event, body: AttendanceRecorded | AttendanceRetracted, at: datetime) -> Event:
    name = derived_id("replay", before.meta.id)
    return Event(Meta(name, SOURCE, BY_BODY[type(body)].name, at, at), body)
