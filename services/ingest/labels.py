"""What may be the name of a class: it travels beyond identity in every class id, so no person's name may pass as one.

Kana, digits and Latin letters pass; kanji pass one at a time (松, 東1) or as words that schools use for classes.
"""

import re

#: Kinds of 特別支援学級 and other words of two kanji or more that stand on classes' doors.
_WORDS = (
    "特別支援 特支 特学 支援 知的障害 知的 自閉症 自閉 情緒障害 情緒 自情 弱視 難聴 肢体不自由 肢体 "
    "病弱 身体虚弱 虚弱 言語障害 言語 院内 訪問 通級 複式 日本語 国際 交流 合同 少人数 普通科 普通 理数 "
    "全校 全学年 不明 若葉 若草 若竹 青葉 青空 大空 紅梅 白梅 銀河 希望"
).split()
_KANA, _KANJI = "[ぁ-んァ-ヶー]+", "[一-龥]"
_LABEL = re.compile(
    "(?:[0-9]{1,2}年)?"
    f"(?:(?:{'|'.join(_WORDS)}|特)?(?:{_KANA}|[一二三四五六七八九十]{{1,3}})?|{_KANJI})"
    "[0-9A-Za-z]*(?:組|級|学級)?"
)


def names_a_class(label: str) -> bool:
    """Whether a label is one that a class may have; it has matched ``ClassLabel`` before."""
    return _LABEL.fullmatch(label) is not None
