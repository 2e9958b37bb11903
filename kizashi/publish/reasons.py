"""Why a row of a file cannot become a record, in words; what the service says comes from the service."""

from enum import Enum
from typing import NamedTuple

from contracts.codes import Refusal
from services.ingest.refusals import WORDS, Kind


class Reason(NamedTuple):
    """A code and its words, in Japanese and English."""

    code: str
    reason_ja: str
    reason_en: str
    mend_ja: str
    mend_en: str


def of_kind(kind: Kind) -> Reason:
    """The service's own words, for what is found before sending."""
    words = WORDS[kind]
    return Reason(words.code.value, words.reason_ja, words.reason_en, words.mend_ja, words.mend_en)


_ROW = Refusal.bad_row.value


class RowReason(Reason, Enum):
    """What only a file can get wrong."""

    empty = Reason(
        _ROW,
        "必要な欄が空です。",
        "A required cell is empty.",
        "欄を埋めてください。",
        "Fill the cell.",
    )
    bad_number = Reason(
        _ROW,
        "数として読めません。",
        "This is not a number.",
        "数字だけを入れてください。",
        "Use digits only.",
    )
    bad_date = Reason(
        Refusal.impossible_date.value,
        "日付として読めないか、存在しない日付です。",
        "This is not a date, or there is no such date.",
        "2026/6/10、2026-06-10、20260610、令和8年6月10日 のいずれかの形にしてください。",
        "Use 2026/6/10, 2026-06-10, 20260610 or 令和8年6月10日.",
    )
    bad_mark = Reason(
        Refusal.free_text.value,
        "出欠の記号として読めません。",
        "This is not an attendance mark.",
        "出席・病欠・事故欠・出席停止・忌引・遅刻・早退 などの決まった語を使ってください。",
        "Use the agreed marks, such as 出席 病欠 事故欠 出席停止 忌引 遅刻 早退.",
    )
    two_marks = Reason(
        _ROW,
        "両立しない出欠が並んでいます。",
        "Two marks contradict each other.",
        "欠席の種類を一つにしてください(遅刻と早退は併記できます)。",
        "Keep one kind of absence; late and left early may stand together.",
    )
    one_name = Reason(
        _ROW,
        "氏と名を分けられません。",
        "Family and given name cannot be told apart.",
        "氏と名の間に空白を入れるか、別の欄に分けてください。",
        "Put a blank between them, or use two columns.",
    )
    bad_code = Reason(
        Refusal.free_text.value,
        "決められた語ではありません。",
        "This is not one of the agreed words.",
        "プロファイルにある語を使ってください。",
        "Use one of the words of the profile.",
    )
    ragged = Reason(
        _ROW,
        "列の数が見出しと違うか、行が壊れています。",
        "The row has another number of columns than the heading, or is broken.",
        "引用符とコンマを確かめてください。",
        "Check quotes and commas.",
    )
    bad_descriptor = Reason(
        Refusal.free_text.value,
        "知らない出欠区分です。",
        "Unknown attendance category.",
        "Ed-Fi の AttendanceEventCategoryDescriptor の語を使ってください。",
        "Use a value of Ed-Fi's AttendanceEventCategoryDescriptor.",
    )
    missing_element = Reason(
        Refusal.bad_xml.value,
        "必要な要素がありません。",
        "A required element is missing.",
        "要素を加えてください。",
        "Add the element.",
    )

    @property
    def reason(self) -> Reason:
        """The words as a plain value."""
        return Reason(*self.value)
