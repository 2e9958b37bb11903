"""Instants and lengths of time in words; screens show the time of Japan."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.gateway.views import Language
from services.gateway.words import dates_en, dates_ja
from services.gateway.words.catalogue import Words

JAPAN = ZoneInfo("Asia/Tokyo")
_DATES = {Language.ja: dates_ja, Language.en: dates_en}
_UNITS = (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0))


def moment(at: datetime, language: Language) -> str:
    """6月11日 8:52 / 11 June 8:52."""
    local = at.astimezone(JAPAN)
    return f"{_DATES[language].plain(local.date())} {local.hour}:{local.minute:02}"


def day(on: date, language: Language) -> str:
    """6月11日(木) / Thu 11 June."""
    return _DATES[language].with_weekday(on)


def month(on: date, language: Language) -> str:
    """6月 / June."""
    return _DATES[language].month(on)


def lasting(seconds: float, words: Words) -> str:
    """A length of time in its largest whole unit; below a minute in seconds with one decimal."""
    for unit, length in _UNITS:
        if seconds >= length:
            return words(f"operators.{unit}", n=round(seconds / length))
    return words("operators.seconds", n=f"{seconds:.1f}")
