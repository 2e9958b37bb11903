"""Which records also go where school days are settled, and that both copies share id and lane."""

from __future__ import annotations

from datetime import time

import pytest

from contracts import catalogue
from contracts.registry import encode
from services.ingest.inbound import Inbound
from services.ingest.roll_calls import RollCalls
from services.ingest.sift import outgoing
from services.ingest.ticks import Times
from services.ingest.ways import RECORDS, SCHOOL_RECORDS, SETTLING, ways
from services.kit.outgoing import targets_of
from tests.unit.ingest.samples import ALL, BODIES, NOW, drafted

KEY = b"k" * 32


@pytest.mark.parametrize("kind", sorted(BODIES))
def test_a_copy_goes_where_days_settle_and_only_of_what_settles_them(kind: str) -> None:
    record = outgoing(drafted(kind), ALL, KEY, NOW, "")
    topics = [way.topic for way in ways(record)]
    assert topics == ([RECORDS, SCHOOL_RECORDS] if kind in SETTLING else [RECORDS])


@pytest.mark.parametrize("kind", sorted(SETTLING))
def test_both_copies_are_one_event_in_the_same_lanes(kind: str) -> None:
    first, second = ways(outgoing(drafted(kind), ALL, KEY, NOW, ""))
    assert (first.id, first.key, first.cause) == (second.id, second.key, second.cause)
    assert list(targets_of(first)) == list(targets_of(second))


def test_the_copy_of_a_roll_call_names_no_child() -> None:
    exceptions = [{"pupil": {"source_id": "1001"}, "code": 2}]
    first, second = ways(outgoing(drafted("roll-call-taken", exceptions=exceptions), ALL, KEY, NOW, ""))
    assert b"1001" in encode(first.body)
    assert b"1001" not in encode(second.body)


def test_nobody_but_identity_reads_what_names_children() -> None:
    assert catalogue.topic(RECORDS).consumers == ["identity.records"]
    assert RollCalls(Times(time(11), time(18))).topics == (SCHOOL_RECORDS,)
    assert RECORDS not in Inbound(["soumu"], KEY, lambda: NOW).topics
