from __future__ import annotations

import dataclasses
from datetime import datetime, time, timedelta
from typing import Any

import msgspec
import pytest

from contracts import canary
from contracts.codes import Refusal
from services.ingest.dates import TOKYO
from services.ingest.refusals import WORDS, Kind, Unfit
from services.ingest.shapes import mentions, schools_of
from services.ingest.validate import (
    ACCEPTED_TYPES,
    EXPLICIT_TYPES,
    RECORD_TYPES,
    UNLIMITED_TYPES,
    Grant,
    draft,
    judge,
)
from tests.unit.ingest.samples import ALL, BODIES, OTHER_SCHOOL, SCHOOL, WINDOW, drafted, envelope

CANARY = "カナリア山田太郎"


def refusal(
    kind: str, grant: Grant = ALL, known: frozenset[str] = frozenset({SCHOOL}), **changes: Any
) -> Unfit:
    with pytest.raises(Unfit) as caught:
        judge(drafted(kind, **changes), grant, known, WINDOW)
    return caught.value


def test_every_accepted_type_has_a_sample_that_passes() -> None:
    assert set(BODIES) == ACCEPTED_TYPES
    for kind in BODIES:
        judge(drafted(kind), dataclasses.replace(ALL, clock=True), {SCHOOL}, WINDOW)


def test_only_identified_records_are_accepted() -> None:
    assert "pupil-profiled" not in RECORD_TYPES
    assert "attendance-marked" not in RECORD_TYPES
    assert len(RECORD_TYPES) == 14


@pytest.mark.parametrize(
    ("kind", "changes", "expected", "pointer"),
    [
        ("attendance-recorded", {"code": CANARY}, Kind.wrong_type, "/data/code"),
        ("attendance-recorded", {"code": 99}, Kind.not_coded, "/data/code"),
        ("attendance-recorded", {"flags": 77}, Kind.out_of_range, "/data/flags"),
        ("attendance-recorded", {"date": "2026-02-30"}, Kind.bad_date, "/data/date"),
        ("attendance-recorded", {"date": "令和8年6月10日"}, Kind.bad_date, "/data/date"),
        ("attendance-recorded", {"school": CANARY}, Kind.bad_shape, "/data/school"),
        ("attendance-recorded", {"pupil": {}, CANARY: 1}, Kind.unknown_field, "/data"),
        ("attendance-recorded", {"pupil": {CANARY: 1}}, Kind.unknown_field, "/data/pupil"),
        ("attendance-recorded", {"school": ...}, Kind.missing_field, "/data/school"),
        ("attendance-recorded", {"pupil": {"source_id": ""}}, Kind.bad_shape, "/data/pupil/source_id"),
        (
            "attendance-recorded",
            {"pupil": {"source_id": f"{CANARY} 1"}},
            Kind.bad_shape,
            "/data/pupil/source_id",
        ),
        ("infirmary-visited", {"symptom": CANARY}, Kind.not_coded, "/data/symptom"),
        (
            "survey-answered",
            {"answers": [{"question": "a_b", "value": 3}, {"question": CANARY, "value": 3}]},
            Kind.bad_shape,
            "/data/answers/1/question",
        ),
        (
            "calendar-published",
            {"days": [{"date": "2026-06-10", "kind": CANARY}]},
            Kind.not_coded,
            "/data/days/0/kind",
        ),
    ],
)
def test_a_schema_error_names_the_place_and_never_the_value(
    kind: str, changes: dict[str, Any], expected: Kind, pointer: str
) -> None:
    with pytest.raises(Unfit) as caught:
        drafted(kind, **changes)
    assert (caught.value.kind, caught.value.pointer) == (expected, pointer)
    assert CANARY not in repr(caught.value) + str(caught.value.__cause__) + caught.value.pointer


def test_free_text_in_a_coded_field_has_its_own_code() -> None:
    with pytest.raises(Unfit) as caught:
        drafted("infirmary-visited", symptom="頭が痛いと言っている")
    assert caught.value.code is Refusal.free_text


