"""Strips merge alike in any order, any number of times, in any batches."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.features.schoolyear import DAYS
from services.features.strips import (
    BLOCK,
    EMPTY,
    DayMark,
    block,
    codes,
    ends_with,
    merge,
    unpack,
    version_at,
)

marks_ = st.lists(
    st.tuples(
        st.integers(0, 2),  # row
        st.integers(0, 3),  # day
        st.integers(0, 8),  # status
        st.integers(0, 31),  # flags
        st.integers(1, 4),  # version
    ),
    max_size=30,
)


def _merged(batches: list[list[tuple[int, int, int, int, int]]]) -> list[bytes]:
    strips = [EMPTY] * 3
    for batch in batches:
        for row in range(3):
            marks = [DayMark(day, s, f, 1, version) for at, day, s, f, version in batch if at == row]
            strips[row], _ = merge(strips[row], marks)
    return strips


@settings(max_examples=200, deadline=None)
@given(marks=marks_, data=st.data())
def test_order_batches_and_repeats_do_not_matter(
    marks: list[tuple[int, int, int, int, int]], data: st.DataObject
) -> None:
    shuffled = data.draw(
        st.permutations(
            marks + data.draw(st.lists(st.sampled_from(marks), max_size=5) if marks else st.just([]))
        )
    )
    cut = data.draw(st.integers(0, len(shuffled)))
    assert _merged([marks]) == _merged([shuffled[:cut], shuffled[cut:]])


@settings(max_examples=100, deadline=None)
@given(marks=marks_)
def test_the_newest_wins_and_the_greater_content_decides_a_tie(
    marks: list[tuple[int, int, int, int, int]],
) -> None:
    strips = unpack(_merged([marks]))
    for row in range(3):
        for day in range(4):
            own = [(v, s, f) for r, d, s, f, v in marks if (r, d) == (row, day)]
            found = (strips.version[row, day], strips.status[row, day], strips.flags[row, day])
            assert tuple(int(n) for n in found) == max(own, default=(0, 0, 0))


def test_what_won_is_told() -> None:
    marks = [DayMark(5, 1, 0, 1, 10), DayMark(5, 2, 0, 1, 9), DayMark(6, 1, 0, 1, 1)]
    strip, won = merge(EMPTY, marks)
    assert won == [0, 2]
    assert merge(strip, marks[:1]) == (strip, [])


def test_a_withdrawn_day_keeps_its_class() -> None:
    strip, _ = merge(EMPTY, [DayMark(5, 1, 0, 1, 10)])
    strip, won = merge(strip, [DayMark(5, 0, 0, 0, 11)])
    assert (won, strip[5], strip[2 * DAYS + 5], version_at(strip, 5)) == ([0], 0, 1, 11)


def test_columns_are_taken_out_exactly() -> None:
    rng = np.random.default_rng(1)
    blocks = [rng.integers(0, 256, BLOCK, dtype=np.uint8).tobytes() for _ in range(3)]
    whole = unpack(blocks)
    columns = (whole.status, whole.flags, whole.class_index, whole.version)
    for row, strip in enumerate(blocks):
        assert block(*(column[row].tobytes() for column in columns)) == strip
        assert [version_at(strip, day) for day in range(DAYS)] == whole.version[row].tolist()
    status, flags = codes(blocks)
    assert (status == whole.status).all()
    assert (flags == whole.flags).all()


def test_a_strip_knows_its_last_marked_day() -> None:
    strip, _ = merge(EMPTY, [DayMark(5, 1, 0, 1, 1), DayMark(300, 1, 0, 1, 1 << 40)])
    assert [day for day in range(DAYS) if ends_with(strip, day)] == list(range(300, DAYS))
