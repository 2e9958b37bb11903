"""Strips merge alike in any order, any number of times, in any batches."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.features.schoolyear import DAYS
from services.features.strips import BLOCK, EMPTY, Marks, merge, pack, unpack

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


def _marks(listed: list[tuple[int, int, int, int, int]]) -> Marks:
    row, day, status, flags, version = (
        (list(column) for column in zip(*listed, strict=True)) if listed else [[]] * 5
    )
    return Marks(
        row=np.array(row, np.int64),
        day=np.array(day, np.int64),
        status=np.array(status, np.uint8),
        flags=np.array(flags, np.uint8),
        class_index=np.array([1] * len(row), np.uint8),
        version=np.array(version, np.int64),
    )


def _merged(batches: list[list[tuple[int, int, int, int, int]]]) -> list[bytes]:
    blocks = [EMPTY] * 3
    for batch in batches:
        strips = unpack(blocks)
        merge(strips, _marks(batch))
        blocks = pack(strips)
    return blocks


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
    strips = unpack([EMPTY])
    applied = merge(strips, _marks([(0, 5, 1, 0, 10), (0, 5, 2, 0, 9), (0, 6, 1, 0, 1)]))
    assert applied.tolist() == [True, False, True]
    assert merge(strips, _marks([(0, 5, 1, 0, 10)])).tolist() == [False]


def test_a_withdrawn_day_keeps_its_class() -> None:
    strips = unpack([EMPTY])
    merge(strips, _marks([(0, 5, 1, 0, 10)]))
    gone = _marks([(0, 5, 0, 0, 11)])
    gone.class_index[:] = 0
    merge(strips, gone)
    assert (strips.status[0, 5], strips.class_index[0, 5]) == (0, 1)


def test_packing_is_exact() -> None:
    rng = np.random.default_rng(1)
    blocks = [rng.integers(0, 256, BLOCK, dtype=np.uint8).tobytes() for _ in range(3)]
    assert pack(unpack(blocks)) == blocks
    assert unpack(blocks).version.shape == (3, DAYS)
