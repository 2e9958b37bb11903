"""Why an item is refused, in words. A text never holds a value of the record, only names of fields.

``Kind`` is finer than ``contracts.codes.Refusal``: the code travels on the bus, the kind picks the
words that tell a person how to mend the record.
"""

from enum import StrEnum
from typing import NamedTuple

from contracts.codes import Refusal


class Kind(StrEnum):
    """What exactly is wrong with an item."""

    not_json = "not_json"
    not_utf8 = "not_utf8"
    missing_attribute = "missing_attribute"
    bad_attribute = "bad_attribute"
    no_time = "no_time"
    unknown_type = "unknown_type"
    missing_field = "missing_field"
    unknown_field = "unknown_field"
    wrong_type = "wrong_type"
    not_coded = "not_coded"
    out_of_range = "out_of_range"
    bad_shape = "bad_shape"
    not_a_class = "not_a_class"
    bad_date = "bad_date"
    no_pupil = "no_pupil"
    impossible_date = "impossible_date"
    wrong_year = "wrong_year"
    unknown_school = "unknown_school"
    forbidden_school = "forbidden_school"
    no_school = "no_school"
    forbidden_type = "forbidden_type"
    same_id = "same_id"
    too_many = "too_many"


class Words(NamedTuple):
    """A reason and how to mend it, in Japanese and English."""

    code: Refusal
    reason_ja: str
    reason_en: str
    mend_ja: str
    mend_en: str


