"""From drafts to events: order of writing, times in Japan, deterministic ids.

A draft says what is written by whom at which minute of the day; the printer turns a day's drafts into events.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from itertools import groupby

from contracts.envelope import Event, Meta
from contracts.records import Record
from contracts.registry import BY_BODY

#: The school office system (校務支援): registry, attendance, infirmary.
OFFICE = "school-office"
#: The survey system, which knows children by kana and birth date only.
SURVEYS = "surveys"

_JAPAN = timedelta(hours=9)
_MORNING_MINUTE = 8 * 60 + 30


@dataclass(frozen=True)
class Draft:
    """A record about ``about`` (school date), written at ``minute`` of the day on which the draft is printed."""

    minute: int
    body: Record
    about: date
    source: str = OFFICE
    about_minute: int = _MORNING_MINUTE


class Printer:
    """Prints days in order; ids depend on the seed, the school year and the running number alone."""

    def __init__(self, seed: int, year: int) -> None:
        self._prefix = f"{seed}.{year}."
        self._running = 0

    def print_day(self, on: date, drafts: Iterable[Draft]) -> list[Event]:
        """The events of one day in order of recorded time; equal minutes keep the order of drafting."""
        events: list[Event] = []
        ordered = sorted(drafts, key=lambda draft: draft.minute)
        for minute, group in groupby(ordered, key=lambda draft: draft.minute):
            together = list(group)
            for position, draft in enumerate(together):
                second = position * 60 / len(together)
                events.append(self._event(draft, japan_time(on, minute, second)))
        return events

    def _event(self, draft: Draft, recorded_at: datetime) -> Event:
        self._running += 1
        identity = blake2b(f"{self._prefix}{self._running}".encode(), digest_size=16).hexdigest()
        happened_at = min(recorded_at, japan_time(draft.about, draft.about_minute))
        name = BY_BODY[type(draft.body)].name
        return Event(Meta(identity, draft.source, name, happened_at, recorded_at), draft.body)


def japan_time(day: date, minute: int, second: float = 0.0) -> datetime:
    """A moment of a Japanese day, in UTC (8:40 in Japan is 23:40 of the day before)."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight - _JAPAN + timedelta(minutes=minute, milliseconds=int(second * 1000))