@pytest.mark.parametrize(
    ("kind", "changes", "expected", "pointer"),
    [
        ("attendance-recorded", {"date": "2019-06-10"}, Kind.impossible_date, "/data/date"),
        ("attendance-recorded", {"date": "2062-06-10"}, Kind.impossible_date, "/data/date"),
        ("pupil-registered", {"birth_date": "2051-05-05"}, Kind.impossible_date, "/data/birth_date"),
        ("pupil-registered", {"birth_date": "1915-05-05"}, Kind.impossible_date, "/data/birth_date"),
        ("pupil-enrolled", {"valid_to": "2026-04-01"}, Kind.impossible_date, "/data/valid_to"),
        ("pupil-enrolled", {"valid_from": "1026-04-01"}, Kind.impossible_date, "/data/valid_from"),
        ("roll-call-taken", {"school_year": 2025}, Kind.wrong_year, "/data/school_year"),
        (
            "calendar-published",
            {"days": [{"date": "2026-06-10", "kind": "holiday"}, {"date": "2027-04-01", "kind": "holiday"}]},
            Kind.wrong_year,
            "/data/days/1/date",
        ),
        ("attendance-recorded", {"school": OTHER_SCHOOL}, Kind.unknown_school, "/data/school"),
        ("attendance-recorded", {"pupil": {}}, Kind.no_pupil, "/data/pupil"),
        ("attendance-recorded", {"pupil": {"family_kana": "ヤマダ"}}, Kind.no_pupil, "/data/pupil"),
        (
            "roll-call-taken",
            {"exceptions": [{"pupil": {"source_id": "1"}, "code": 2}, {"pupil": {}, "code": 2}]},
            Kind.no_pupil,
            "/data/exceptions/1/pupil",
        ),
        (
            "attendance-recorded",
            {"pupil": {"source_id": "1", "birth_date": "2030-01-01"}},
            Kind.impossible_date,
            "/data/pupil/birth_date",
        ),
        (
            "roll-call-taken",
            {"exceptions": [{"pupil": {"source_id": "1"}, "code": 2}] * 401},
            Kind.too_many,
            "/data/exceptions",
        ),
        ("clock-advanced", {}, Kind.forbidden_type, "/type"),
    ],
)
def test_what_a_schema_cannot_say(kind: str, changes: dict[str, Any], expected: Kind, pointer: str) -> None:
    found = refusal(kind, **changes)
    assert (found.kind, found.pointer) == (expected, pointer)


def test_a_child_may_be_named_by_its_place_or_by_kana_and_birth_date() -> None:
    place = {"school": SCHOOL, "school_year": 2026, "grade": 5, "class_label": "2", "number": 7}
    name = {"family_kana": "ヤマダ", "given_kana": "ハナコ", "birth_date": "2015-05-05"}
    for pupil in (place, name):
        judge(drafted(pupil=pupil), ALL, {SCHOOL}, WINDOW)


def test_a_key_limited_to_schools_decides_by_its_list_alone() -> None:
    limited = dataclasses.replace(ALL, schools=frozenset({SCHOOL}))
    judge(drafted(), limited, frozenset(), WINDOW)
    assert refusal("attendance-recorded", limited, school=OTHER_SCHOOL).kind is Kind.forbidden_school
    elsewhere = {"school": OTHER_SCHOOL, "school_year": 2026, "grade": 5, "class_label": "2", "number": 7}
    found = refusal("attendance-recorded", limited, pupil=elsewhere)
    assert (found.kind, found.pointer) == (Kind.forbidden_school, "/data/pupil/school")


def test_a_record_that_names_no_school_needs_a_reference_that_does() -> None:
    limited = dataclasses.replace(ALL, schools=frozenset({SCHOOL}))
    found = refusal("survey-answered", limited, pupil={"source_id": "1001"})
    assert (found.kind, found.pointer) == (Kind.no_school, "/data/pupil/school")
    assert found.code is Refusal.forbidden_school
    judge(
        drafted("survey-answered", pupil={"source_id": "1001", "school": SCHOOL}),
        limited,
        frozenset(),
        WINDOW,
    )
    other = {"source_id": "1001", "school": OTHER_SCHOOL}
    assert refusal("survey-answered", limited, pupil=other).kind is Kind.forbidden_school


@pytest.mark.parametrize("kind", sorted(UNLIMITED_TYPES))
def test_a_key_limited_to_schools_sends_nothing_that_is_of_none(kind: str) -> None:
    limited = dataclasses.replace(ALL, schools=frozenset({SCHOOL}))
    assert refusal(kind, limited).kind is Kind.forbidden_type


def test_the_canarys_key_registers_the_canary_and_nobody_else() -> None:
    types = frozenset({"pupil-registered", "pupil-enrolled", "attendance-recorded"})
    own = Grant(canary.SOURCE, frozenset({canary.SCHOOL}), types)
    names = [msgspec.to_builtins(canary.NAMES)]
    judge(drafted("pupil-registered", pupil_id=canary.PUPIL, names=names), own, frozenset(), WINDOW)
    judge(drafted("pupil-enrolled", pupil_id=canary.PUPIL, school=canary.SCHOOL), own, frozenset(), WINDOW)
    for kind, changes in (
        ("pupil-registered", {"pupil_id": canary.PUPIL}),  # a real child's name would link to it
        ("pupil-registered", {"names": names}),
        ("pupil-enrolled", {"school": canary.SCHOOL}),
        ("pupil-enrolled", {"pupil_id": canary.PUPIL}),
    ):
        assert refusal(kind, own, **changes).kind is Kind.forbidden_type
    assert refusal("pupil-registered", dataclasses.replace(own, source="other")).kind is Kind.forbidden_type


@pytest.mark.parametrize("kind", sorted(EXPLICIT_TYPES))
def test_staff_and_erasure_are_refused_unless_the_key_names_them(kind: str) -> None:
    assert refusal(kind, Grant("soumu")).kind is Kind.forbidden_type
    judge(drafted(kind), dataclasses.replace(ALL, types=frozenset({kind})), {SCHOOL}, WINDOW)


