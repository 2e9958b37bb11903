"""Names of classes that schools use pass, names of people do not: a class's name is part of every class id."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.labels import names_a_class
from services.ingest.refusals import Kind
from services.ingest.validate import judge
from tests.unit.ingest.samples import ALL, SCHOOL, WINDOW, drafted
from tests.unit.ingest.test_validate import refusal

IN_USE = (
    "1 2 10 A B 1A SP1 1組 1年1組 6年 い ろ は ア 一 二 十一 松 松組 竹 梅 雪 月 花 東 西1 特1 特A 特一 "
    "ひまわり なかよし かがやき たんぽぽ1 コスモス スマイル さくら2 知的ひまわり 若葉 若草1 特支 特支1 特支2組 "
    "特別支援1 知的1 情緒2 自閉1 弱視 難聴 肢体 病弱 言語 通級 院内 全校 不明 複式"
).split()
OF_PEOPLE = (
    "山田太郎 佐藤花子 山田 太郎 花子 鈴木1 林太郎 林たろう 山田たろう 山田タロウ 佐々木 五十嵐一 1年山田 田中組"
).split()


@pytest.mark.parametrize("label", IN_USE)
def test_names_of_classes_pass(label: str) -> None:
    assert names_a_class(label)


@pytest.mark.parametrize("label", OF_PEOPLE)
def test_names_of_people_do_not(label: str) -> None:
    assert not names_a_class(label)


@pytest.mark.parametrize(
    ("kind", "changes", "pointer"),
    [
        ("class-registered", {"label": "山田太郎"}, "/data/label"),
        ("class-registered", {"label": "佐藤花子"}, "/data/label"),
        ("staff-assigned", {"class_label": "佐藤花子"}, "/data/class_label"),
        ("pupil-enrolled", {"class_label": "山田太郎"}, "/data/class_label"),
        ("calendar-published", {"grade": 5, "class_label": "山田太郎"}, "/data/class_label"),
        ("roll-call-taken", {"class_label": "山田太郎"}, "/data/class_label"),
    ],
)
def test_no_record_gives_a_class_the_name_of_a_person(
    kind: str, changes: dict[str, Any], pointer: str
) -> None:
    found = refusal(kind, **changes)
    assert (found.kind, found.pointer) == (Kind.not_a_class, pointer)


def test_a_calendar_of_a_whole_school_names_no_class() -> None:
    judge(drafted("calendar-published", grade=5), ALL, {SCHOOL}, WINDOW)
