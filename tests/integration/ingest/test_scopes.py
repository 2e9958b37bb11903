"""What a key may send, over HTTP and on the bus."""

from __future__ import annotations

import pytest

from kizashi.keys import scope_of
from tests.integration.ingest.running import Running, Seen
from tests.integration.ingest.schools import SCHOOL, absence, event, school

pytestmark = pytest.mark.asyncio(loop_scope="package")

BATCH = "application/cloudevents-batch+json"
STAFF = {"staff_id": "T9", "names": {"family": "田中", "given": "一郎"}}
ANSWERED = {
    "survey": "lesson",
    "school_year": 2026,
    "round": 1,
    "date": "2026-06-09",
    "answers": [{"question": "enjoy_math", "value": 4}],
}


def of(source: str, seen: list[Seen]) -> list[Seen]:
    return [each for each in seen if each.headers["ce_source"] == source]


async def test_the_limit_of_a_key_goes_with_its_records_and_no_other_keys(ingest: Running) -> None:
    limited, token = await ingest.key(schools=[SCHOOL])
    free, other = await ingest.key()
    await ingest.bus.mark("records")
    await ingest.post(school(), other)
    answer = await ingest.post([absence(), absence("1002")], token, BATCH)
    assert answer.json() == {"accepted": 2, "refused": []}
    assert (await ingest.post(absence(), other)).status_code == 202
    seen = await ingest.bus.wait_for(
        "records", lambda seen: len(of(limited, seen)) == 2 and len(of(free, seen)) == 2
    )
    assert {each.headers.get("ce_schoolonly") for each in of(limited, seen)} == {"1"}
    assert {each.headers.get("ce_schoolonly") for each in of(free, seen)} == {None}


async def test_a_limited_key_is_refused_what_names_no_school(ingest: Running) -> None:
    _, token = await ingest.key(schools=[SCHOOL])
    names = [{"family": "山田", "given": "花子"}]
    answer = await ingest.post(
        [
            event("survey-answered", {**ANSWERED, "pupil": {"source_id": "1001"}}),
            event("pupil-registered", {"pupil_id": "1001", "names": names, "birth_date": "2015-05-05"}),
            event("pupil-erasure-requested", {"pupil_id": "1001"}),
            event("staff-registered", STAFF),
            event("survey-answered", {**ANSWERED, "pupil": {"source_id": "1001", "school": SCHOOL}}),
        ],
        token,
        BATCH,
    )
    assert answer.json()["accepted"] == 1
    assert [(each["kind"], each["pointer"]) for each in answer.json()["refused"]] == [
        ("no_school", "/data/pupil/school"),
        *[("forbidden_type", "/type")] * 3,
    ]


async def test_staff_and_erasure_pass_by_a_key_that_names_them(ingest: Running) -> None:
    records = [event("staff-registered", STAFF), event("pupil-erasure-requested", {"pupil_id": "1001"})]
    _, usual = await ingest.key()
    assert (await ingest.post(records, usual, BATCH)).status_code == 422
    _, token = await ingest.key(types=scope_of((), (), ("staff-registered",)))
    answer = (await ingest.post([*records, school()], token, BATCH)).json()
    assert (answer["accepted"], [each["index"] for each in answer["refused"]]) == (2, [1])


async def test_the_command_line_adds_to_the_usual_types_or_names_all() -> None:
    assert scope_of((), (), ()) is None
    assert scope_of((), ("attendance-recorded",), ()) == ("attendance-recorded",)
    also = scope_of((), (), ("staff-assigned",))
    assert also is not None and {"staff-assigned", "pupil-enrolled", "roll-call-taken"} <= set(also)
    assert "staff-registered" not in also
    limited = scope_of((SCHOOL,), (), ("staff-assigned",))
    assert limited is not None and "pupil-enrolled" not in limited and "staff-assigned" in limited
