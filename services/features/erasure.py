"""削除請求: everything of a child goes, its ID stays in a ledger, and the wish travels on."""

from contracts.envelope import Event
from services.features import store
from services.features.attendance_events import TOPIC
from services.features.cache import LaneState
from services.features.loading import load_years
from services.features.recount import DayState, Move, move, recount
from services.features.schoolyear import year_days
from services.features.step import Step
from services.features.strips import unpack
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing, Transaction


async def apply_erasures(tx: Transaction, step: Step) -> None:
    """Take the step's erased children out of the counts, delete them and pass the event on."""
    erased = [
        (share.state, who, event) for share in step.shares for who, event in share.inbox.erasures.items()
    ]
    if not erased:
        return
    await recount(tx, step, await _moves(tx, erased))
    await store.erase(tx, [(state.partition, who) for state, who, _ in erased])
    for state, who, event in erased:
        state.forget(who)
        step.surveyed.pop(who, None)
        for key in [key for key in step.touches if key[0] == who]:
            del step.touches[key]
        for key in [key for key in step.placed if key[0] == who]:
            del step.placed[key]
        outgoing = Outgoing(
            TOPIC, event.body, derived_id("pupil-erased", who), key=who, subject=who, cause=event
        )
        step.effects.emit(state.partition, outgoing)


async def _moves(tx: Transaction, erased: list[tuple[LaneState, str, Event]]) -> list[Move]:
    """Every known day of the children becomes unknown to their classes."""
    states = {who: (state, event) for state, who, event in erased}
    keys = set(await store.years_of(tx, list(states)))
    for state, who, _ in erased:
        keys |= {key for key in state.changed_terms if key[0] == who}
    await load_years(tx, ((states[key[0]][0], key) for key in keys))
    moves = []
    for key in sorted(keys):
        state, event = states[key[0]]
        year = state.year(key)
        strips = unpack([year.strip])
        arrays = (strips.class_index, strips.status, strips.flags, strips.version)
        columns = zip(*(each[0].tolist() for each in arrays), strict=True)
        for index, (place, *rest) in enumerate(columns):
            if place and rest[0]:
                before = DayState(year.classes[place - 1], *rest)
                gone = DayState("", 0, 0, before.version + (1 << 16))
                moves.append(move(state, key[0], before, gone, event, year_days(key[1]).dates[index]))
    return [each for each in moves if each is not None]
