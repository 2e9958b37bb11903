"""The ways of an accepted record: all go into ``records``, for identity; a few also to ingest's own subscriber.

``records`` is nine tenths attendance. The subscriber that settles school days needs none of it, and whoever
does not read it cannot leak it.
"""

from dataclasses import replace

import msgspec

from contracts import catalogue
from contracts.envelope import type_of
from contracts.records import RollCallTaken
from contracts.registry import Body
from services.kit.lanes import Outgoing

RECORDS, SCHOOL_RECORDS = "records", "school-records"
#: Types by which a school day settles: classes, calendars, roll-calls, the clock.
SETTLING = frozenset(catalogue.topic(SCHOOL_RECORDS).types)


def ways(record: Outgoing) -> list[Outgoing]:
    """A record on its way into ``records``, and its copy where school days are settled; the same lane in both."""
    if type_of(record.body) in SETTLING:
        return [record, replace(record, topic=SCHOOL_RECORDS, body=_without_children(record.body))]
    return [record]


def _without_children(body: Body) -> Body:
    """A class is taken whoever is missing from it."""
    return msgspec.structs.replace(body, exceptions=[]) if isinstance(body, RollCallTaken) else body
