"""A fact's version orders as recorded time, sequence and id do, for every id that a source may send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Meta
from contracts.versions import EPOCH_SECONDS, mark_version, recorded_seconds

MOMENTS = st.datetimes(
    datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))])
)


def meta(name: str, at: datetime, sequence: int = 0) -> Meta:
    return Meta(name, "office", "attendance-marked", at, at, sequence=sequence)


@given(st.text(min_size=1, max_size=40), MOMENTS, st.integers(0, 63))
def test_a_version_is_packed_from_seconds_sequence_and_the_ids_last_bytes(
    name: str, at: datetime, sequence: int
) -> None:
    seconds = int(at.timestamp())
    tie = int.from_bytes(name.replace("-", "").encode()[-2:], "big")
    version = mark_version(meta(name, at, sequence))
    assert version == (seconds - EPOCH_SECONDS) << 22 | sequence << 16 | tie
    assert recorded_seconds(version) == seconds


def test_what_lies_outside_is_clamped() -> None:
    assert mark_version(meta("00", datetime(1999, 1, 1, tzinfo=UTC), -1)) == int.from_bytes(b"00", "big")
    beyond = mark_version(meta("zz", datetime(9999, 1, 1, tzinfo=UTC), 1000))
    assert beyond >> 22 == (1 << 32) - 1 and beyond >> 16 & 63 == 63
