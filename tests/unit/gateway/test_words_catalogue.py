"""The catalogue is whole: both languages, the same values, every code named, nothing unused, no forbidden word."""

import re
from enum import Enum
from pathlib import Path
from string import Formatter

import pytest

from contracts import codes
from services.gateway import audience, relation, views
from services.gateway.pages.problem import TOLD
from services.gateway.views import Language
from services.gateway.words import catalogue, words_in
from services.gateway.words.catalogue import entries

GATEWAY = Path(catalogue.__file__).parents[1]
TEMPLATES = sorted((GATEWAY / "templates").rglob("*.html"))
SOURCES = [*TEMPLATES, *sorted((GATEWAY / "pages").glob("*.py")), *sorted((GATEWAY / "words").glob("*.py"))]
FORBIDDEN = re.compile("高リスク|危険|異常|疑い|予備軍|不登校|怠学|無気力|のため")
#: Entries that are empty on purpose: a child who is not long absent carries no label.
EMPTY = {"codes.long_absence.none"}


def _forms(entry: object) -> list[str]:
    return list(entry.values()) if isinstance(entry, dict) else [str(entry)]


def _values(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", sorted(entries()))
def test_every_text_exists_in_both_languages_with_the_same_values(key: str) -> None:
    entry = entries()[key]
    assert set(entry) == set(Language)
    ja, en = (_forms(entry[language]) for language in Language)
    if key not in EMPTY:
        assert all(text.strip() for text in ja + en)
    assert set.union(*map(_values, ja)) == set.union(*map(_values, en))


@pytest.mark.parametrize("key", sorted(entries()))
def test_no_text_labels_a_child_or_names_a_cause(key: str) -> None:
    for language in Language:
        for text in _forms(entries()[key][language]):
            assert not FORBIDDEN.search(text), text


def test_japanese_texts_are_japanese_and_english_texts_english() -> None:
    japanese = re.compile("[ぁ-んァ-ヶ一-龥]")
    switches = {"common.switch", "common.switch_label"}
    for key, entry in entries().items():
        if key in switches or key in EMPTY or key.startswith("common.dot"):
            continue
        told = "".join(_forms(entry["en"])).replace("模擬データ", "")
        assert not japanese.search(told), key
    for key in switches:
        assert not japanese.search(entries()[key]["ja"])


CODES: list[tuple[str, type[Enum]]] = [
    ("role", codes.StaffRole),
    ("basis", codes.Basis),
    ("decider", codes.Decider),
    ("item", codes.Item),
    ("outcome", codes.AlertOutcome),
    ("retraction", codes.Retraction),
    ("refusal", codes.Refusal),
    ("stop", codes.StopReason),
    ("long_absence", codes.LongAbsence),
    ("survey", codes.SurveyKind),
    ("infirmary", codes.InfirmaryKind),
    ("symptom", codes.Symptom),
    ("method", codes.Rule),
    ("step", views.AlertStep),
]


@pytest.mark.parametrize(("prefix", "vocabulary"), CODES)
def test_every_code_of_a_vocabulary_has_words(prefix: str, vocabulary: type[Enum]) -> None:
    words = words_in(Language.ja)
    assert [code for code in vocabulary if not words.has(f"codes.{prefix}.{code.value}")] == []


def test_numbered_codes_have_words_by_name() -> None:
    words = words_in(Language.ja)
    wanted = [f"codes.attendance.{code.name}" for code in codes.AttendanceCode]
    wanted += [f"codes.flag.{flag.name}" for flag in codes.AttendanceFlag]
    wanted += [f"codes.level.{band.name}" for band in codes.Band]
    wanted += [f"signin.trouble.{trouble}" for trouble in views.SignInTrouble]
    wanted += [f"problem.{status}.{part}" for status in TOLD for part in ("title", "text")]
    assert [key for key in wanted if not words.has(key)] == []


def test_every_audience_and_every_relation_has_words() -> None:
    words = words_in(Language.ja)
    audiences = {*audience.SurveyPart, codes.Item.attendance, codes.Item.infirmary_count}
    wanted = [f"codes.audience.{each}" for each in audiences]
    wanted += [f"why.{rule}" for rule in set(relation._RULES.values())]
    assert [key for key in wanted if not words.has(key)] == []


_ASKED = re.compile(r"""(?:words|speak)\(\s*f?["']([a-z_]+(?:\.[a-z_0-9]+)*)(\.?)["']?""")


def _asked() -> tuple[set[str], set[str]]:
    """Keys and key prefixes that templates and code ask for."""
    keys: set[str] = set()
    prefixes: set[str] = set()
    for path in SOURCES:
        for name, dot in _ASKED.findall(path.read_text(encoding="utf-8")):
            (prefixes if dot else keys).add(name)
    return keys, prefixes


def test_templates_and_routes_ask_only_for_texts_that_exist() -> None:
    keys, prefixes = _asked()
    assert len(keys) > 100
    assert sorted(keys - set(entries())) == []
    unknown = [each for each in prefixes if not any(key.startswith(each + ".") for key in entries())]
    assert unknown == []


def test_no_text_is_left_over() -> None:
    keys, prefixes = _asked()
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    unused = [
        key
        for key in entries()
        if key not in keys
        and key not in source
        and not any(key.startswith(prefix + ".") for prefix in prefixes)
    ]
    assert unused == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_carry_no_words_of_their_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace('<span lang="ja">兆し</span>', "")
    assert not re.search("[ぁ-んァ-ヶ一-龥]", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_keep_to_the_content_security_policy(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|js:|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"hx-trigger=\"[^\"]*\[", text)
    assert "|safe" not in text.replace(" ", "")
    assert not re.search(r"https?://", text)


def test_a_missing_key_or_value_is_an_error() -> None:
    words = words_in(Language.ja)
    with pytest.raises(KeyError):
        words("board.no_such_text")
    with pytest.raises(KeyError):
        words("common.day")
