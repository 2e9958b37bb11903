"""The school that the tests of the chain share: its children, and the days that were sent."""

from __future__ import annotations

from tests.e2e.support.town import YEAR, school_days, small_city

DAYS = 70
CITY = small_city()
LAST = school_days(CITY)[DAYS - 1]
#: The first school day that was not sent.
NEXT = school_days(CITY)[DAYS]
SCHOOL = CITY.schools[0].code
#: A system that writes straight to the bus.
DIRECT = "direct"

__all__ = ["CITY", "DAYS", "DIRECT", "LAST", "NEXT", "SCHOOL", "YEAR"]
