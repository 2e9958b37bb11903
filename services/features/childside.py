"""Facts of one child beside its marks: enrolments, visits to the 保健室, survey rounds."""

from contracts.codes import InfirmaryKind
from contracts.envelope import Event
from contracts.facts import (
    EnrolmentSet,
    EnrolmentWithdrawn,
    InfirmaryVisitCounted,
    InfirmaryVisitWithdrawn,
    SurveyMarked,
)
from contracts.versions import mark_version
from services.features.cache import LaneState, YearKey
from services.features.children import Enrolment, SurveyRound, Visit, with_enrolment, with_survey, with_visit
from services.features.loading import load_children, load_years
from services.features.schoolyear import DAYS, locate
from services.features.step import Step, Surveyed
from services.kit.lanes import Transaction


async def load_concerned(tx: Transaction, step: Step) -> None:
    """Load the children that the step's other facts are about, and the years that they may change."""
    wanted = [
        (share.state, event.body.linkage_id)  # type: ignore[attr-defined]
        for share in step.shares
        for events in (share.inbox.enrolments, share.inbox.visits, share.inbox.surveys)
        for event in events
    ]
    await load_children(tx, wanted)
    years: list[tuple[LaneState, YearKey]] = []
    for share in step.shares:
        state = share.state
        for event in share.inbox.enrolments:
            enrolment = _enrolment(event)
            who = event.body.linkage_id  # type: ignore[attr-defined]
            years += [(state, (who, year)) for year in _enrolled_years(state, who, enrolment)]
        for event in share.inbox.visits:
            visit, who = _visit(event)
            dates = {visit.date, *(v.date for v in state.child(who).visits if v.visit_id == visit.visit_id)}
            years += [(state, (who, locate(day)[0])) for day in dates]
    await load_years(tx, years)


def _enrolled_years(state: LaneState, who: str, new: Enrolment) -> set[int]:
    """School years that a new enrolment fact may change."""
    held = {e.school_year for e in state.child(who).enrolments if e.enrolment_id == new.enrolment_id}
    return {year for year in (*held, new.school_year) if year}


def apply_enrolments(step: Step) -> list[tuple[int, str, Enrolment]]:
    """Newer enrolments, for saving."""
    saved: dict[tuple[int, str, str], Enrolment] = {}
    for share in step.shares:
        state = share.state
        for event in share.inbox.enrolments:
            who: str = event.body.linkage_id  # type: ignore[attr-defined]
            new = _enrolment(event)
            child = with_enrolment(state.child(who), new)
            if child is None:
                step.effects.stale[state.partition] += 1
                continue
            for year in _enrolled_years(state, who, new):
                step.remember(state, (who, year), event)
            state.children[who] = child
            saved[state.partition, who, new.enrolment_id] = new
    return [(lane, who, each) for (lane, who, _), each in saved.items()]


def _enrolment(event: Event) -> Enrolment:
    body: EnrolmentSet | EnrolmentWithdrawn = event.body  # type: ignore[assignment]
    version = mark_version(event.meta)
    if isinstance(body, EnrolmentWithdrawn):
        return Enrolment(body.enrolment_id, version, True)
    return Enrolment(
        enrolment_id=body.enrolment_id,
        version=version,
        withdrawn=False,
        class_id=body.class_id,
        school_kind=body.school_kind,
        valid_from=body.valid_from,
        valid_to=body.valid_to,
        school_year=body.school_year,
        moved_in=body.moved_in,
    )


def apply_visits(step: Step) -> list[tuple[int, str, Visit]]:
    """Newer visits, for saving; the child's year is touched from the visit on."""
    saved: dict[tuple[int, str, str], Visit] = {}
    for share in step.shares:
        state = share.state
        for event in share.inbox.visits:
            new, who = _visit(event)
            old = state.child(who)
            child = with_visit(old, new)
            if child is None:
                step.effects.stale[state.partition] += 1
                continue
            for day in {new.date, *(v.date for v in old.visits if v.visit_id == new.visit_id)}:
                school_year, index = locate(day)
                touch = step.touch(state, (who, school_year), DAYS, event)
                touch.visits_from = min(touch.visits_from, index)
            state.children[who] = child
            saved[state.partition, who, new.visit_id] = new
    return [(lane, who, each) for (lane, who, _), each in saved.items()]


def _visit(event: Event) -> tuple[Visit, str]:
    """A visit, and whose."""
    body: InfirmaryVisitCounted | InfirmaryVisitWithdrawn = event.body  # type: ignore[assignment]
    withdrawn = isinstance(body, InfirmaryVisitWithdrawn)
    internal = not isinstance(body, InfirmaryVisitWithdrawn) and body.kind is InfirmaryKind.internal
    return Visit(body.visit_id, mark_version(event.meta), body.date, internal, withdrawn), body.linkage_id


def apply_surveys(step: Step) -> list[tuple[int, str, SurveyRound]]:
    """Newer survey rounds, for saving."""
    saved: dict[tuple[int, str, tuple[str, int, int]], SurveyRound] = {}
    for share in step.shares:
        state = share.state
        for event in share.inbox.surveys:
            body: SurveyMarked = event.body  # type: ignore[assignment]
            who = body.linkage_id
            new = _round(event, body)
            old = state.child(who)
            child = with_survey(old, new)
            if child is None:
                step.effects.stale[state.partition] += 1
                continue
            starts = [new.date, *(each.date for each in old.surveys if each.key == new.key)]
            if who in step.surveyed:
                starts.append(step.surveyed[who].start)
            step.surveyed[who] = Surveyed(state, event, min(starts))
            state.children[who] = child
            saved[state.partition, who, new.key] = new
    return [(lane, who, each) for (lane, who, _), each in saved.items()]


def _round(event: Event, body: SurveyMarked) -> SurveyRound:
    return SurveyRound(
        survey=body.survey,
        school_year=body.school_year,
        round=body.round,
        version=mark_version(event.meta),
        date=body.date,
        answers=tuple(sorted((each.code, each.value) for each in body.indicators)),
        withdrawn=body.withdrawn,
    )
