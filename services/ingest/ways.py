"""The ways of an accepted record: all go into ``records``, for identity; a few also to ingest's own subscriber.

``records`` is nine tenths attendance. The subscriber that settles school days needs none of it, and whoever
does not read it cannot leak it.
"""

from dataclasses import replace

from contracts import catalogue
from contracts.envelope import type_of
from services.kit.lanes import Outgoing

RECORDS, SCHOOL_RECORDS = "records", "school-records"
#: Types by which a school day settles: classes, calendars, roll-calls, the clock.
SETTLING = frozenset(catalogue.topic(SCHOOL_RECORDS).types)


def ways(record: Outgoing) -> list[Outgoing]:
    """A record on its way into ``records``, and its copy where school days are settled; the same lane in both."""
    if type_of(record.body) in SETTLING:
        return [record, replace(record, topic=SCHOOL_RECORDS)]
    return [record]
