"""Names as two offices write them: what must read the same, and what must not."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.names import (
    Agreement,
    compare_written,
    fold,
    label,
    loses_only_marks,
    reading,
    usable_birth,
    written,
)

SAME_READING = [
    (("ヒグチ", "ケンタ"), ("ひぐち", "けんた")),
    (("ヒグチ", "ケンタ"), ("ﾋｸﾞﾁ", "ｹﾝﾀ")),
    (("ヒグチ", "ケンタ"), (" ヒグチ ", "ケン タ")),
    (("ヒグチ", "ケンタ"), ("ヒク゛チ", "ケンタ")),
    (("ロペス", "アンナ・マリア"), ("ロペス", "アンナ マリア")),
    (("オーノ", "ユー"), ("オ－ノ", "ユ‐")),
    (("Lopez-Diaz", "Ana"), ("LOPEZ DIAZ", "ANA")),
    (("ミスズ", "ア"), ("ミスヾ", "ア")),
]
SAME_FOLD = [
    (("ヒグチ", "ケンタ"), ("ヒクチ", "ケンタ")),
    (("キョウダ", "ショウ"), ("キヨウタ", "シヨウ")),
    (("ハットリ", "ケン"), ("ハツトリ", "ケン")),
    (("オオノ", "ユウ"), ("オーノ", "ユー")),
    (("コウノ", "ケイ"), ("コーノ", "ケー")),
    (("カヲリ", "ヱ"), ("カオリ", "エ")),
    (("Müller", "José"), ("Muller", "Jose")),
]
APART = [
    (("ヒグチ", "ケンタ"), ("ヒグチ", "ケイタ")),
    (("サトウ", "ミキ"), ("サト", "ミキ")),
    (("オノ", "ユウ"), ("オオノ", "ユウ")),
]


@pytest.mark.parametrize(("one", "other"), SAME_READING)
def test_typing_makes_no_difference(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert reading(*one) == reading(*other) != ""


@pytest.mark.parametrize(("one", "other"), SAME_FOLD)
def test_folding_forgives_what_municipal_kana_lose(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert fold(reading(*one)) == fold(reading(*other))


@pytest.mark.parametrize(("one", "other"), APART)
def test_other_names_stay_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert fold(reading(*one)) != fold(reading(*other))


@pytest.mark.parametrize("placeholder", ["不明", "フメイ", "テスト", "0000", "", None, "  ", "？"])
def test_placeholders_are_no_names(placeholder: str | None) -> None:
    assert reading("ヒグチ", placeholder) == "" == reading(placeholder, "ケンタ")


@pytest.mark.parametrize(
    ("one", "other", "loses"),
    [
        ("ヒグチケンタ", "ヒクチケンタ", True),
        ("ヒグチケンタ", "ヒグチケンタ", True),
        ("ケンダ", "ゲンタ", False),
        ("ケンタ", "ゲンダ", True),
        ("ケンタ", "ケイタ", False),
    ],
)
def test_marks_may_be_lost_but_not_contradict(one: str, other: str, loses: bool) -> None:
    assert loses_only_marks(one, other) is loses is loses_only_marks(other, one)


WRITTEN = [
    ("斎藤", "齋藤", Agreement.same),
    ("髙橋", "高橋", Agreement.same),
    ("渡邉", "渡邊", Agreement.same),
    ("邉\U000e0101", "邉", Agreement.same),
    ("井ノ上", "井上", Agreement.same),
    ("市ヶ谷", "市ケ谷", Agreement.same),
    ("〓藤", "齋藤", Agreement.unknown),
    ("\ue123藤", "齋藤", Agreement.unknown),
    ("?藤", "佐藤", Agreement.unknown),
    ("たろう", "太郎", Agreement.unknown),
    ("", "太郎", Agreement.unknown),
    ("健", "賢", Agreement.different),
    ("〓藤", "伊東", Agreement.different),
]


@pytest.mark.parametrize(("one", "other", "expected"), WRITTEN)
def test_kanji_compare_by_variant_and_admit_what_they_do_not_know(
    one: str, other: str, expected: Agreement
) -> None:
    assert compare_written(one, other) is expected is compare_written(other, one)


def test_class_labels_and_births() -> None:
    assert label("すみれ") == label("ｽﾐﾚ") == label("スミレ")
    assert label("１") == "1" and label("a") == "A"
    assert usable_birth(date(2014, 5, 3)) and not usable_birth(date(1900, 1, 1))


kana = st.text(st.sampled_from("アイウエオカガキギサザタダハバパャュョッーンあぃ・ －ｶﾞ"), max_size=8)


@given(kana, kana)
def test_folding_is_stable(family: str, given_name: str) -> None:
    read = reading(family, given_name)
    assert fold(fold(read)) == fold(read)
    decomposed = [unicodedata.normalize("NFD", part) for part in (family, given_name)]
    assert reading(*decomposed) == read
    assert written(written(family)) == written(family)
