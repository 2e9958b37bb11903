"""A packed record is the same whether a day or numpy made it, and a month's last bytes are its folds."""

import numpy as np
import pytest

from services.scoring.bands import START, Fold
from services.scoring.child import ChildYear
from services.scoring.days import (
    FOLDS,
    QUIET,
    RECORD,
    SETTLED,
    SIZE,
    Day,
    chunk_of,
    counts,
    find,
    folded,
    number_of,
    pack_day,
    packed,
    records_of,
    removed_day,
    unpack_day,
)
from services.scoring.judging import Rows, judge
from services.scoring.layout import as_values
from services.scoring.shelf import Shelf
from tests.unit.scoring.builders import FIRST, values, vector

DAY = Day(300, 1 << 40, 1 << 41, SETTLED, 5, 0.5, -1.25, -2.5, 0.25, 7, 8, 0x21, 0x32)


def test_numpy_lays_a_record_out_as_a_day_is_packed() -> None:
    rows = np.zeros(2, RECORD)
    for name, value in zip(RECORD.names or (), DAY[:13], strict=False):
        rows[name] = value
    rows["folds"] = int.from_bytes(QUIET, "little")
    assert RECORD.itemsize == SIZE
    assert packed(rows) == [pack_day(DAY)] * 2
    assert unpack_day(pack_day(DAY)) == DAY
    assert number_of(pack_day(DAY)) == 300


def test_folds_go_on_from_the_last_bytes() -> None:
    days = [pack_day(DAY._replace(day=number)) for number in (10, 11)]
    chunk = chunk_of(QUIET, days)
    assert [unpack_day(record).fold for record in records_of(chunk)] == [Fold(1, 0, 10)] * 2
    assert unpack_day(records_of(chunk)[1]).combined_fold == Fold(2, 0, 10)
    assert chunk == chunk_of(chunk[:FOLDS], days)
    assert chunk_of(chunk[-FOLDS:], [])[-FOLDS:] == chunk[-FOLDS:]
    assert find(chunk, 11) == records_of(chunk)[1]
    assert find(chunk, 12) is None


def test_what_does_not_count_leaves_the_folds_as_they_were() -> None:
    before = chunk_of(QUIET, [pack_day(DAY)])[-FOLDS:]
    for record in (pack_day(DAY._replace(flags=0)), removed_day(301, 9)):
        assert not counts(record)
        assert folded(record, before) == record[:-FOLDS] + before
    assert unpack_day(removed_day(301, 9)).fold == START


def test_a_day_before_its_year_and_a_row_of_another_width_are_refused() -> None:
    rows = Rows([vector(-1, 1, values())], [1], [FIRST.toordinal()], [1])
    with pytest.raises(ValueError, match="before its school year"):
        judge(rows, Shelf())
    with pytest.raises(ValueError, match="another width"):
        as_values([[1.0], [1.0, 2.0, 3.0]], 2)


def test_months_long_past_leave_the_memory() -> None:
    child = ChildYear("0" * 32, 2025, "", "", 1, 0)
    for number in (10, 40, 70, 100):
        child.put([pack_day(DAY._replace(day=number))])
    assert child.touched == (0, 1, 2, 3)
    child.slim()
    assert sorted(child.months) == [2, 3]
    assert child.loaded_from == 2
    assert child.draft().touched == ()
