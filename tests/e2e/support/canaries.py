"""People whose names, numbers and words occur nowhere else, and everything that can be said of them.

Each word is a canary: wherever it is found later, it was carried there. The words fall into groups,
because a name may lie where a number may not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from tests.e2e.support.seventy import LAST, NEXT, SCHOOL, YEAR

MARKUP = '<img src=x onerror=alert("鷽麿")>'
#: What each group means, and its words.
WORDS: dict[str, tuple[str, ...]] = {
    "name": ("鷽替森", "鷽麿", "ウソカエモリ", "ウソマロ", "鷽通称森", "ウソツウモリ"),
    "staff name": ("鷽師森", "ウソシモリ"),
    "unknown child": ("ウソミシラヌ", "CNRYU7781"),
    "erased child": ("鷽消森", "ウソケシモリ", "CNRYX7781"),
    "number": ("CNRYP7781", "CNRYE7781", "CNRYV7781"),
    "staff number": ("CNRYS7781", "CNRYA7781"),
    "caller's words": ("CNRYI7781", "CNRYH7781", "CNRYO7781"),
    "note": ("鷽覚書",),
    "refused": ("鷽拒絶",),
    "undecodable": ("鷽死文",),
    "typed": ("鷽検索",),
}
BORN = date(2014, 9, 17)
NUMBER = 97
#: A class of the school: grade and label of its first.
GRADE, LABEL = 5, "1"
OFFICE, SURVEYS = "school-office", "surveys"

_ids = count(1)


def event(kind: str, data: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A CloudEvent as a caller without tact would send it: canaries in its id, source and extensions."""
    number = next(_ids)
    at = (datetime.now(UTC) + timedelta(seconds=number)).isoformat()
    return {
        "specversion": "1.0",
        "id": f"CNRYI7781-{number}",
        "source": "//office/CNRYO7781",
        "subject": "CNRYH7781",
        "pupilname": "CNRYH7781",
        "traceparent": "00-CNRYH7781",
        "type": kind,
        "time": at,
        "data": data,
        **more,
    }


def _enrolled(pupil: str, number: int) -> dict[str, Any]:
    return {
        "enrolment_id": "CNRYE7781" + pupil[-5:],
        "pupil_id": pupil,
        "school": SCHOOL,
        "school_year": YEAR,
        "grade": GRADE,
        "class_label": LABEL,
        "valid_from": f"{YEAR}-04-01",
        "valid_to": f"{YEAR + 1}-04-01",
        "number": number,
    }


def registry() -> Iterator[dict[str, Any]]:
    """A child with two names, one of them markup; a teacher; a child who will be erased."""
    names = [
        {"family": "鷽替森", "given": MARKUP, "family_kana": "ウソカエモリ", "given_kana": "ウソマロ"},
        {"family": "鷽通称森", "given": MARKUP, "family_kana": "ウソツウモリ", "kind": "school"},
    ]
    yield event("pupil-registered", {"pupil_id": "CNRYP7781", "names": names, "birth_date": BORN.isoformat()})
    yield event("pupil-enrolled", _enrolled("CNRYP7781", NUMBER))
    erased = [{"family": "鷽消森", "given": "消", "family_kana": "ウソケシモリ", "given_kana": "ケシ"}]
    yield event(
        "pupil-registered", {"pupil_id": "CNRYX7781", "names": erased, "birth_date": BORN.isoformat()}
    )
    yield event("pupil-enrolled", _enrolled("CNRYX7781", NUMBER + 1))
    teacher = {"family": "鷽師森", "given": "師", "family_kana": "ウソシモリ", "given_kana": "シ"}
    yield event("staff-registered", {"staff_id": "CNRYS7781", "names": teacher})
    yield event("staff-assigned", _post())


def _post() -> dict[str, Any]:
    return {
        "assignment_id": "CNRYA7781",
        "staff_id": "CNRYS7781",
        "school": SCHOOL,
        "role": "homeroom",
        "valid_from": f"{YEAR}-04-01",
        "valid_to": f"{YEAR + 1}-04-01",
        "school_year": YEAR,
        "grade": GRADE,
        "class_label": LABEL,
    }


def _day(pupil: dict[str, Any], on: date, code: int) -> dict[str, Any]:
    return {"pupil": pupil, "school": SCHOOL, "date": on.isoformat(), "code": code}


BY_NUMBER = {"source_id": "CNRYP7781"}
BY_NAME = {"family_kana": "ウソカエモリ", "given_kana": "ウソマロ", "birth_date": BORN.isoformat()}


def days(last_three: list[date]) -> Iterator[dict[str, Any]]:
    """Every kind of record about the child: three absences in a row, so that an alert is raised."""
    yield event("attendance-recorded", _day(BY_NUMBER, LAST - timedelta(days=14), 2))
    retracted = _day(BY_NUMBER, LAST - timedelta(days=14), 2)
    retracted.pop("code")
    yield event("attendance-retracted", retracted)
    for number, on in enumerate(last_three):
        yield event("attendance-recorded", _day(BY_NAME if number else BY_NUMBER, on, 3))
    visit = {**_day(BY_NUMBER, LAST, 0), "visit_id": "CNRYV7781", "kind": "internal", "symptom": "anxiety"}
    visit.pop("code")
    yield event("infirmary-visited", visit)
    wrong = {**visit, "visit_id": "CNRYV7781-wrong"}
    yield event("infirmary-visited", wrong)
    kept = {name: value for name, value in wrong.items() if name not in ("kind", "symptom")}
    yield event("infirmary-visit-retracted", kept)
    yield event("survey-answered", _answers())
    yield event("roll-call-taken", _roll_call())
    unknown = {"family_kana": "ウソミシラヌ", "given_kana": "ウソマロ", "birth_date": BORN.isoformat()}
    yield event("attendance-recorded", _day(unknown, LAST, 2))
    yield event("attendance-recorded", _day({"source_id": "CNRYU7781"}, LAST, 2))
    yield event("pupil-erasure-requested", {"pupil_id": "CNRYX7781"})
    yield event("attendance-recorded", _day({"source_id": "CNRYX7781"}, LAST, 2))


def _answers() -> dict[str, Any]:
    answers = [{"question": "enjoy_math", "value": 1}, {"question": "understand_math", "value": 2}]
    return {
        "pupil": BY_NAME,
        "survey": "lesson",
        "school_year": YEAR,
        "round": 1,
        "date": LAST.isoformat(),
        "answers": answers,
    }


def _roll_call() -> dict[str, Any]:
    return {
        "school": SCHOOL,
        "school_year": YEAR,
        "grade": GRADE,
        "class_label": LABEL,
        "date": NEXT.isoformat(),
        "exceptions": [{"pupil": BY_NAME, "code": 3}],
    }


def refused() -> Iterator[dict[str, Any]]:
    """Records that the door turns away, each with the word in another place."""
    yield event("infirmary-visited", {**_day(BY_NUMBER, LAST, 0), "visit_id": "1", "kind": "鷽拒絶"})
    yield event("attendance-recorded", {**_day(BY_NUMBER, LAST, 2), "remark": "鷽拒絶"})
    yield event("attendance-recorded", {**_day(BY_NUMBER, LAST, 2), "鷽拒絶": 1})
    yield event("attendance-recorded", _day({"source_id": "鷽拒絶", "given_kana": 7}, LAST, 2))
    yield event("attendance-recorded", {**_day(BY_NUMBER, LAST, 2), "school": "鷽拒絶"})
    yield event("鷽拒絶", {})
    yield event("attendance-recorded", _day(BY_NUMBER, LAST, 2), time="鷽拒絶")
