"""Japanese names as strings that can be compared: one child written in two offices reads the same.

``reading`` removes differences of typing only (width, script, spaces, separators); ``fold`` also
removes what municipal kana lose (濁点, small kana, long vowels) and is therefore one-way: a key to
look candidates up by, never a name. ``written`` prepares kanji for comparison, never for storage.
"""

import re
import unicodedata
from datetime import date
from enum import StrEnum
from itertools import pairwise

#: A character that the other system could not represent: matches anything.
UNKNOWN = "〓"

_SEPARATORS = re.compile(r"[\s・･·,.'’`\u3000]+")
_HYPHENS = "-‐‑‒–—―−－~〜～"
_KANA_HYPHEN = re.compile(rf"(?<=[ァ-ヺー])[{re.escape(_HYPHENS)}]")
_OTHER_HYPHEN = re.compile(rf"[{re.escape(_HYPHENS)}]")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd〓■□?？�]")
_HIRAGANA: dict[int, int | str] = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
_HIRAGANA |= {ord("ゝ"): "ヽ", ord("ゞ"): "ヾ"}
_SMALL = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_OLD = str.maketrans("ヰヱヲ", "イエオ")
_VOICED = re.compile("[\u0300-\u036f\u3099\u309a]")
_ROWS = {
    "ア": "アカサタナハマヤラワ",
    "イ": "イキシチニヒミリ",
    "ウ": "ウクスツヌフムユル",
    "イ*": "エケセテネヘメレ",
    "ウ*": "オコソトノホモヨロ",
}
#: What prolongs a kana: the vowel that is heard and usually written (コー = コウ, ケー = ケイ).
_LENGTHENED = {kana: vowel[0] for vowel, row in _ROWS.items() for kana in row}
_E_ROW, _O_ROW = frozenset(_ROWS["イ*"]), frozenset(_ROWS["ウ*"])
_PLACEHOLDERS = frozenset(
    {"不明", "フメイ", "テスト", "test", "未定", "ミテイ", "unknown", "氏名", "なし", "ナシ"}
)
_PLACEHOLDER_BIRTHS = frozenset({date(1900, 1, 1), date(1970, 1, 1), date(9999, 12, 31)})

#: 異体字 that one office writes and another does not; a one-way key to compare by.
_VARIANTS = str.maketrans(
    "齋齊斎髙﨑嵜邊邉濱濵澤嶋嶌廣國櫻龍𠮷惠眞靜德瀨淺瀧學榮圓檜條關黑籔曾增槇彌禮實壽與莊鷗萬嶽峯桒栁舘緖",
    "斉斉斉高崎崎辺辺浜浜沢島島広国桜竜吉恵真静徳瀬浅滝学栄円桧条関黒薮曽増槙弥礼実寿与荘鴎万岳峰桑柳館緒",
)
_INSERTED = re.compile(r"(?<=[一-龥々])[ノのヶケがガ之](?=[一-龥])")


class Agreement(StrEnum):
    """How two written names compare."""

    same = "same"
    unknown = "unknown"  # one is missing, or has characters that could not be represented
    different = "different"


def reading(family: str | None, given: str | None) -> str:
    """A kana (or Latin) full name without differences of typing.

    "" where a part is missing, a placeholder, or has a character that could not be represented.
    """
    parts = [_typed(part) for part in (family, given)]
    if any(part.strip("0") == "" or part in _PLACEHOLDERS or _PRIVATE.search(part) for part in parts):
        return ""
    return "".join(parts)


def fold(read: str) -> str:
    """A reading without voiced marks, small kana and ways to write long vowels (清音化・直音化)."""
    plain = _VOICED.sub("", unicodedata.normalize("NFD", read)).translate(_SMALL).translate(_OLD)
    if not plain:
        return ""
    out = [plain[0]]
    for kana in plain[1:]:
        before = out[-1]
        if kana == "ー" or (kana == "オ" and before in _O_ROW) or (kana == "エ" and before in _E_ROW):
            out.append(_LENGTHENED.get(before, kana))
        else:
            out.append(kana)
    return "".join(out)


def loses_only_marks(one: str, other: str) -> bool:
    """Whether two readings differ by what one office's kana cannot hold, and by nothing that contradicts.

    One of the two must hold no mark at all: ケンタ and ゲンダ may be one child, ケンダ and ゲンタ not.
    """
    folded = fold(one)
    return (folded == fold(other) and folded in (one, other)) or one == other


def written(name: str) -> str:
    """A name in kanji for comparison: selectors stripped, variants unified, unknown characters as 〓."""
    plain = unicodedata.normalize("NFKC", _SELECTORS.sub("", name))
    plain = unicodedata.normalize("NFC", _SEPARATORS.sub("", _PRIVATE.sub(UNKNOWN, plain)))
    return _INSERTED.sub("", plain.translate(_VARIANTS).casefold())


def compare_written(one: str, other: str) -> Agreement:
    """Compare two names as written. Unknown characters agree with anything, but prove nothing."""
    left, right = written(one), written(other)
    if not left or not right:
        return Agreement.unknown
    if left == right and UNKNOWN not in left:
        return Agreement.same
    if len(left) == len(right) and all(a == b or UNKNOWN in (a, b) for a, b in zip(left, right, strict=True)):
        return Agreement.unknown
    if _is_kana(left) or _is_kana(right):
        return Agreement.unknown
    return Agreement.different


def usable_birth(birth: date) -> bool:
    """Whether a birth date is more than a form's default."""
    return birth not in _PLACEHOLDER_BIRTHS


def label(text: str) -> str:
    """A 組 label for comparison: スミレ, すみれ and ｽﾐﾚ are one class, １ and 1 too."""
    return unicodedata.normalize("NFKC", text).strip().translate(_HIRAGANA).upper()


def _typed(part: str | None) -> str:
    if not part:
        return ""
    plain = unicodedata.normalize("NFKC", _SELECTORS.sub("", part)).translate(_HIRAGANA)
    plain = unicodedata.normalize("NFC", _SEPARATORS.sub("", plain)).casefold()
    plain = _OTHER_HYPHEN.sub("", _KANA_HYPHEN.sub("ー", plain))
    return _repeated(plain) if "ヽ" in plain or "ヾ" in plain else plain


def _repeated(text: str) -> str:
    """Iteration marks spelt out: ミスヾ is ミスズ."""
    out = text[0]
    for _, mark in pairwise(text):
        if mark == "ヽ":
            out += _VOICED.sub("", unicodedata.normalize("NFD", out[-1]))
        elif mark == "ヾ":
            out += unicodedata.normalize(
                "NFC", _VOICED.sub("", unicodedata.normalize("NFD", out[-1])) + "\u3099"
            )
        else:
            out += mark
    return out


def _is_kana(text: str) -> bool:
    return all("ァ" <= char <= "ヿ" or "ぁ" <= char <= "ゟ" for char in text)
