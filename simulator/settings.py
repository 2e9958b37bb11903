"""Every assumption of the simulated city is a field here, with its source; nothing is hidden in code.

A pair is (elementary, junior high). "Assumed" means: no published figure was found.
"""

from dataclasses import dataclass, field

#: A value for elementary and one for junior high schools.
Pair = tuple[float, float]


@dataclass(frozen=True)
class Scale:
    """How many schools and pupils."""

    # 71 pupils are .86 % and 125 are 3.64 % (Toda FY2020): 8,256 and 3,434 pupils in 12 + 6 schools.
    elementary_schools: int = 12
    junior_schools: int = 6
    pupils_per_school: tuple[int, int] = (688, 572)
    class_size: tuple[int, int] = (31, 37)
    small_schools: int = 0  # of the elementary schools, one class of about ten per grade
    small_grade_size: int = 10
    cohort_spread: float = 0.08  # sd of a grade's size relative to its mean; assumed
    boys: float = 0.512  # sex ratio at birth, about 105 : 100
    siblings: float = 0.42  # new pupils with an elder sibling in the same school or its junior high; assumed
    leave_for_other_junior: float = 0.08  # 小6 who do not enter the city's junior high schools; assumed
    moves_in: float = 0.018  # from outside the city in mid-year, per pupil; assumed
    moves_out: float = 0.018  # to the outside in mid-year; assumed
    moves_within: float = 0.006  # to another school of the city in mid-year; assumed
    moves_in_spring: float = 0.02  # between two school years, both ways; assumed


@dataclass(frozen=True)
class CalendarSettings:
    """The school year; with the public holidays about 202 school days (2021/22 dates; exact dates assumed)."""

    first_day: tuple[int, int] = (4, 8)
    last_day: tuple[int, int] = (3, 24)
    summer: tuple[tuple[int, int], tuple[int, int]] = ((7, 21), (8, 26))
    winter: tuple[tuple[int, int], tuple[int, int]] = ((12, 25), (1, 7))
    junior_graduation: tuple[int, int] = (3, 14)  # 中3 stay at home afterwards; assumed
    sports_day_month: tuple[int, int] = (10, 9)  # a Saturday; the Monday after it is free (振替休業)
    storm_closure: float = 0.5  # chance that one day of Sep-Oct is lost to a typhoon; assumed


@dataclass(frozen=True)
class NonAttendance:
    """不登校: who, when, how fast, how much, and how it ends."""

    # Target share of pupils with >= 30 days: between Toda .86 and national 1.0 %; 3.64 and 4.1 % (FY2020).
    target: Pair = (0.0092, 0.040)
    # New in the year: 70,419/137,704 and 83,409/216,266 (FY2024).
    target_new: Pair = (0.51, 0.386)
    # Relative by grade, mean 1 within elementary and junior high; shape assumed.
    by_grade: tuple[float, ...] = (0.32, 0.55, 0.80, 1.08, 1.42, 1.80, 0.78, 1.08, 1.14)
    # Share of new cases that are sudden, gradual, slow accumulators; assumed, varied in other worlds.
    mix: tuple[float, float, float] = (0.30, 0.49, 0.21)
    # Onsets per new case of each type and of each level: some end before 30 days. Tuned (calibrate.py).
    onsets_per_case: tuple[float, float, float] = (1.16, 1.17, 1.80)
    level_correction: Pair = (1.03, 1.01)
    # Log-normal, median 55 school days, sigma .55; MEXT 2020: half of pupils had 1-6 months between
    # "hard to go" and staying away. Assumed.
    ramp_median_days: float = 55.0
    ramp_sigma: float = 0.55
    ramp_power: float = 1.6  # absence grows slowly first; assumed
    sudden_ramp_days: float = 4.0
    slow_level: tuple[float, float] = (0.10, 0.30)  # of days, from a day in April to October
    slow_months: tuple[int, int] = (4, 10)
    # Hazard x 5 in the 5 school days after a gap of >= 5 days; assumed (no monthly figure is published).
    after_gap_hazard: float = 5.0
    after_gap_days: int = 5
    long_gap_days: int = 5
    new_school_hazard: float = 1.3  # 小1, 中1 in the first 40 school days; assumed
    heavy: tuple[float, float] = (6.0, 1.1)  # Beta of the plateau
    mid: tuple[float, float] = (1.8, 1.7)
    heavy_share: float = 0.54  # of new cases; tuned to the >= 90-day share
    continuing_heavy_share: float = 0.74
    continuing_light: tuple[float, float] = (2.2, 4.5)
    # The chance that a case goes on is solved from target_new (latent.py); this corrects it for relapses and
    # for light years below 30 days. It leaves about 35 recovering per 100 continuing pupils, as assumed. Tuned.
    continue_correction: Pair = (0.92, 0.98)
    unfinished_chance: float = 0.75  # onset too late for 30 days this year: goes on in April; assumed
    recovering_level: tuple[float, float] = (0.01, 0.09)  # absence of those who are back; assumed
    returns: float = 0.18  # of new cases
    return_after_days: tuple[int, int] = (12, 50)
    relapse: float = 0.25  # of the returned
    relapse_after_days: tuple[int, int] = (10, 60)
    monday_logit: float = 0.6  # assumed
    after_gap_logit: float = 0.9  # first days after a gap; assumed
    persistence: float = 0.35  # chance that a day repeats the day before; assumed
    vulnerability: float = 0.7  # log hazard per standard deviation of latent vulnerability; assumed
    sibling_hazard: float = 2.5  # with a brother or sister in non-attendance; assumed
    booked_sick: tuple[float, float] = (0.62, 0.18)  # share booked 病欠 early and on the plateau; assumed
    separate_room: float = 0.30  # of the days present of partly attending pupils, for those who use it
    separate_room_users: float = 0.40
    counted_present_users: float = (
        0.12  # 出席扱い at an external place; about one in eight (memory of FY2024)
    )
    counted_present: float = 0.15  # of their days away
    # Support that changes the course (contaminates labels): reached per case, level multiplied. Assumed.
    support_reach: float = 0.15
    support_after_days: tuple[int, int] = (5, 30)
    support_effect: float = 0.45


