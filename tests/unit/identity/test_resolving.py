"""Keys, minted ids and the decision who is meant: pure, by table."""

from __future__ import annotations

from datetime import date

import pytest

from contracts.records import PersonNames, PupilRef
from services.identity.ledger import Via
from services.identity.minting import Minter
from services.identity.references import Index, Keys, Place, school_year_of
from services.identity.waiting import Holder, Lookup, Resolution, resolve
from services.kit.ids import keyed_id

INDEX = Index(b"i" * 32)
DAY = date(2025, 6, 2)
BORN = date(2014, 5, 3)
PLACE = Place("B101210000018", DAY)


def test_a_linkage_id_is_the_first_128_bits_of_a_keyed_hash() -> None:
    minter = Minter(b"m" * 32, b"i" * 32)
    assert minter.linkage("soumu", "P1") == keyed_id(b"m" * 32, "soumu", "P1")
    ids = {
        minter.linkage("soumu", "P1"),
        minter.linkage("soumu", "P2"),
        minter.linkage("soumuP", "1"),
        minter.staff("soumu", "P1"),
        minter.opaque("enrolment", "soumu", "P1"),
        minter.event("soumu", "P1"),
        Minter(b"n" * 32, b"i" * 32).linkage("soumu", "P1"),
    }
    assert len(ids) == 7 and all(len(each) == 32 for each in ids)


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 3, 31), 2025),
        (date(2026, 4, 1), 2026),
        (date(2025, 12, 31), 2025),
        (date(2026, 1, 1), 2025),
    ],
)
def test_the_school_year_begins_in_april(day: date, year: int) -> None:
    assert school_year_of(day) == year


def test_a_place_is_completed_by_the_record_around_it() -> None:
    whole = PupilRef(school="B101210000018", school_year=2025, grade=5, class_label="スミレ", number=7)
    in_class = Place("B101210000018", DAY, 2025, 5, "すみれ")
    assert INDEX.keys(whole, "soumu", PLACE).seat == INDEX.keys(PupilRef(number=7), "soumu", in_class).seat
    without_year = PupilRef(grade=5, class_label="スミレ", number=7)
    assert INDEX.keys(without_year, "soumu", PLACE).seat == INDEX.keys(whole, "soumu", PLACE).seat
    assert INDEX.keys(PupilRef(number=7), "soumu", PLACE).anchor is None


def test_keys_are_blind_and_differ_by_source() -> None:
    ref = PupilRef(source_id="P1", family_kana="ヒグチ", given_kana="ケンタ", birth_date=BORN)
    one, other = INDEX.keys(ref, "soumu", PLACE), INDEX.keys(ref, "kokoron", PLACE)
    assert one.source != other.source and one.exact == other.exact
    assert one.anchor == one.source
    assert Index(b"j" * 32).keys(ref, "soumu", PLACE).exact != one.exact


FOUND_BY = [
    (("ヒグチ", "ケンタ"), ("ひぐち", "けんた"), "exact"),
    (("ヒグチ", "ケンタ"), ("ヒクチ", "ケンタ"), "fold"),
    (("ヒクチ", "ケンタ"), ("ヒグチ", "ケンタ"), "fold"),
    (("ヒグチ", "ケンタ"), ("ケンタ", "ヒグチ"), "exact"),
    (("ヒグチ", "ケンダ"), ("ヒグチ", "ゲンタ"), None),
    (("ヒグチ", "ケンタ"), ("ヒグチ", "ケイタ"), None),
]


@pytest.mark.parametrize(("known", "asked", "by"), FOUND_BY)
def test_a_name_is_found_as_typed_or_folded_but_not_against_its_marks(
    known: tuple[str, str], asked: tuple[str, str], by: str | None
) -> None:
    registry = INDEX.of_names([PersonNames("樋口", "健太", *known)], BORN)
    ref = PupilRef(family_kana=asked[0], given_kana=asked[1], birth_date=BORN)
    keys = INDEX.keys(ref, "soumu", PLACE)
    found = "exact" if keys.exact in registry else "fold" if keys.fold in registry else None
    assert found == by
    assert INDEX.of_names([PersonNames("樋口", "健太", *known)], date(1900, 1, 1)) == set()


S, E, X, F = b"source", b"seat", b"exact", b"fold"
HERE = Holder("child", date(2025, 4, 1), date(2026, 4, 1))
GONE = Holder("gone", date(2025, 4, 1), DAY)
TWIN = Holder("twin", date(2025, 4, 1), date(2026, 4, 1))
CHILD = Resolution(Via.reading, "child")
SEATED = Resolution(Via.seat, "child")
NOBODY, ERASED = Resolution(Via.waiting, None), Resolution(Via.waiting, None, True)
CASES = [
    ("source", Keys(S, E, X, F), Lookup(sources={S: "child"}, seats={E: [TWIN]}), Resolution(Via.source, "child")),
    ("unknown source, known seat", Keys(S, E), Lookup(seats={E: [HERE]}), SEATED),
    ("seat of that date", Keys(None, E), Lookup(seats={E: [HERE, GONE]}), SEATED),
    ("seat of another date", Keys(None, E), Lookup(seats={E: [GONE]}), NOBODY),
    ("two on one seat", Keys(None, E), Lookup(seats={E: [HERE, TWIN]}), NOBODY),
    ("one child enrolled twice", Keys(None, E), Lookup(seats={E: [HERE, HERE]}), SEATED),
    ("exact before folded", Keys(None, None, X, F), Lookup(names={X: {"child"}, F: {"child", "twin"}}), CHILD),
    ("folded", Keys(None, None, X, F), Lookup(names={F: {"child"}}), CHILD),
    ("namesakes", Keys(None, None, X, F), Lookup(names={X: {"child", "twin"}, F: {"child"}}), NOBODY),
    ("nobody", Keys(S, E, X, F), Lookup(), NOBODY),
    ("erased by source", Keys(S, E), Lookup(erased={S: [HERE]}, seats={E: [TWIN]}), ERASED),
    ("erased by seat", Keys(None, E), Lookup(erased={E: [HERE]}), ERASED),
    ("erased on another date", Keys(None, E), Lookup(erased={E: [GONE]}), NOBODY),
    ("taken over", Keys(None, E), Lookup(erased={E: [GONE]}, seats={E: [HERE]}), SEATED),
]  # fmt: skip


@pytest.mark.parametrize(("keys", "known", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_who_is_meant(keys: Keys, known: Lookup, expected: Resolution) -> None:
    assert resolve(keys, DAY, known) == expected
