"""``class-day-counts`` in, ``class-days-tallied`` out: the lanes' shares of a school's day, added up.

Versions add up too: each share's version only grows, so the sum orders the tallies. The tally goes
to every partition of ``pupil-facts``, because each lane keeps its own copy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from contracts.envelope import Event
from contracts.facts import ClassDayCounted, ClassDaysTallied, ClassTally
from contracts.registry import BY_BODY
from services.features.cache import DayKey
from services.features.store.shares import Share, load_shares, save_shares
from services.features.versions import bounded
from services.kit.caches import remember
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction


@dataclass(slots=True)
class TallyCache:
    """Shares of schools' days by features lane, the longest untouched first."""

    days: dict[DayKey, dict[int, Share]] = field(default_factory=dict)


class Tally:
    """The subscriber ``features.tally``."""

    consumer = "features.tally"
    topics = ("class-day-counts",)
    wants = frozenset({BY_BODY[ClassDayCounted].name})

    def __init__(self, cached_days: int) -> None:
        self.cached_days = cached_days

    def new_cache(self, partition: int) -> TallyCache:
        """A lane that remembers nothing."""
        return TallyCache()

    async def handle(self, lanes: Sequence[Lane[TallyCache]], tx: Transaction) -> Effects:
        """Apply one poll: one tally per school and day that any share of it changed."""
        effects = Effects()
        days = await _load(lanes, tx)
        changed: dict[DayKey, tuple[int, Event]] = {}
        saved: dict[tuple[str, date, int], Share] = {}
        for lane in lanes:
            for event in lane.events:
                body: ClassDayCounted = event.body  # type: ignore[assignment]
                key = (body.school, body.date)
                held = days[key].get(body.lane)
                if held is not None and held.version >= body.version:
                    effects.stale[lane.partition] += 1
                    continue
                days[key][body.lane] = saved[(*key, body.lane)] = Share(body.classes, body.version)
                changed[key] = (lane.partition, event)
        await save_shares(tx, ((*key, share) for key, share in saved.items()))
        for key, (partition, cause) in changed.items():
            effects.emit(partition, _outgoing(key, days[key], cause))
        effects.after_commit.append(lambda: self._remember(lanes, days))
        return effects

    def _remember(self, lanes: Sequence[Lane[TallyCache]], days: dict[DayKey, dict[int, Share]]) -> None:
        for lane in lanes:
            remember(lane.cache.days, {key: days[key] for key in _keys(lane.events)}, self.cached_days)


async def _load(lanes: Sequence[Lane[TallyCache]], tx: Transaction) -> dict[DayKey, dict[int, Share]]:
    """The shares of every school's day in this poll, as copies to change."""
    days: dict[DayKey, dict[int, Share]] = {}
    missing: list[DayKey] = []
    for lane in lanes:
        for key in _keys(lane.events):
            if key in lane.cache.days:
                days[key] = dict(lane.cache.days[key])
            else:
                missing.append(key)
    if missing:
        days.update(await load_shares(tx, missing))
    return days


def _keys(events: Iterable[Event]) -> dict[DayKey, None]:
    """Schools' days of events, each once, in order."""
    return {(event.body.school, event.body.date): None for event in events}  # type: ignore[attr-defined]


def tally_of(shares: Iterable[Share]) -> list[ClassTally]:
    """The lanes' counts added up, by class."""
    counts: dict[str, list[int]] = {}
    for share in shares:
        for each in share.classes:
            total = counts.setdefault(each.class_id, [0, 0, 0])
            total[0] += each.counted
            total[1] += each.absent
            total[2] += each.late
    return [ClassTally(class_id, *total) for class_id, total in sorted(counts.items())]


def _outgoing(key: DayKey, shares: dict[int, Share], cause: Event) -> Outgoing:
    school, day = key
    version = bounded(sum(share.version for share in shares.values()))
    body = ClassDaysTallied(school, day, tally_of(shares.values()), version)
    name = derived_id("class-days-tallied", school, day.isoformat(), str(version))
    return Outgoing("pupil-facts", body, name, cause=cause, everywhere=True)
