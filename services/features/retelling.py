"""A rule of 長期欠席 that was set: it holds at once, and who stands otherwise under it is told again.

A whole school year of all children would not fit into one poll. So they come in pieces: an event names a piece, and
the first lane sends the event of the next one after it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from contracts.codes import LongAbsenceRule
from contracts.envelope import Event
from contracts.facts import LongAbsenceRuleSet
from services.features import store
from services.features.arrays import I64
from services.features.batch import Owned, batch
from services.features.cache import LaneState
from services.features.loading import load_tallies, load_years, schools_of
from services.features.longabsence import NEVER, crossings
from services.features.rules import LaneRule, in_part, is_newer
from services.features.schoolyear import DAYS, locate
from services.features.step import Step, Surveyed, Touch
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing, Transaction

TOPIC = "pupil-facts"
#: Lane that sends the event of the next piece.
_FIRST_LANE = 0
_CHUNK = 2000
_EVERY_DAY = frozenset(range(DAYS))


async def apply_rules(tx: Transaction, step: Step, kept: int) -> None:
    """Newer rules, after everything else of the step; a lane keeps ``kept`` of the years loaded."""
    for share in step.shares:
        state = share.state
        for event in share.inbox.rules:
            body: LongAbsenceRuleSet = event.body  # type: ignore[assignment]
            if not is_newer(state.rule_set(body.school_year), body):
                step.effects.stale[state.partition] += 1
                continue
            state.rules[body.school_year] = LaneRule(body.rule, body.version, body.part)
            await _touch(tx, step, state, event, kept)
            if state.partition == _FIRST_LANE and body.part + 1 < body.parts:
                step.effects.emit(state.partition, outgoing(replace(body, part=body.part + 1), event))


def outgoing(body: LongAbsenceRuleSet, cause: Event | None = None) -> Outgoing:
    """The event of one piece, to every lane."""
    name = derived_id("long-absence-rule", str(body.version), str(body.part))
    return Outgoing(TOPIC, body, name, cause=cause, everywhere=True)


async def _touch(tx: Transaction, step: Step, state: LaneState, event: Event, kept: int) -> None:
    """Touch the piece's children from the first day on which they may stand otherwise."""
    body: LongAbsenceRuleSet = event.body  # type: ignore[assignment]
    years = set(await store.years_since(tx, state.partition, body.school_year))
    years |= {key for key in state.changed_terms if key[1] >= body.school_year}
    listed = sorted(key for key in years if in_part(key[0], body) and not state.is_erased(key[0]))
    for school_year in sorted({key[1] for key in listed}):
        owned = [(state, key) for key in listed if key[1] == school_year]
        for start in range(0, len(owned), _CHUNK):
            part = owned[start : start + _CHUNK]
            passing = [key for _, key in part if not state.has_year(key)]
            await load_years(tx, part)
            for key, first in await _changes(tx, school_year, part, body.everyone):
                touch = step.touch(state, key, first, event)
                if body.everyone:
                    _tell_all(step, touch)
            for key in passing:
                if key not in step.touches and len(state.years) > kept:
                    del state.years[key]


async def _changes(
    tx: Transaction, school_year: int, part: Sequence[Owned], everyone: bool
) -> Iterator[tuple[tuple[str, int], int]]:
    """Children's years and the first day that may be told otherwise."""
    keys = [key for _, key in part]
    if everyone:
        return zip(keys, [0] * len(keys), strict=True)
    await load_tallies(tx, schools_of(part))
    years = batch(school_year, part, LongAbsenceRule.toda_2021, [DAYS] * len(part)).years
    found: I64 = np.stack([crossings(years, rule) for rule in LongAbsenceRule])
    first, last = found.min(axis=0), found.max(axis=0)
    changed = np.flatnonzero((first != last) & (first < NEVER)).tolist()
    return zip([keys[row] for row in changed], first[changed].tolist(), strict=True)


def _tell_all(step: Step, touch: Touch) -> None:
    """Everything of a child's year, days that may have lost their vector included."""
    touch.gone, touch.visits_from = _EVERY_DAY, 0
    who, school_year = touch.key
    answered = [each.date for each in touch.state.child(who).surveys if locate(each.date)[0] == school_year]
    if answered:
        held = step.surveyed.get(who)
        start = min([*answered, held.start]) if held else min(answered)
        step.surveyed[who] = Surveyed(touch.state, touch.cause, start)
