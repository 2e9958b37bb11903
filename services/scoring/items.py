"""Infirmary and survey beside attendance: values that hold from a date on, step after step."""

from collections.abc import Sequence

from contracts.features import DayVector, InfirmaryFeaturesUpdated, SurveyFeaturesUpdated
from services.scoring.child import Added, ChildYear, Step
from services.scoring.layout import INFIRMARY, SURVEY

OtherItem = InfirmaryFeaturesUpdated | SurveyFeaturesUpdated
Years = dict[int, ChildYear]
#: Steps of infirmary and of survey that hold in a school year.
Steps = tuple[Sequence[Step], Sequence[Step]]
NOTHING_KNOWN: list[float | None] = [None] * len(INFIRMARY + SURVEY)


def held(child: ChildYear, body: OtherItem) -> Added:
    """What is known of the event's item."""
    return child.infirmary if isinstance(body, InfirmaryFeaturesUpdated) else child.survey


def hold(child: ChildYear, body: OtherItem, added: Added) -> None:
    """Put newer knowledge of the event's item in place."""
    child.items_touched = True
    if isinstance(body, InfirmaryFeaturesUpdated):
        child.infirmary = added
    else:
        child.survey = added


def take_steps(child: ChildYear, body: OtherItem) -> int | None:
    """Put the event's newer steps in their places; gives back the first date (ordinal) that changed, if any."""
    before = held(child, body)
    steps = {step.on: step for step in before.steps}
    changed = [on for vector in body.days if (on := _newer(steps, vector)) is not None]
    if not changed:
        return None
    hold(child, body, Added(before.evidence_version, [steps[on] for on in sorted(steps)], before.evidence))
    return min(changed)


def take_evidence(child: ChildYear, body: OtherItem) -> bool:
    """Put newer evidence in place of older; False for older."""
    before = held(child, body)
    if body.evidence_version <= before.evidence_version:
        return False
    hold(child, body, Added(body.evidence_version, before.steps, list(body.evidence)))
    return True


def steps_in(years: Years, school_year: int) -> Steps:
    """Infirmary steps of the school year; survey steps, and the last answers of an earlier year before them."""
    this = years.get(school_year)
    if this and len(years) == 1:
        return this.infirmary.steps, this.survey.steps
    survey = this.survey.steps if this else []
    for year in sorted(years, reverse=True):
        if year < school_year and (steps := years[year].survey.steps):
            survey = [steps[-1], *survey]
            break
    return (this.infirmary.steps if this else [], survey)


def values_on(steps: Steps, on: int) -> list[float | None] | None:
    """Infirmary and survey values that hold on a date; None if neither is known."""
    infirmary, survey = _held(steps[0], on), _held(steps[1], on)
    if infirmary is None and survey is None:
        return None
    return [*(infirmary or [None] * len(INFIRMARY)), *(survey or [None] * len(SURVEY))]


def _newer(steps: dict[int, Step], vector: DayVector) -> int | None:
    on = vector.date.toordinal()
    known = steps.get(on)
    if known is not None and vector.version <= known.version:
        return None
    steps[on] = Step(on, vector.version, vector.values)
    return on


def _held(steps: Sequence[Step], on: int) -> list[float | None] | None:
    for step in reversed(steps):
        if step.on <= on:
            return step.values
    return None
