"""``survey-features-updated``: one value per date on which answers came, from the changed one on."""

from collections.abc import Iterator
from typing import cast

from contracts.features import LOGIC, DayVector, SurveyFeaturesUpdated
from services.features.attendance_events import TOPIC
from services.features.cache import LaneState
from services.features.schoolyear import locate
from services.features.step import Surveyed
from services.features.surveys import survey_evidence, survey_vector
from services.features.versions import bounded
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing


def survey_events(surveyed: dict[str, Surveyed]) -> Iterator[tuple[LaneState, Outgoing]]:
    """One event per child and school year whose answers changed."""
    for who, (state, cause, start) in surveyed.items():
        rounds = state.child(who).surveys
        answered = sum(each.version for each in rounds)
        dates = sorted({start, *(each.date for each in rounds if each.date > start)})
        for school_year in sorted({locate(day)[0] for day in dates}):
            part = [day for day in dates if locate(day)[0] == school_year]
            version = bounded(answered + state.rule_of(school_year).version)
            body = SurveyFeaturesUpdated(
                linkage_id=who,
                school_year=school_year,
                logic=LOGIC,
                days=[
                    DayVector(day, version, cast("list[float | None]", survey_vector(rounds, day)))
                    for day in part
                ],
                evidence=survey_evidence([each for each in rounds if each.date <= part[-1]]),
                evidence_version=version,
            )
            name = derived_id("survey-features", who, str(school_year), str(version))
            yield state, Outgoing(TOPIC, body, name, key=who, subject=who, cause=cause)
