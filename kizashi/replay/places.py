"""In which lane of ``records`` a replay puts a record.

On the bus a blind key decides. Here nobody may be kept from knowing, so a child whom its source names by number
is put where its facts will belong: the worker who finds the child is mostly the one who counts its days.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from contracts.codes import ClockPhase
from contracts.envelope import Event
from kizashi.replay.logs import Logs
from kizashi.replay.year import pupil_of
from services.identity.minting import Minter
from services.ingest.blind import lane_key
from services.ingest.clock_events import clock_advanced
from services.ingest.settings import Settings
from services.ingest.ticks import Tick
from services.ingest.ways import RECORDS, SCHOOL_RECORDS, SETTLING, ways
from services.kit.lanes import Outgoing
from services.kit.outgoing import partitions
from services.kit.partitioner import partition_of

CLOCK = "replay-clock"


class Places:
    """Partitions of records; the same children have the same one."""

    def __init__(self, minter: Minter, ingest_key: bytes) -> None:
        self._minter = minter
        self._key = ingest_key
        self._count = partitions(RECORDS)
        self._known: dict[tuple[str, str], int] = {}

    def of(self, event: Event) -> int:
        """The partition of a record that belongs to somebody."""
        ref = pupil_of(event)
        if ref is None or ref.source_id is None:
            return partition_of(lane_key(self._key, event.meta.source, event.body), self._count)
        name = (event.meta.source, ref.source_id)
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = partition_of(self._minter.linkage(*name), self._count)
        return found

    def put(self, logs: Logs, events: Iterable[Event]) -> None:
        """Records of this worker into its lanes."""
        for event in events:
            lane = self.of(event)
            logs.put(RECORDS, lane, event)
            if event.meta.type in SETTLING:
                logs.put(SCHOOL_RECORDS, lane, event)


def passed(days: Iterable[date], settings: Settings, close: bool) -> list[Outgoing]:
    """School time: each day settles and, where asked for, closes."""
    now = datetime.now(UTC)
    phases = (ClockPhase.settle, ClockPhase.close) if close else (ClockPhase.settle,)
    ticks = [Tick(day, phase) for day in days for phase in phases]
    return [way for tick in ticks for way in ways(clock_advanced(tick, settings.times, now, CLOCK))]
