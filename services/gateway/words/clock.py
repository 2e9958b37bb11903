"""Instants and lengths of time in words; screens show the time of Japan."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.gateway.views import Language
from services.gateway.words import dates_en, dates_ja
from services.gateway.words.catalogue import Words

JAPAN = ZoneInfo("Asia/Tokyo")
_UNITS = (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0))


def moment(at: datetime, language: Language) -> str:
    """6月11日 8:52 / 11 June 8:52."""
    local = at.astimezone(JAPAN)
    plain = dates_ja.plain if language is Language.ja else dates_en.plain
    return f"{plain(local.date())} {local.hour}:{local.minute:02}"


def day(on: date, language: Language) -> str:
    """6月11日(木) / Thu 11 June."""
    return dates_ja.with_weekday(on) if language is Language.ja else dates_en.with_weekday(on)


def month(on: date, language: Language) -> str:
    """6月 / June."""
    return dates_ja.month(on) if language is Language.ja else dates_en.month(on)


def lasting(seconds: float, words: Words) -> str:
    """A length of time in its largest whole unit; below a minute in seconds with one decimal."""
    for unit, length in _UNITS:
        if seconds >= length:
            return words(f"operators.{unit}", n=round(seconds / length))
    return words("operators.seconds", n=f"{seconds:.1f}")
