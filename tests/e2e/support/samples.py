"""Views as the readers hand them over, for looking at pages and testing them without a running system.

The people are invented; one of them is called `<img src=x onerror=alert(1)>`, as in every test city.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from contracts.codes import (
    AlertOutcome,
    AttendanceCode,
    Band,
    Basis,
    Decider,
    InfirmaryKind,
    Item,
    LongAbsence,
    Refusal,
    Retraction,
    Rule,
    StaffRole,
    SurveyKind,
    Symptom,
)
from contracts.features import (
    CumulativeEvidence,
    Evidence,
    InfirmaryEvidence,
    LatenessEvidence,
    MonthEvidence,
    StreakEvidence,
    SurveyEvidence,
    WeekdayEvidence,
    WindowEvidence,
)
from contracts.risk import Reason
from services.gateway import views
from services.gateway.views import AlertCard, AlertStatus, AlertStep, ChildLine, Language
from tests.e2e.support.sample_year import TODAY, days, school_days, series, year

__all__ = ["TODAY", "series", "year"]

NOW = datetime(2026, 12, 9, 23, 52, tzinfo=UTC)
SCHOOL = "B101210000018"
SCHOOL_NAME = "戸田みどり小学校"
HOSTILE = "<img src=x onerror=alert(1)>"
_NAMES = (
    ("青木 陽菜", "あおき ひな"),
    ("石川 蓮", "いしかわ れん"),
    ("上田 さくら", "うえだ さくら"),
    ("遠藤 湊", "えんどう みなと"),
    ("大野 結衣", "おおの ゆい"),
    ("加藤 悠真", "かとう ゆうま"),
    ("木村 莉子", "きむら りこ"),
    (HOSTILE, "いんじぇくしょん てすと"),
    ("小林 樹", "こばやし いつき"),
    ("佐々木 凛", "ささき りん"),
    ("清水 大和", "しみず やまと"),
    ("鈴木 葵", "すずき あおい"),
    ("高橋 颯太", "たかはし そうた"),
    ("田中 美咲", "たなか みさき"),
    ("中村 陸", "なかむら りく"),
    ("長谷川 花音", "はせがわ かのん"),
)


def child(number: int) -> ChildLine:
    """The child with this number in 5年2組."""
    name, kana = _NAMES[number % len(_NAMES)]
    return ChildLine(
        f"{number:032x}",
        name,
        kana,
        SCHOOL,
        SCHOOL_NAME,
        f"{SCHOOL}/2026/5/2",
        5,
        "2",
        number + 1,
        "homeroom",
    )


def reason(evidence: Evidence, *rules: Rule) -> Reason:
    """A reason with the item its evidence belongs to."""
    item = Item.attendance
    if isinstance(evidence, InfirmaryEvidence):
        item = Item.infirmary_count
    if isinstance(evidence, SurveyEvidence):
        item = Item.survey
    return Reason(item, list(rules), evidence)


STREAK = reason(StreakEvidence(days(12, 8, 9, 10), 2, 1, 5, 1, 0.7), Rule.streak_3)
MONTH = reason(
    MonthEvidence(date(2026, 11, 1), 19, days(11, 6, 12, 20, 27), 3, 1, 0, 0, 21, 1, None), Rule.rate_doubled
)
WEEKDAY = reason(
    WeekdayEvidence(0, 6, date(2026, 11, 2), date(2026, 12, 7), days(11, 9, 16, 30) + days(12, 7), 22, 1),
    Rule.weekday,
)
LATE = reason(
    LatenessEvidence(date(2026, 11, 27), date(2026, 12, 10), days(11, 30) + days(12, 2, 4, 8, 9), 1),
    Rule.lateness,
)
VISITS = reason(InfirmaryEvidence(date(2026, 11, 27), date(2026, 12, 10), days(12, 2, 3, 9), 0))
SURVEY = reason(SurveyEvidence(SurveyKind.lesson, date(2026, 6, 18), 7, 9, date(2026, 12, 8), 3, 9))
TOTAL = reason(CumulativeEvidence(12, 9, 3, 146, 4), Rule.rate_10)
WINDOW = reason(WindowEvidence(20, days(11, 19, 25) + days(12, 3), 3, 0, 0, 0.8), Rule.three_in_20)


def card(
    number: int,
    level: Band,
    *reasons: Reason,
    status: AlertStatus = AlertStatus.new,
    held: bool = False,
    basis: Basis = Basis.attendance,
) -> AlertCard:
    """An alert about a child of 5年2組."""
    return AlertCard(
        alert_id=f"{number:032x}",
        child=child(number),
        level=level,
        basis=basis,
        status=status,
        held=held,
        raised_at=NOW - timedelta(minutes=7 * number),
        as_of=TODAY,
        decided_by=Decider.rules,
        reasons=reasons,
        may_respond=True,
        version=1,
    )


def frame(language: Language = Language.ja, **changes: object) -> views.Frame:
    """The frame of a class teacher."""
    link = views.ClassLink(f"{SCHOOL}/2026/5/2", SCHOOL_NAME, 5, "2")
    post = views.Post(StaffRole.homeroom, SCHOOL, SCHOOL_NAME, 5, link.class_id, "2")
    plain = views.Frame(
        name="山田 直子",
        language=language,
        csrf="token-of-this-session",
        posts=(post,),
        classes=(link,),
        sees_children=True,
        sees_operations=False,
        administers=False,
        demo=True,
        school_date=TODAY,
        is_school_day=True,
        open_alerts=4,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def board() -> views.Board:
    """A busy morning."""
    taken = replace(
        card(9, Band.check, WEEKDAY, status=AlertStatus.acknowledged),
        acknowledged_by="佐藤 恵",
        acknowledged_at=NOW,
        escalated=True,
    )
    closed = replace(
        card(12, Band.check, WINDOW, status=AlertStatus.closed),
        closed_at=NOW,
        outcome=AlertOutcome.contacted_family,
    )
    withdrawn = replace(
        card(14, Band.check, STREAK, status=AlertStatus.retracted),
        retracted_at=NOW,
        retraction=Retraction.corrected,
    )
    return views.Board(
        open=(
            card(1, Band.soon, STREAK, MONTH),
            card(7, Band.check, LATE, VISITS, basis=Basis.combined),
            taken,
            card(4, Band.watch, SURVEY, MONTH, basis=Basis.combined),
        ),
        others=(card(2, Band.watch, WINDOW, held=True), card(6, Band.watch, TOTAL, held=True)),
        standing=(
            views.StandingLine(child(10), 41, 8, date(2026, 12, 2)),
            views.StandingLine(child(3), 33, 5, date(2026, 11, 26)),
        ),
        recent=(closed, withdrawn),
        counts=(),
        data_until=NOW,
    )


def quiet_board() -> views.Board:
    """A morning without anything new."""
    return replace(board(), open=(), others=())


def counts_board() -> views.Board:
    """What the board of education sees."""
    schools = (
        views.SchoolCounts(SCHOOL, SCHOOL_NAME, 642, 7, 12, 31, 9),
        views.SchoolCounts("B101210000027", "戸田あおば小学校", 518, None, 6, 22, 5),
        views.SchoolCounts("C101210000035", "戸田第一中学校", 733, 14, 25, 61, 28),
    )
    return views.Board((), (), (), (), schools, NOW)


def child_page() -> views.ChildPage:
    """A child with a long story."""
    whole = year()
    steps = (
        (AlertStep.raised, None, None),
        (AlertStep.delivered, None, None),
        (AlertStep.seen, "山田 直子", StaffRole.homeroom),
        (AlertStep.acknowledged, "山田 直子", StaffRole.homeroom),
        (AlertStep.closed, "山田 直子", StaffRole.homeroom),
    )
    history = tuple(
        views.HistoryLine(
            NOW - timedelta(days=20, hours=-n),
            "a" * 32,
            step,
            Band.check if step is AlertStep.raised else None,
            by,
            role,
            AlertOutcome.talked_with_child if step is AlertStep.closed else None,
        )
        for n, (step, by, role) in enumerate(steps)
    )
    return views.ChildPage(
        child=child(1),
        other_names=(),
        homeroom="山田 直子",
        places=(
            views.Place(SCHOOL_NAME, 2026, 5, "2", 2, date(2026, 4, 1), date(2027, 4, 1)),
            views.Place(SCHOOL_NAME, 2025, 4, "1", 3, date(2025, 4, 1), date(2026, 4, 1)),
        ),
        year=whole,
        previous_years=(views.YearGrid(2025, (), 202, 5, 0, 2, 1, 3, 0),),
        windows=(
            views.WindowLine(5, 5, 2, 1, 0, 0, 1, 0.2),
            views.WindowLine(20, 19, 4, 2, 2, 1, 1, 0.7),
            views.WindowLine(60, 54, 6, 2, 4, 1, None, 1.9),
        ),
        long_absence=LongAbsence.none,
        alerts=(card(1, Band.soon, STREAK, MONTH, status=AlertStatus.seen),),
        history=history,
        surveys=(
            views.SurveyRound(SurveyKind.lesson, 2026, 2, date(2026, 12, 8), 3, 9),
            views.SurveyRound(SurveyKind.lesson, 2026, 1, date(2026, 6, 18), 7, 9),
        ),
        infirmary=(views.InfirmaryMonth(date(2026, 12, 1), 3, 0, tuple(days(12, 2, 3, 9))),),
        infirmary_visits=(
            views.InfirmaryVisit(date(2026, 12, 9), InfirmaryKind.internal, Symptom.headache, 635, 670),
        ),
        notes=(
            views.Note(
                "b" * 32,
                Item.guidance,
                "放課後に声をかけた。友だちとの遊びの話をしていた。\n来週もう一度様子を見る。",
                "山田 直子",
                NOW - timedelta(days=19),
                True,
            ),
        ),
        note_items=(Item.guidance, Item.attendance),
        data_until=NOW,
    )


def class_page() -> views.ClassPage:
    """5年2組."""
    recent = tuple(school_days()[-10:])
    clean = tuple(replace(each, code=AttendanceCode.present, flags=0) for each in recent)
    levels = {1: Band.soon, 7: Band.check, 9: Band.check, 4: Band.watch}
    rows = tuple(
        views.ClassRow(
            child=child(number),
            today=(recent if number == 1 else clean)[-1],
            recent=recent if number == 1 else clean,
            month_absent=3 if number == 1 else number % 3 // 2,
            year_sick=9 if number == 1 else number % 5,
            year_other=number % 4 // 3,
            late=number % 6 // 4,
            left_early=number % 7 // 6,
            excused=number % 8 // 5,
            level=levels.get(number, Band.none),
            long_absence=LongAbsence.standing if number == 10 else LongAbsence.none,
        )
        for number in range(len(_NAMES))
    )
    link = views.ClassLink(f"{SCHOOL}/2026/5/2", SCHOOL_NAME, 5, "2")
    return views.ClassPage(link, "山田 直子", TODAY, True, rows, NOW)


def search_page(query: str = "さ") -> views.SearchPage:
    """Children whose kana holds the query."""
    found = tuple(child(n) for n in range(len(_NAMES)) if query and query in child(n).kana)
    return views.SearchPage(query, found, False)


def operators_page(school_day: bool = True) -> views.OperatorsPage:
    """A good morning, or a holiday."""
    names = ("identity.records", "features.facts", "scoring.features", "notify.risk", "gateway.facts")
    consumers = tuple(
        views.ConsumerLine(
            name.split(".")[0], name, 41_872, 41_640, 212, 3, 17, 0, 0, 0, 4, False, NOW, False
        )
        for name in names
    )
    edges = (views.EdgeLine("pupil-facts", "features.facts", 41_640, 41_640, 0),)
    lines = (
        views.RefusedLine("ingest", "ingest.inbound", "inbound-koumu", Refusal.impossible_date, 2),
        views.RefusedLine("ingest", "ingest.inbound", "inbound-koumu", Refusal.unknown_school, 1),
    )
    rows = (
        views.ScoreRow("model", 214, 61, 0.57, 0.41, 0.24, 38, 0.87, 0.26),
        views.ScoreRow("rules", 240, 61, 0.82, 0.64, 0.21, 38, 0.79, 0.22),
        views.ScoreRow("streak_3", 331, 61, 0.61, 0.38, 0.11),
        views.ScoreRow("total", 250, 61, 0.78, 0.62, None),
    )
    return views.OperatorsPage(
        reconciliation=views.Reconciliation(0, 17, consumers, edges),
        age=views.EventAge(0.2, 0.34, 0.81, 48),
        confirmed=views.Confirmed(
            TODAY,
            school_day,
            22,
            24,
            (views.SchoolConfirmed(SCHOOL, SCHOOL_NAME, 22, 24),),
            ((SCHOOL_NAME, NOW),),
            (
                views.SourceSeen("kokoron", None, 0, 12),
                views.SourceSeen("koumu", NOW - timedelta(minutes=3), 41_210, 3),
            ),
        ),
        waiting=views.Waiting(17, 5, NOW - timedelta(hours=2), NOW),
        refused=views.Refused(3, lines),
        undelivered=views.Undelivered(0, 0),
        alerts=views.AlertsToday(6, 9, 1, 0),
        deciders=(views.WhoDecides(Basis.attendance, Decider.rules, 128_400, rows, NOW),),
        audit_chain_ok=True,
        audit_sealed_until=NOW,
        measured_at=NOW,
        letters=(
            views.LetterLine(
                "ingest", "ingest.inbound", Refusal.unknown_school, 12, NOW - timedelta(days=1), NOW, 0, None
            ),
            views.LetterLine("identity", "identity.records", Refusal.schema, 2, NOW, NOW, 2, NOW),
        ),
    )


def admin_page() -> views.AdminPage:
    """One grant, two rows of the log."""
    grant = views.GrantLine(
        "c" * 32, "高橋 誠", StaffRole.nurse, SCHOOL_NAME, (Item.health,), TODAY, date(2027, 4, 1), None, None
    )
    audit = tuple(
        views.AuditLine(
            NOW, "山田 直子", action, ("attendance",), "homeroom", "shown", "", ("d" * 32,) * count
        )
        for action, count in (("list", 31), ("view", 1))
    )
    return views.AdminPage((grant,), audit)


def sign_in_page(trouble: views.SignInTrouble | None = None) -> views.SignInPage:
    """As a demonstration shows it."""
    accounts = (
        (StaffRole.homeroom, "山田 直子(5年2組)"),
        (StaffRole.grade_head, "佐藤 恵(5年)"),
        (StaffRole.vice_principal, "中島 健"),
        (StaffRole.nurse, "高橋 誠"),
        (StaffRole.board, "教育政策室"),
        (StaffRole.operator, "デジタル戦略室"),
    )
    links = tuple(views.DemoAccount(role, name, f"/demo/{role}") for role, name in accounts)
    return views.SignInPage("token-before-sign-in", "/", trouble, 40 if trouble else None, links)


def acknowledged(before: views.Board, alert_id: str) -> views.Board:
    """The board after 「確認しました」."""

    def take(each: AlertCard) -> AlertCard:
        return replace(
            each, status=AlertStatus.acknowledged, acknowledged_by="山田 直子", acknowledged_at=NOW
        )

    def taken(cards: tuple[AlertCard, ...]) -> tuple[AlertCard, ...]:
        return tuple(take(each) if each.alert_id == alert_id else each for each in cards)

    return replace(before, open=taken(before.open), others=taken(before.others))


def closed(before: views.Board, alert_id: str, outcome: AlertOutcome) -> views.Board:
    """The board after an outcome was recorded."""
    every = (*before.open, *before.others)
    ended = [
        replace(each, status=AlertStatus.closed, closed_at=NOW, outcome=outcome)
        for each in every
        if each.alert_id == alert_id
    ]
    return replace(
        before,
        open=tuple(each for each in before.open if each.alert_id != alert_id),
        others=tuple(each for each in before.others if each.alert_id != alert_id),
        recent=(*ended, *before.recent),
    )
