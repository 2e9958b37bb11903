"""Closed vocabularies: every code that may appear in an event, with its Japanese term."""

from enum import IntEnum, IntFlag, StrEnum


class Item(StrEnum):
    """What kind of knowledge a fact is; access rights and risk bases hang on it.

    ``operations`` marks events that tell nothing of any child (models, dead letters, pulses).
    """

    registry = "registry"  # 学籍
    attendance = "attendance"  # 出欠
    survey = "survey"  # 調査・アンケート
    infirmary_count = "infirmary_count"  # 保健室利用の回数
    infirmary_detail = "infirmary_detail"  # 保健室での症状
    attainment = "attainment"  # 学力
    health = "health"  # 健診
    guidance = "guidance"  # 生徒指導
    counselling = "counselling"  # 教育相談
    bullying = "bullying"  # いじめ
    welfare = "welfare"  # 福祉
    sos = "sos"  # 児童生徒のSOS
    operations = "operations"  # 運用


class AttendanceCode(IntEnum):
    """A day is one code plus independent flags (domain: 出席簿). The numbers are stored in strips."""

    unknown = 0  # 未記録
    present = 1  # 出席
    sick = 2  # 病欠
    other = 3  # 事故欠
    suspended = 4  # 出席停止
    bereaved = 5  # 忌引
    authorised = 6  # 校長が認めた日
    class_closed = 7  # 学級閉鎖
    no_school = 8  # 授業なし


class AttendanceFlag(IntFlag):
    """Independent flags of a day; a child can be late and leave early."""

    late = 1  # 遅刻
    left_early = 2  # 早退
    separate_room = 4  # 別室・保健室登校
    counted_present = 8  # 出席扱い
    provisional = 16  # 確定前


class SchoolKind(StrEnum):
    """学校種."""

    elementary = "elementary"  # 小学校
    junior_high = "junior_high"  # 中学校
    compulsory = "compulsory"  # 義務教育学校
    special = "special"  # 特別支援学校
    other = "other"


class StaffRole(StrEnum):
    """Posts that a school system may assign; rights of the other posts are granted in the gateway."""

    homeroom = "homeroom"  # 担任
    grade_head = "grade_head"  # 学年主任
    guidance_head = "guidance_head"  # 生徒指導主事
    nurse = "nurse"  # 養護教諭
    counsellor = "counsellor"  # SC・SSW
    vice_principal = "vice_principal"  # 教頭
    principal = "principal"  # 校長
    board = "board"  # 教育委員会
    operator = "operator"  # 運用


class NameKind(StrEnum):
    """Which of a child's names this is."""

    registered = "registered"  # 学齢簿の氏名
    school = "school"  # 学校使用名・通称
    former = "former"  # 旧姓
    alias = "alias"  # 併記名・本名


class Sex(StrEnum):
    """As registered; never a feature."""

    male = "male"
    female = "female"
    unspecified = "unspecified"


class DayKind(StrEnum):
    """What the calendar says of a date."""

    school_day = "school_day"  # 授業日
    half_day = "half_day"  # 半日授業
    closure = "closure"  # 休校・学年閉鎖
    holiday = "holiday"  # 休業日


class ClockPhase(StrEnum):
    """The two moments of a school day that the school clock tells."""

    settle = "settle"  # 確定時刻(既定 11:00)
    close = "close"  # 一日の終わり


class InfirmaryKind(StrEnum):
    """内科・外科."""

    internal = "internal"
    external = "external"


class Symptom(StrEnum):
    """Coded symptoms of an infirmary visit; free text is refused."""

    headache = "headache"  # 頭痛
    stomach_ache = "stomach_ache"  # 腹痛
    nausea = "nausea"  # 吐き気
    fever = "fever"  # 発熱
    fatigue = "fatigue"  # だるさ
    injury = "injury"  # けが
    anxiety = "anxiety"  # 不安
    rest = "rest"  # 休養
    other = "other"


class SurveyKind(StrEnum):
    """Surveys of the documents; answers are coded 1 (least) to 5 (most)."""

    lesson = "lesson"  # 授業がわかる調査
    school_life = "school_life"  # 学校生活アンケート
    prefecture = "prefecture"  # 県学調 児童生徒質問紙
    happiness = "happiness"  # 幸せアンケート
    weather = "weather"  # 心の天気
    thermo = "thermo"  # こころん・サーモ