def test_a_key_limited_to_types_refuses_others() -> None:
    limited = dataclasses.replace(ALL, types=frozenset({"attendance-recorded"}))
    judge(drafted(), limited, {SCHOOL}, WINDOW)
    assert refusal("pupil-registered", limited).kind is Kind.forbidden_type


@pytest.mark.parametrize(
    ("changes", "expected", "pointer"),
    [
        ({"type": "attendance-marked"}, Kind.unknown_type, "/type"),
        ({"type": CANARY}, Kind.unknown_type, "/type"),
        ({"specversion": "0.3"}, Kind.bad_attribute, "/specversion"),
        ({"time": ""}, Kind.no_time, "/time"),
        ({"time": "2026-06-10T08:40:00"}, Kind.bad_attribute, "/time"),
        ({"recordedtime": CANARY}, Kind.bad_attribute, "/recordedtime"),
        ({"sequence": "-1"}, Kind.bad_attribute, "/sequence"),
        ({"sequence": "１"}, Kind.bad_attribute, "/sequence"),
        ({"datacontenttype": "text/xml"}, Kind.bad_attribute, "/datacontenttype"),
        ({"data": msgspec.Raw(b"")}, Kind.missing_field, "/data"),
        ({"data": msgspec.Raw(b"[" * 5000)}, Kind.wrong_type, "/data"),
        ({"data": msgspec.Raw(b"{\xff}")}, Kind.not_json, "/data"),
    ],
)
def test_attributes_that_do_not_fit(changes: dict[str, Any], expected: Kind, pointer: str) -> None:
    with pytest.raises(Unfit) as caught:
        draft(msgspec.structs.replace(envelope(), **changes))
    assert (caught.value.kind, caught.value.pointer) == (expected, pointer)


def test_a_record_from_an_impossible_moment_is_refused() -> None:
    late = msgspec.structs.replace(envelope(), recordedtime="2030-01-01T00:00:00Z")
    with pytest.raises(Unfit) as caught:
        judge(draft(late), ALL, {SCHOOL}, WINDOW)
    assert (caught.value.kind, caught.value.pointer) == (Kind.impossible_date, "/recordedtime")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_a_moment_beyond_the_calendar_is_refused_as_any_other(at: str) -> None:
    with pytest.raises(Unfit) as caught:
        judge(draft(msgspec.structs.replace(envelope(), time=at)), ALL, {SCHOOL}, WINDOW)
    assert (caught.value.kind, caught.value.pointer) == (Kind.impossible_date, "/time")


def test_the_first_and_the_last_possible_day_are_whole_days_in_japan() -> None:
    first = datetime.combine(WINDOW.oldest, time(), TOKYO)
    after = datetime.combine(WINDOW.newest + timedelta(days=1), time(), TOKYO)
    second = timedelta(seconds=1)
    assert [WINDOW.holds_moment(at) for at in (first - second, first, after - second, after)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_schools_of_a_record_are_the_same_with_and_without_their_places() -> None:
    elsewhere = {"school": OTHER_SCHOOL, "school_year": 2026, "grade": 5, "class_label": "2", "number": 7}
    calls = [{"pupil": each, "code": 2} for each in ({"source_id": "1"}, elsewhere)]
    bodies = [drafted(kind).body for kind in BODIES]
    bodies += [drafted(pupil=elsewhere).body, drafted("roll-call-taken", exceptions=calls).body]
    for body in bodies:
        assert sorted(school for _, school in schools_of(body)) == sorted(mentions(body))
    assert schools_of(bodies[-1])[1] == ("/data/exceptions/1/pupil/school", OTHER_SCHOOL)


def test_the_recorded_time_is_the_version_and_defaults_to_the_time() -> None:
    each = draft(envelope())
    assert each.recorded_at == each.time
    later = draft(msgspec.structs.replace(envelope(), recordedtime="2026-06-10T12:00:00+09:00", sequence="3"))
    assert later.recorded_at > later.time
    assert later.sequence == 3


def test_every_kind_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(Kind)
    for words in WORDS.values():
        assert all(words)
        assert any(ord(c) > 0x3000 for c in words.reason_ja + words.mend_ja)
        assert (words.reason_en + words.mend_en).replace("–", "-").isascii()


@pytest.mark.parametrize("field", ["family", "given", "family_kana", "given_kana"])
def test_a_control_character_in_a_name_is_refused_at_the_door(field: str) -> None:
    names = {"family": "山田", "given": "花子", field: f"{CANARY}\x00"}
    found = refusal("pupil-registered", names=[names])
    assert (found.kind, found.pointer) == (Kind.bad_shape, f"/data/names/0/{field}")
    found = refusal("staff-registered", names=names)
    assert (found.kind, found.pointer) == (Kind.bad_shape, f"/data/names/{field}")


@pytest.mark.parametrize("number", [0, -1, 401, 2**40])
def test_a_survey_has_rounds_that_can_be_counted(number: int) -> None:
    found = refusal("survey-answered", round=number)
    assert (found.kind, found.pointer) == (Kind.out_of_range, "/data/round")
