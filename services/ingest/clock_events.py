"""A moment of the school clock as an event to every lane; the same whoever tells it."""

from datetime import datetime

from contracts.envelope import Event, Meta
from contracts.records import ClockAdvanced
from services.ingest.ticks import Tick, Times
from services.ingest.tracing import traceparent
from services.ingest.validate import CLOCK_TYPE
from services.ingest.ways import RECORDS
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing


def clock_advanced(tick: Tick, times: Times, now: datetime, source: str) -> Outgoing:
    """The event of a tick, dated at the moment itself, accepted at ``now``."""
    body = ClockAdvanced(tick.day, tick.phase, tick.minute)
    moment = times.moment(tick)
    of_day = () if tick.minute is None else (str(tick.minute),)
    name = derived_id(CLOCK_TYPE, tick.day.isoformat(), tick.phase.value, *of_day)
    meta = Meta(name, source, CLOCK_TYPE, moment, moment, traceparent=traceparent(), origin_at=now)
    return Outgoing(RECORDS, body, name, cause=Event(meta, body), everywhere=True, source=source)