#: Surveys whose questions include the teacher, so that their sums tell about her too.
SURVEYS_ABOUT_TEACHER = frozenset({SurveyKind.prefecture, SurveyKind.school_life})


class Basis(StrEnum):
    """A set of items from which a risk may be judged; no other item enters its model or rules."""

    attendance = "attendance"
    combined = "combined"  # attendance + infirmary_count + survey


BASIS_ITEMS: dict[Basis, frozenset[Item]] = {
    Basis.attendance: frozenset({Item.attendance}),
    Basis.combined: frozenset({Item.attendance, Item.infirmary_count, Item.survey}),
}


class Band(IntEnum):
    """How soon an adult should look; there is no red."""

    none = 0
    watch = 1  # 見守り
    check = 2  # 確認
    soon = 3  # 早めに確認


class Decider(StrEnum):
    """Who set the band."""

    rules = "rules"  # 規則による
    model = "model"  # モデルによる


class Rule(StrEnum):
    """The rule set that stands beside the model (published baselines)."""

    streak_3 = "streak_3"  # 3 school days in a row
    streak_7 = "streak_7"  # 7 in a row: the head's duty to report (施行令20条)
    four_in_45 = "four_in_45"  # 4 absences in 45 calendar days
    three_in_20 = "three_in_20"  # 3 absences in 20 school days
    rate_10 = "rate_10"  # absent on 10 % of days
    rate_doubled = "rate_doubled"  # this month's rate twice last month's
    first_20_days = "first_20_days"  # 3 absences in the first 20 school days
    last_year = "last_year"  # last year's 10 % or 30 days
    weekday = "weekday"  # absences gather on one weekday
    lateness = "lateness"  # lateness rises
    total = "total"  # order by total absences


class LongAbsenceRule(StrEnum):
    """Versioned definitions of 長期欠席."""

    toda_2021 = "toda_2021"  # 10 in the month or 30 in the year so far
    national_2015 = "national_2015"  # 30 in the year


class LongAbsence(StrEnum):
    """Where a child stands against the long-absence rule."""

    none = "none"
    new = "new"  # 新規長欠 in this month
    standing = "standing"  # 長期欠席 since an earlier month: 継続して支援中
    unknown = "unknown"  # moved in: what came before is not known


class AlertOutcome(StrEnum):
    """What an adult did after looking (coded; a free note stays in the gateway)."""

    talked_with_child = "talked_with_child"  # 本人に声かけ
    contacted_family = "contacted_family"  # 家庭に連絡
    home_visit = "home_visit"  # 家庭訪問
    case_meeting = "case_meeting"  # ケース会議
    handed_over = "handed_over"  # 他の職員へ引き継ぎ
    watching = "watching"  # 見守り
    known_reason = "known_reason"  # 事情を把握済み
    data_wrong = "data_wrong"  # 記録の誤り


class Retraction(StrEnum):
    """Why an alert was withdrawn by the system."""

    corrected = "corrected"  # 訂正により根拠がなくなった
    moved = "moved"  # 転出
    erased = "erased"  # 削除請求


class DeliveryNews(StrEnum):
    """What another system is told of an alert."""

    raised = "raised"  # 新しいお知らせ
    retracted = "retracted"  # 取り下げ


class Refusal(StrEnum):
    """Why something could not be accepted; the only thing about bad input that leaves the spot."""

    not_json = "not_json"
    not_utf8 = "not_utf8"
    bad_header = "bad_header"
    unknown_type = "unknown_type"
    schema = "schema"
    too_large = "too_large"
    forbidden_school = "forbidden_school"
    forbidden_type = "forbidden_type"
    impossible_date = "impossible_date"
    unknown_school = "unknown_school"
    free_text = "free_text"
    duplicate_item = "duplicate_item"
    bad_xml = "bad_xml"
    bad_row = "bad_row"
    bad_key = "bad_key"
    bad_host = "bad_host"
    internal = "internal"


class StopReason(StrEnum):
    """Why a partition stopped itself; it goes on when somebody has looked and the service was restarted."""

    too_many_bad = "too_many_bad"  # 処理できない記録が続いた
    topic_recreated = "topic_recreated"  # トピックが作り直された
    partition_count = "partition_count"  # 区画数が目録と違う
    before_log = "before_log"  # 位置がログの始まりより前
    beyond_log = "beyond_log"  # 位置がログの終わりより後
    other = "other"
