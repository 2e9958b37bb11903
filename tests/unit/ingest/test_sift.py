from __future__ import annotations

import dataclasses
import json
from hashlib import sha256
from typing import Any

from contracts import records
from contracts.envelope import Meta, from_headers, to_headers
from services.ingest.blind import event_id, lane_key
from services.ingest.envelopes import batch
from services.ingest.notices import of_items, schema_path, to_source
from services.ingest.refusals import Kind, Unfit
from services.ingest.sift import Refused, drafts, mentioned, outgoing, sift
from services.ingest.validate import Draft, Grant
from services.kit.outgoing import meta_of
from tests.unit.ingest.samples import ALL, BODIES, NOW, OTHER_SCHOOL, SCHOOL, WINDOW, drafted, event

KEY = b"k" * 32


def sifted(
    events: list[dict[str, Any]], known: frozenset[str] = frozenset()
) -> tuple[list[Draft], list[Refused]]:
    found, unreadable = drafts(batch(json.dumps(events).encode()), ALL.source)
    passed, refused = sift(found, ALL, known, WINDOW)
    return passed, [*unreadable, *refused]


def test_good_items_pass_beside_bad_ones() -> None:
    passed, refused = sifted(
        [
            event("school-registered"),
            event(),
            event(code=99),
            event("clock-advanced"),
            event(school=OTHER_SCHOOL),
        ]
    )
    assert [each.envelope.type for each in passed] == ["school-registered", "attendance-recorded"]
    # the last one has the id of the second, but the unknown school is found first
    assert {each.index: each.unfit.kind for each in refused} == {
        2: Kind.not_coded,
        3: Kind.forbidden_type,
        4: Kind.unknown_school,
    }


def test_a_school_may_be_registered_in_the_same_request() -> None:
    passed, refused = sifted([event(), event("school-registered")])
    assert len(passed) == 2
    assert not refused
    assert mentioned([(0, each) for each in passed]) == {SCHOOL}


def test_one_id_for_two_different_records_is_refused() -> None:
    passed, refused = sifted([event(), event(), event(code=3)], frozenset({SCHOOL}))
    assert len(passed) == 2
    assert [(each.index, each.unfit.kind) for each in refused] == [(2, Kind.same_id)]


def test_what_is_told_holds_no_value() -> None:
    canary = "カナリア"
    events = [
        {**event(), "id": canary, "source": canary, "type": canary},
        event(pupil={"source_id": canary, "school": canary}),
        event("pupil-registered", names=canary),
        {"id": canary},
    ]
    _, refused = sifted(events)
    assert len(refused) == 4
    told = json.dumps([each.told() for each in refused], ensure_ascii=False)
    assert canary not in told
    assert {"index", "code", "pointer", "reason_ja", "reason_en", "mend_ja", "mend_en"} <= refused[
        0
    ].told().keys()


def test_a_retry_is_the_same_event_and_another_source_is_not() -> None:
    first = outgoing(drafted(), ALL, KEY, NOW, "")
    again = outgoing(drafted(), ALL, KEY, NOW.replace(hour=5), "00-a-b-00")
    assert first.id == again.id == event_id(KEY, "soumu", "office", "attendance-recorded-1")
    assert outgoing(drafted(), Grant("other"), KEY, NOW, "").id != first.id
    assert event_id(b"z" * 32, "soumu", "office", "attendance-recorded-1") != first.id


def test_the_record_speaks_for_the_key_not_for_its_own_source_attribute() -> None:
    found = outgoing(drafted(), ALL, KEY, NOW, "00-t-s-01")
    assert found.source == "soumu"
    assert found.cause is not None
    meta: Meta = found.cause.meta
    assert (meta.source, meta.origin_at, meta.traceparent) == ("soumu", NOW, "00-t-s-01")
    assert found.key == found.subject == meta.subject
    assert "1001" not in f"{found.id}{found.key}"


def test_the_limit_of_a_key_travels_with_what_speaks_of_a_child() -> None:
    limited = dataclasses.replace(ALL, schools=frozenset({SCHOOL}))
    calls = drafted("roll-call-taken", exceptions=[{"pupil": {"source_id": "1"}, "code": 2}])
    for each in (drafted(), drafted("survey-answered"), drafted("infirmary-visited"), calls):
        assert outgoing(each, limited, KEY, NOW, "").school_only
        assert not outgoing(each, ALL, KEY, NOW, "").school_only
    assert not outgoing(drafted("class-registered"), limited, KEY, NOW, "").school_only
    sent = outgoing(drafted(), limited, KEY, NOW, "")
    assert from_headers(to_headers(meta_of("ingest", sent, ""))).school_only
    assert not from_headers(
        to_headers(meta_of("ingest", outgoing(drafted(), ALL, KEY, NOW, ""), ""))
    ).school_only


def test_records_of_one_child_and_of_one_school_share_a_lane() -> None:
    child = ("pupil-registered", "pupil-enrolled", "pupil-erasure-requested", "attendance-recorded")
    child += ("attendance-retracted", "survey-answered", "infirmary-visited", "infirmary-visit-retracted")
    school = (
        "school-registered",
        "class-registered",
        "staff-assigned",
        "calendar-published",
        "roll-call-taken",
    )
    keys = {kind: lane_key(KEY, "soumu", drafted(kind).body) for kind in BODIES}
    assert len({keys[kind] for kind in child}) == 1
    assert len({keys[kind] for kind in school}) == 1
    assert len({keys["pupil-registered"], keys["school-registered"], keys["staff-registered"]}) == 3
    assert keys["clock-advanced"] == ""
    assert lane_key(KEY, "other", drafted().body) != keys["attendance-recorded"]
    assert lane_key(KEY, "other", drafted("class-registered").body) == keys["class-registered"]


def test_the_lane_of_a_name_does_not_depend_on_its_width() -> None:
    def key(kana: str) -> str:
        pupil = {"family_kana": kana, "given_kana": "ハナコ", "birth_date": "2015-05-05"}
        return lane_key(KEY, "soumu", drafted(pupil=pupil).body)

    assert key("ヤマダ") == key("ﾔﾏﾀﾞ") == key(" ヤマダ　")
    assert key("ヤマダ") != key("ヤマタ")


def test_the_clock_goes_to_every_lane() -> None:
    found = outgoing(drafted("clock-advanced"), ALL, KEY, NOW, "")
    assert found.everywhere
    assert isinstance(found.body, records.ClockAdvanced)
    assert not outgoing(drafted(), ALL, KEY, NOW, "").everywhere


def test_notices_number_themselves_and_carry_no_value() -> None:
    _, refused = sifted([event(code=99), event(date="2019-01-01")], frozenset({SCHOOL}))
    found = of_items("soumu", refused, counted=12)
    assert [each.body.offset for each in found] == [10, 11]  # type: ignore[attr-defined]
    assert found[0].body.path == "$.data.code"  # type: ignore[attr-defined]
    assert found[0].body.size_bytes > 10  # type: ignore[attr-defined]
    assert schema_path("") == ""


def test_a_source_can_compute_the_id_under_which_it_is_told() -> None:
    notice = to_source("soumu", "2026-1", Unfit(Kind.wrong_type, "/data/code"))
    assert notice.topic == "soumu-refused"
    assert notice.body.event_id == sha256(b"soumu\n2026-1").hexdigest()[:32]  # type: ignore[attr-defined]
