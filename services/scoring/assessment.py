"""What is told of a child on a basis now, and whether that differs from what was told last."""

import hashlib
from datetime import date

import msgspec

from contracts.codes import Band, Basis, Decider, LongAbsence
from contracts.risk import Reason, RiskAssessed
from services.scoring.bands import LONG_CODES, STANDING, START, Fold
from services.scoring.child import ChildYear
from services.scoring.days import (
    BY_MODEL,
    BY_MODEL_COMBINED,
    FOLDS,
    QUIET,
    Day,
    long_code,
    model_date,
    unpack_day,
)
from services.scoring.linear import probability
from services.scoring.reasons import added_reasons, attendance_reasons
from services.scoring.rules import place

_encoder = msgspec.msgpack.Encoder()
_BASES = (Basis.attendance, Basis.combined)
#: Digest of a child of whom nothing is to be told.
NOTHING = b""
_BANDS = tuple(Band)
_NOTHING_TOLD = (NOTHING, NOTHING)


def changes(child: ChildYear) -> list[RiskAssessed]:
    """Assessments that differ from what was last emitted; notes on ``child`` that they are emitted now.

    While a band stands it is told anew each settled day (its reasons and as-of day move with the days), so
    that what receivers hold is a function of the child's days, not of the path to them.
    """
    if child.emitted == _NOTHING_TOLD and _is_quiet(child.last):
        return []
    last = unpack_day(child.last) if child.last else _nothing_settled(child)
    told: list[RiskAssessed] = []
    digests = list(child.emitted)
    facts = (
        attendance_reasons(child.evidence, last.fired) if last.fold.band or last.combined_fold.band else []
    )
    said: tuple[object, ...] = ()
    digest = NOTHING
    for position, basis in enumerate(_BASES):
        fold = last.fold if position == 0 else last.combined_fold
        if not fold.band and last.long_code != STANDING and digests[position] == NOTHING:
            continue
        body = _assessment(child, last, basis, fold, facts)
        if (news := _news(body)) != said:
            said, digest = news, _digest(news)
        if digest != digests[position]:
            if digests[position] != NOTHING and child.told_at != child.school:
                told.append(_farewell(body, child.told_at))
            digests[position] = digest
            told.append(body)
    if told:
        child.emitted, child.told_at = (digests[0], digests[1]), child.school
    return told


def _is_quiet(last: bytes) -> bool:
    """Whether there is neither a band nor a standing long absence, nor any settled day."""
    return not last or (last[-FOLDS:] == QUIET and long_code(last) != STANDING)


def _nothing_settled(child: ChildYear) -> Day:
    """Every settled day was withdrawn: the latest day stands for a child of whom nothing is known."""
    return unpack_day(child.tail)._replace(flags=0, fold=START, combined_fold=START)


def _assessment(child: ChildYear, last: Day, basis: Basis, fold: Fold, facts: list[Reason]) -> RiskAssessed:
    if not facts:
        fold = START
    added: list[Reason] = []
    if fold.band and basis is Basis.combined:
        added = added_reasons([*child.infirmary.evidence, *child.survey.evidence])
    by_model = bool(last.flags & (BY_MODEL if basis is Basis.attendance else BY_MODEL_COMBINED))
    number = last.model_day if basis is Basis.attendance else last.combined_model_day
    log_odds = last.log_odds if basis is Basis.attendance else last.combined_log_odds
    return RiskAssessed(
        linkage_id=child.linkage_id,
        school=child.school,
        class_id=child.class_id,
        grade=child.grade,
        basis=basis,
        band=_BANDS[fold.band],
        as_of=date.fromordinal(child.first + last.day),
        decided_by=Decider.model if by_model else Decider.rules,
        reasons=[*facts, *added] if fold.band else [],
        long_absence=LONG_CODES[last.long_code],
        place=int(1e6 * probability(log_odds)) if by_model else place(last.pace),
        version=child.version(basis is Basis.combined),
        episode=date.fromordinal(child.first + fold.episode) if fold.band else None,
        model_day=model_date(number) if by_model else None,
    )


def _news(body: RiskAssessed) -> tuple[object, ...]:
    """What of an assessment is news; while there is no band only standing long absence is."""
    if body.band is Band.none and body.long_absence is not LongAbsence.standing:
        return ()
    where = (body.school, body.class_id, body.grade, body.long_absence)
    if body.band is Band.none:
        return (where,)
    return where, body.band, body.as_of, body.episode, body.decided_by, body.reasons


def _digest(news: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(_encoder.encode(news), digest_size=8).digest() if news else NOTHING


def _farewell(body: RiskAssessed, school: str) -> RiskAssessed:
    """To the school that the child has left: nothing is told there any more."""
    return msgspec.structs.replace(
        body, school=school, band=Band.none, reasons=[], episode=None, version=body.version - 1
    )
