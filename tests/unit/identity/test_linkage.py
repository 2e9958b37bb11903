"""Who is whom: a table of cases, and properties that hold for any set of registrations."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import NameKind, Sex
from contracts.records import PersonNames
from services.identity.linkage import Reason, Registered, Verdict, judge, link

BORN = date(2014, 5, 3)
KENTA = PersonNames("樋口", "健太", "ヒグチ", "ケンタ")


def child(
    source: str,
    number: str,
    *names: PersonNames,
    born: date = BORN,
    sex: Sex = Sex.unspecified,
) -> Registered:
    key = f"{source}{number}"
    return Registered(key.encode(), source, f"{source}-{number}", list(names) or [KENTA], born, sex)


def named(given: str, kana: tuple[str, str], family: str = "樋口", sex: Sex = Sex.unspecified) -> Registered:
    return child("b", "1", PersonNames(family, given, *kana), sex=sex)


OFFICE = child("a", "1")
FORMER = PersonNames("樋口", "健太", "ヒグチ", "ケンタ", NameKind.former)
MARRIED = PersonNames("森", "健太", "モリ", "ケンタ")
SURE, DOUBT, NONE = Verdict.certain, Verdict.doubtful, Verdict.none
CASES = [
    ("same kana and kanji", child("b", "1"), SURE, Reason.written_same),
    ("typed otherwise", named("健太", ("ﾋｸﾞﾁ", "けんた")), SURE, Reason.kana_same),
    ("marks lost", named("健太", ("ヒクチ", "ケンタ")), SURE, Reason.kana_folded),
    ("kana only", named("ケンタ", ("ヒグチ", "ケンタ"), "ヒグチ"), SURE, Reason.kana_same),
    ("外字 unknown", named("〓太", ("ヒグチ", "ケンタ")), SURE, Reason.kana_same),
    ("other kanji", named("賢多", ("ヒグチ", "ケンタ")), DOUBT, Reason.written_different),
    ("other sex, kana only", named("ケ", ("ヒグチ", "ケンタ"), sex=Sex.female), DOUBT, Reason.sex_different),
    ("order swapped, kanji same", named("健太", ("ケンタ", "ヒグチ")), SURE, Reason.kana_swapped),
    ("order swapped, kana only", named("ヒグチ", ("ケンタ", "ヒグチ")), DOUBT, Reason.kana_swapped),
    ("former name", child("b", "1", MARRIED, FORMER), SURE, Reason.written_same),
    ("twin written without marks", named("元太", ("ヒクチ", "ケンタ")), DOUBT, Reason.kana_folded),
    ("twin", named("元太", ("ヒグチ", "ゲンタ")), NONE, None),
    ("born another day", child("b", "1", born=date(2014, 5, 4)), NONE, None),
    ("same source", child("a", "2"), DOUBT, Reason.same_source),
    ("placeholder name", named("不明", ("フメイ", "フメイ"), "不明"), NONE, None),
    ("no kana", child("b", "1", PersonNames("樋口", "健太")), NONE, None),
]


@pytest.mark.parametrize(("other", "verdict", "reason"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_pair_is_judged(other: Registered, verdict: Verdict, reason: Reason | None) -> None:
    office = child("a", "1", KENTA, sex=Sex.male)
    found = judge(office, other)
    assert found.verdict is verdict
    assert reason is None or reason in found.reasons
    assert judge(other, office)._replace(reasons=()) == found._replace(reasons=())


def test_certain_pairs_keep_the_smallest_id() -> None:
    links = link([child("b", "1"), OFFICE, child("c", "9")])
    assert {each.linkage_id for each in links.by_pupil.values()} == {"a-1"}
    assert links.reviews == []


def test_twins_of_one_source_leave_a_third_alone_and_tell() -> None:
    links = link([OFFICE, child("a", "2"), child("b", "1")])
    assert sorted(each.linkage_id for each in links.by_pupil.values()) == ["a-1", "a-2", "b-1"]
    assert len(links.reviews) == 3
    assert all(each.judgement.verdict is Verdict.doubtful for each in links.reviews)
    rivals = [each for each in links.reviews if Reason.rival in each.judgement.reasons]
    assert len(rivals) == 2


def test_the_better_of_two_rivals_is_taken() -> None:
    lossy = child("a", "2", PersonNames("樋口", "源太", "ヒクチ", "ケンタ"))
    links = link([OFFICE, lossy, child("b", "1")])
    assert links.by_pupil[b"b1"].linkage_id == "a-1" == links.by_pupil[b"a1"].linkage_id
    assert links.by_pupil[b"a2"].linkage_id == "a-2"


names = st.sampled_from(
    [KENTA, PersonNames("樋口", "元太", "ヒグチ", "ゲンタ"), PersonNames("樋口", "健太", "ヒクチ", "ケンタ"),
     PersonNames("ケンタ", "ヒグチ", "ケンタ", "ヒグチ"), PersonNames("森", "葵", "モリ", "アオイ")]
)  # fmt: skip
children = st.lists(
    st.builds(
        lambda source, number, found, born: child(source, number, *found, born=born),
        st.sampled_from("abc"),
        st.sampled_from("123"),
        st.lists(names, min_size=1, max_size=2),
        st.sampled_from([BORN, date(2014, 5, 4)]),
    ),
    max_size=7,
    unique_by=lambda each: each.pupil_key,
)


@given(children, st.randoms())
def test_links_do_not_depend_on_order_and_never_join_pupils_of_one_source(
    members: list[Registered], chance: object
) -> None:
    links = link(members)
    shuffled = list(members)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again = link(shuffled)
    assert again.by_pupil == links.by_pupil
    assert sorted(again.reviews) == sorted(links.reviews)
    by_id: dict[str, list[Registered]] = {}
    for member in members:
        by_id.setdefault(links.by_pupil[member.pupil_key].linkage_id, []).append(member)
    for linkage_id, group in by_id.items():
        assert linkage_id == min(member.minted_id for member in group)
        assert len({member.source for member in group}) == len(group)
        assert len({member.birth_date for member in group}) == 1
