"""Unseen for two school days: the next person up. School days are counted, not hours; every day in its turn.

So a school that confirms a week at once ends where it would have ended day by day.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from contracts.alerts import Recipient
from contracts.risk import RiskAssessed
from services.notify import routing
from services.notify.routing import Post
from services.notify.rows import Row


class Climb(NamedTuple):
    """A step up and whom it reaches."""

    step: int
    recipients: list[Recipient]


def climb(
    row: Row,
    assessment: RiskAssessed,
    posts: Sequence[Post],
    policy: str,
    school_days: Iterable[date],
    unseen_days: int,
) -> tuple[Row, list[Climb]]:
    """The steps that an unseen alert has earned by the school days since it was last told.

    Where nobody holds a higher post the alert waits, and climbs when somebody does.
    """
    climbs: list[Climb] = []
    waited = 0
    for day in sorted(day for day in school_days if day > row.told_on):
        waited += 1
        if waited < unseen_days:
            continue
        told = [*row.recipients, *row.climbed]
        if found := routing.next_step(posts, assessment, policy, told, day):
            row = replace(row, step=row.step + 1, climbed=[*row.climbed, *found], told_on=day)
            climbs.append(Climb(row.step, found))
            waited = 0
    return row, climbs