@dataclass(frozen=True)
class Illness:
    """Absence for other reasons."""

    sick_days: Pair = (4.0, 3.6)  # a year; 4-6 absences a year assumed
    spell_days: float = 1.75
    proneness_shape: float = 1.7  # gamma
    family_days: float = 0.7  # 事故欠 of an ordinary pupil; assumed
    winter_factor: float = 1.6  # December to February against the rest; assumed
    reluctant: float = 0.02  # stable reluctant pupils
    reluctant_level: tuple[float, float] = (0.01, 0.05)
    # Tuned to long absence that is not 不登校; FY2015 病気 41,064, その他 27,794 of 10.02 M pupils.
    long_illness: float = 0.0024
    long_illness_days: tuple[float, float] = (38.0, 0.6)  # log-normal median and sigma; assumed
    chronic: float = 0.0020
    chronic_level: tuple[float, float] = (0.10, 0.35)  # assumed
    travel: float = 0.0018
    travel_days: tuple[int, int] = (10, 45)  # assumed
    bereavement: float = 0.05  # a year, 1-3 days; assumed
    entrance_exam_days: float = 1.6  # 中3, January to March, 校長が認めた日; assumed


@dataclass(frozen=True)
class Influenza:
    """Class-wise waves; 出席停止 5 days, closure 2-3 days (Joetsu study: 2 days at 10 % out)."""

    # About 8 % of pupils get 出席停止 in a season: outcome of these two, tuned.
    import_per_day: float = 0.0013  # hazard of infection from outside the class at the peak
    spread: float = 0.42  # pupils infected in class by one carrier, before class_sd
    class_sd: float = 0.65  # log-normal: some classes are swept, some spared; assumed
    suspension_days: int = 5
    closure_share: float = 0.20
    closure_days: tuple[int, int] = (2, 3)
    peak: tuple[int, int] = (1, 25)
    width_days: float = 24.0  # sd of the season; assumed
    first_days_sick: float = 0.8  # booked 病欠 until the diagnosis; assumed
    corrected_after_days: tuple[int, int] = (1, 6)  # school days until 病欠 becomes 出席停止; assumed


@dataclass(frozen=True)
class Signals:
    """Weak signs, held weak because Toda found that they add little. Rates per year; assumed."""

    late: Pair = (1.8, 3.0)
    early: float = 1.4
    infirmary: float = 1.6
    onset_late: float = 0.07  # added per day, from ten days ahead of the absence
    onset_early: float = 0.03
    onset_infirmary: float = 0.04
    ahead_days: int = 10
    internal_share: float = 0.55  # 内科 of infirmary visits


@dataclass(frozen=True)
class Surveys:
    """Answers and gaps (direction from Toda; sizes assumed)."""

    loading: float = 0.35
    missing: float = 0.08
    missing_away: float = 0.54
    away_from: float = 0.3  # "non-attending" here: likelier than this to be away on the day; assumed
    onset_shift: float = 0.3  # answers sink while an absence grows, in standard deviations; assumed
    wrong_reference: float = (
        0.008  # answers whose kana or birth date is wrong (1 in ~120 stayed unlinked in Toda)
    )


@dataclass(frozen=True)
class Recording:
    """How the school office writes things down. All assumed."""

    unrecorded_class_day: float = 0.002  # a class whose roll-call never comes
    unknown_pupil_day: float = 0.0002
    unreported: float = 0.12  # absences no parent reported by 8:40
    late_seen_absent: float = 0.5  # late pupils first marked absent, then confirmed as 遅刻
    confirmed_minutes: tuple[int, int] = (530, 660)  # 8:50-11:00
    evening_corrections: float = 0.004  # of exceptions, the same evening
    later_corrections: float = 0.012  # 病欠 <-> 事故欠 settled within days
    month_end_corrections: float = 0.004
    wrong_then_withdrawn: float = 0.0008  # per exception: another child marked, taken back next day
    school_name: float = 0.01  # pupils with a 通称 used in school
    former_name: float = 0.015  # a 旧姓 known to the office
    foreign_name: float = 0.02


@dataclass(frozen=True)
class Settings:
    """A whole world: one seed and every parameter."""

    seed: int = 1
    scale: Scale = field(default_factory=Scale)
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    nonattendance: NonAttendance = field(default_factory=NonAttendance)
    illness: Illness = field(default_factory=Illness)
    influenza: Influenza = field(default_factory=Influenza)
    signals: Signals = field(default_factory=Signals)
    surveys: Surveys = field(default_factory=Surveys)
    recording: Recording = field(default_factory=Recording)
