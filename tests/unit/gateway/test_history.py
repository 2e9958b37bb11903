"""An alert's history as told: figures of another day are one line, whatever other alerts did meanwhile."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from contracts.codes import Band
from services.gateway.readers.child import _append
from services.gateway.views import AlertStep, HistoryLine

BEGAN = HistoryLine(datetime(2026, 2, 2, 9, 0, tzinfo=UTC), "a", AlertStep.raised, Band.watch)


def _changed(day: int, level: Band = Band.watch, alert_id: str = "a") -> HistoryLine:
    return HistoryLine(BEGAN.at + timedelta(days=day), alert_id, AlertStep.changed, level)


def told(*lines: HistoryLine) -> list[HistoryLine]:
    found: list[HistoryLine] = []
    for line in lines:
        _append(found, line)
    return found


def test_the_same_said_again_takes_the_place_of_what_was_said() -> None:
    assert told(BEGAN, _changed(1), _changed(2), _changed(3)) == [BEGAN, replace(_changed(3), times=3)]


def test_another_level_is_another_line() -> None:
    lines = (BEGAN, _changed(1), _changed(2, Band.check), _changed(3))
    assert told(*lines) == list(lines)


def test_another_alert_between_them_does_not_matter() -> None:
    other = _changed(1, alert_id="b")
    assert told(_changed(0), other, _changed(2)) == [other, replace(_changed(2), times=2)]


def test_what_people_did_is_never_joined() -> None:
    seen = HistoryLine(BEGAN.at, "a", AlertStep.seen, by="小林 航")
    assert told(seen, seen) == [seen, seen]
