"""Envelopes and records for the tests of the door."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from services.ingest.dates import Window
from services.ingest.envelopes import Envelope, lines
from services.ingest.validate import RECORD_TYPES, Draft, Grant, draft

NOW = datetime(2026, 6, 10, 1, 0, tzinfo=UTC)
WINDOW = Window.at(NOW)
SCHOOL = "B101210000018"
OTHER_SCHOOL = "C139290001200"
ALL = Grant("soumu", types=RECORD_TYPES)

BODIES: dict[str, dict[str, Any]] = {
    "school-registered": {"school": SCHOOL, "name": "第一小学校", "kind": "elementary"},
    "class-registered": {"school": SCHOOL, "school_year": 2026, "grade": 5, "label": "2"},
    "staff-registered": {"staff_id": "T9", "names": {"family": "田中", "given": "一郎"}},
    "staff-assigned": {
        "assignment_id": "A1",
        "staff_id": "T9",
        "school": SCHOOL,
        "role": "homeroom",
        "valid_from": "2026-04-01",
        "valid_to": "2027-04-01",
        "school_year": 2026,
        "grade": 5,
        "class_label": "2",
    },
    "pupil-registered": {
        "pupil_id": "1001",
        "names": [{"family": "山田", "given": "花子", "family_kana": "ヤマダ", "given_kana": "ハナコ"}],
        "birth_date": "2015-05-05",
    },
    "pupil-enrolled": {
        "enrolment_id": "E1",
        "pupil_id": "1001",
        "school": SCHOOL,
        "school_year": 2026,
        "grade": 5,
        "class_label": "2",
        "valid_from": "2026-04-01",
        "valid_to": "2027-04-01",
        "number": 7,
    },
    "pupil-erasure-requested": {"pupil_id": "1001"},
    "calendar-published": {
        "school": SCHOOL,
        "school_year": 2026,
        "days": [{"date": "2026-06-10", "kind": "school_day"}],
    },
    "attendance-recorded": {
        "pupil": {"source_id": "1001"},
        "school": SCHOOL,
        "date": "2026-06-10",
        "code": 2,
    },
    "attendance-retracted": {"pupil": {"source_id": "1001"}, "school": SCHOOL, "date": "2026-06-10"},
    "roll-call-taken": {
        "school": SCHOOL,
        "school_year": 2026,
        "grade": 5,
        "class_label": "2",
        "date": "2026-06-10",
        "exceptions": [{"pupil": {"source_id": "1001"}, "code": 2}],
    },
    "survey-answered": {
        "pupil": {"source_id": "1001"},
        "survey": "lesson",
        "school_year": 2026,
        "round": 1,
        "date": "2026-06-09",
        "answers": [{"question": "enjoy_math", "value": 4}],
    },
    "infirmary-visited": {
        "visit_id": "V1",
        "pupil": {"source_id": "1001"},
        "school": SCHOOL,
        "date": "2026-06-10",
        "kind": "internal",
    },
    "infirmary-visit-retracted": {
        "visit_id": "V1",
        "pupil": {"source_id": "1001"},
        "school": SCHOOL,
        "date": "2026-06-10",
    },
    "clock-advanced": {"date": "2026-06-10", "phase": "settle"},
}


def event(kind: str = "attendance-recorded", /, **changes: Any) -> dict[str, Any]:
    """A structured event; ``changes`` go into its data, a field set to ``...`` is left out."""
    data = {**BODIES[kind], **changes}
    return {
        "specversion": "1.0",
        "id": f"{kind}-1",
        "source": "office",
        "type": kind,
        "time": "2026-06-10T08:40:00+09:00",
        "data": {name: value for name, value in data.items() if value is not ...},
    }


def envelope(kind: str = "attendance-recorded", /, **changes: Any) -> Envelope:
    """The same, read."""
    (item,) = lines(json.dumps(event(kind, **changes)).encode())
    assert isinstance(item.content, Envelope)
    return item.content


def drafted(kind: str = "attendance-recorded", /, **changes: Any) -> Draft:
    """The same, decoded by its schema."""
    return draft(envelope(kind, **changes))