WORDS: dict[Kind, Words] = {
    Kind.not_json: Words(
        Refusal.not_json,
        "JSONとして読めません。",
        "This is not valid JSON.",
        "波かっこ・引用符・コンマを確かめてください。",
        "Check braces, quotes and commas.",
    ),
    Kind.not_utf8: Words(
        Refusal.not_utf8,
        "文字コードがUTF-8ではありません。",
        "The text is not UTF-8.",
        "UTF-8で送り直してください。CSVは kizashi publish が変換します。",
        "Send UTF-8; kizashi publish converts CSV files.",
    ),
    Kind.missing_attribute: Words(
        Refusal.bad_header,
        "CloudEventsの必須属性(specversion・id・source・type)が足りません。",
        "A required CloudEvents attribute (specversion, id, source, type) is missing.",
        "足りない属性を加えてください。",
        "Add the missing attribute.",
    ),
    Kind.bad_attribute: Words(
        Refusal.bad_header,
        "CloudEventsの属性の形式が正しくありません。",
        "A CloudEvents attribute has the wrong form.",
        "時刻は時差つきのRFC 3339、sequenceは0以上の整数、specversionは1.0です。",
        "Times are RFC 3339 with an offset, sequence is a whole number, specversion is 1.0.",
    ),
    Kind.no_time: Words(
        Refusal.bad_header,
        "記録時刻がありません。訂正の前後を判断できません。",
        "There is no time, so a correction could not be told from what it corrects.",
        "time または recordedtime を加えてください。",
        "Add time or recordedtime.",
    ),
    Kind.unknown_type: Words(
        Refusal.unknown_type,
        "この種類のイベントは受け付けていません。",
        "Events of this type are not accepted here.",
        "受け付ける種類は GET /v1/schemas で確かめられます。",
        "GET /v1/schemas lists the types that are.",
    ),
    Kind.missing_field: Words(
        Refusal.schema,
        "必須の項目がありません。",
        "A required field is missing.",
        "pointerの項目を加えてください。",
        "Add the field that pointer names.",
    ),
    Kind.unknown_field: Words(
        Refusal.schema,
        "定義にない項目があります。",
        "There is a field that the schema does not know.",
        "GET /v1/schemas/{type} にある項目だけを送ってください。",
        "Send only the fields of GET /v1/schemas/{type}.",
    ),
    Kind.wrong_type: Words(
        Refusal.schema,
        "項目の型が違います。",
        "The field has the wrong type.",
        "数値・文字列・配列の別を確かめてください。",
        "Check whether a number, text or list is expected.",
    ),
    Kind.not_coded: Words(
        Refusal.free_text,
        "決められたコードではありません。自由記述は受け付けません。",
        "This is not one of the agreed codes; free text is not accepted.",
        "定義にあるコードに置き換えてください。",
        "Use one of the codes of the schema.",
    ),
    Kind.out_of_range: Words(
        Refusal.schema,
        "値が範囲の外です。",
        "The value is out of range.",
        "定義の上限と下限を確かめてください。",
        "Check the limits in the schema.",
    ),
    Kind.bad_shape: Words(
        Refusal.schema,
        "文字列の形式が違います。",
        "The text does not have the expected form.",
        "学校コードは半角英大文字と数字4〜16字、組は8字まで、番号に空白は使えません。",
        "School codes are 4–16 capital letters and digits, class labels up to 8 characters, numbers hold no blanks.",
    ),
    Kind.not_a_class: Words(
        Refusal.free_text,
        "組の名前として受け付けられません。人の名前が入るおそれがあります。",
        "This cannot be the name of a class: it could be somebody's name.",
        "組は数字・英字・かな(ひまわり等)・漢字1字(松、東1等)・特別支援学級などの語(特支1等)で送ってください。",
        "Use digits, letters, kana, one kanji (with digits) or a word for a kind of class, such as special needs.",
    ),
    Kind.bad_date: Words(
        Refusal.impossible_date,
        "存在しない日付か、形式が違います。",
        "No such date, or the form is wrong.",
        "YYYY-MM-DD の形で、実在する日付を送ってください。",
        "Send an existing date as YYYY-MM-DD.",
    ),
    Kind.no_pupil: Words(
        Refusal.schema,
        "児童生徒を特定する項目が足りません。",
        "Nothing here tells which pupil is meant.",
        "source_id、または学校・年度・学年・組・出席番号、またはカナ氏名と生年月日のいずれかをそろえてください。",
        "Give source_id; or school, school_year, grade, class_label and number; or kana names and birth_date.",
    ),
    Kind.impossible_date: Words(
        Refusal.impossible_date,
        "ありえない日付です(過去6年から先400日の外、または未来の生年月日)。",
        "The date is impossible: more than 6 years ago, more than 400 days ahead, or a birth in the future.",
        "年の桁と和暦の換算を確かめてください。",
        "Check the year and its conversion from the Japanese era.",
    ),
    Kind.wrong_year: Words(
        Refusal.impossible_date,
        "日付が年度の外です。年度は4月1日に始まります。",
        "The date lies outside its school year, which begins on 1 April.",
        "school_year と日付をそろえてください。",
        "Make school_year and the date agree.",
    ),
    Kind.unknown_school: Words(
        Refusal.unknown_school,
        "登録されていない学校です。",
        "This school is not registered.",
        "先に school-registered を送るか、学校コードを確かめてください。",
        "Send school-registered first, or check the school code.",
    ),
    Kind.forbidden_school: Words(
        Refusal.forbidden_school,
        "この鍵で送れる学校ではありません。",
        "This key may not send records of that school.",
        "学校コードを確かめるか、鍵の範囲を管理者に広げてもらってください。",
        "Check the school code, or ask the administrator to widen the key.",
    ),
    Kind.no_school: Words(
        Refusal.forbidden_school,
        "学校を限った鍵で送る記録に、学校がありません。",
        "This key is limited to schools, and the record names none.",
        "pupil の school に学校コードを加えてください。",
        "Add the school code as the pupil's school.",
    ),
    Kind.forbidden_type: Words(
        Refusal.forbidden_type,
        "この鍵で送れる種類ではありません。",
        "This key may not send events of that type.",
        "鍵の範囲を管理者に確かめてください(職員と消去は、鍵に明記が要ります)。",
        "Ask the administrator what the key allows; staff and erasure need a scope of their own.",
    ),
    Kind.same_id: Words(
        Refusal.duplicate_item,
        "同じ source と id の別の記録が、同じ送信の中にあります。",
        "Another record of the same request has the same source and id but other content.",
        "記録ごとに異なる id を付けてください。",
        "Give each record an id of its own.",
    ),
    Kind.too_many: Words(
        Refusal.too_large,
        "一つの記録の明細が多すぎます。",
        "The record holds too many lines.",
        "学級や年度ごとに分けて送ってください。",
        "Split it by class or school year.",
    ),
}


class Unfit(Exception):
    """An item that is refused: its kind and the JSON pointer to the place. Holds no value."""

    def __init__(self, kind: Kind, pointer: str = "") -> None:
        super().__init__(kind.value)
        self.kind = kind
        self.pointer = pointer

    @property
    def code(self) -> Refusal:
        """The code that may travel on the bus."""
        return WORDS[self.kind].code
