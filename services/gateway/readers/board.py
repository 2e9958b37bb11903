"""「わたしのお知らせ」: what stands open, what the budget holds, who is in long absence, what was finished lately."""

from collections import defaultdict
from datetime import date, timedelta

from contracts.codes import Item
from services.gateway import longabsence, schoolyear
from services.gateway.access import Action
from services.gateway.readers.cards import cards
from services.gateway.store import counts, pages
from services.gateway.views import AlertCard, AlertStatus, Board, ChildLine, SchoolCounts, StandingLine
from services.gateway.visit import Visit

_RECENT = timedelta(days=10)
_WAITING = (AlertStatus.new, AlertStatus.seen)
#: Counts below this would point at children.
SMALLEST_COUNT = 5


async def read(visit: Visit) -> Board:
    """The board; the board of education gets counts instead of children unless its policy is principal_first."""
    lately = visit.today - _RECENT
    alerts = await pages.alerts_since(visit.tx, lately)
    standing = await _standing(visit)
    shown = list({row["linkage_id"] for row in alerts} | set(standing))
    places = await pages.children(visit.tx, shown, visit.today)
    allowed = {row["linkage_id"]: row for row in places if visit.relations(row) and _may_list(visit, row)}
    alerts = [row for row in alerts if row["linkage_id"] in allowed]
    lines = visit.lines(list(allowed.values()), Item.attendance, Action.list)
    found = await cards(visit, alerts, lines, allowed, Action.list)
    _narrow(visit, {card.child.linkage_id for card in found} | (standing.keys() & lines.keys()))
    return Board(
        open=tuple(sorted((c for c in found if _is_open(c) and not c.held), key=_urgency)),
        others=tuple(sorted((c for c in found if _is_open(c) and c.held), key=_urgency)),
        standing=tuple(_standing_lines(lines, standing)),
        recent=tuple(sorted((c for c in found if _is_recent(c, lately)), key=_urgency)),
        counts=await _counts(visit),
        data_until=await pages.data_until(visit.tx),
    )


def _may_list(visit: Visit, row: object) -> bool:
    return visit.may(visit.relations(row), Item.attendance, Action.list)  # type: ignore[arg-type]


def _narrow(visit: Visit, shown: set[str]) -> None:
    """The operation log names the children on the page, not those looked through."""
    visit.entry.linkage_ids = set(shown)


def _is_open(card: AlertCard) -> bool:
    return card.status in (*_WAITING, AlertStatus.acknowledged)


def _is_recent(card: AlertCard, lately: date) -> bool:
    if card.status in (AlertStatus.retracted, AlertStatus.ended):
        return not card.held
    return card.status is AlertStatus.closed and card.closed_at is not None and card.as_of >= lately


def _urgency(card: AlertCard) -> tuple[bool, float, str]:
    """What nobody has taken on first, newest first. Children are not ranked."""
    return card.status not in _WAITING, -card.raised_at.timestamp(), card.alert_id


async def _standing(visit: Visit) -> dict[str, tuple[int, int, date | None]]:
    """Children in long absence since an earlier month: absences of the year and month, last day present."""
    first = schoolyear.first_day(schoolyear.year_of(visit.today))
    month = visit.today.replace(day=1)
    absent: dict[str, dict[date, int]] = defaultdict(dict)
    for row in await pages.often_absent(visit.tx, first, longabsence.least(visit.rule)):
        absent[row["linkage_id"]][row["month"]] = row["sick"] + row["other"]
    found = [key for key, counted in absent.items() if longabsence.standing(counted, month, visit.rule)]
    last = await pages.last_present(visit.tx, found, first) if found else {}
    return {key: (sum(absent[key].values()), absent[key].get(month, 0), last.get(key)) for key in found}


def _standing_lines(
    lines: dict[str, ChildLine], standing: dict[str, tuple[int, int, date | None]]
) -> list[StandingLine]:
    """In the order of schools and classes, never by absences."""
    found = [StandingLine(lines[key], *figures) for key, figures in standing.items() if key in lines]
    return sorted(
        found,
        key=lambda each: (each.child.school, each.child.class_id, each.child.number or 99, each.child.kana),
    )


async def _counts(visit: Visit) -> tuple[SchoolCounts, ...]:
    """Numbers of schools, for those who count and see no child."""
    if visit.viewer.board_sees_children or not visit.may((), Item.attendance, Action.tally):
        return ()
    return await counts.schools(visit.tx, visit.viewer.held, SMALLEST_COUNT)
