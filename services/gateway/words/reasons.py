"""Reasons as sentences: what may be read, in the order given, as pure functions of evidence.

Each sentence tells an observable fact, its dates, the child's own earlier period and the class on the
same days; never a score, a cause or a trait. A survey is told only beside a fact of attendance.
"""

from collections.abc import Sequence
from dataclasses import replace

from contracts.codes import Item, Rule
from contracts.features import (
    AttendanceEvidence,
    Evidence,
    InfirmaryEvidence,
    LatenessEvidence,
    MonthEvidence,
    SurveyEvidence,
)
from contracts.risk import Reason
from services.gateway.audience import of_reason
from services.gateway.words import reasons_en, reasons_ja
from services.gateway.words.catalogue import Language
from services.gateway.words.growth import grew
from services.gateway.words.sentence import Sentence

__all__ = ["Sentence", "sentences"]

_IN = {Language.ja: reasons_ja, Language.en: reasons_en}


def sentences(reasons: Sequence[Reason], language: Language) -> list[Sentence]:
    """The sentences of the reasons that a reader may see (the filtering is done before).

    Lateness and infirmary visits of the same days become one sentence.
    """
    evidence = [reason.evidence for reason in reasons]
    together, fact = _together(evidence), _attendance_fact(evidence)
    told: list[Sentence] = []
    surveys: list[Sentence] = []
    for reason in reasons:
        if together and reason.evidence is together[0]:
            continue
        if together and reason.evidence is together[1]:
            told.append(_for(reason, _IN[language].lateness_and_infirmary(*together)))
        elif not isinstance(reason.evidence, SurveyEvidence):
            told.append(_for(reason, _IN[language].sentence(reason.evidence)))
        elif fact:
            surveys.append(_for(reason, _IN[language].survey(reason.evidence, fact)))
    return told + surveys + _notices(reasons, language)


def _for(reason: Reason, sentence: Sentence) -> Sentence:
    """The sentence with its circle of readers, if that is not the circle of plain attendance."""
    audience = of_reason(reason)
    return sentence if audience == Item.attendance else replace(sentence, audience=str(audience))


def _together(evidence: Sequence[Evidence]) -> tuple[LatenessEvidence, InfirmaryEvidence] | None:
    """Lateness and visits that both grew over the same days."""
    late = next((each for each in evidence if isinstance(each, LatenessEvidence)), None)
    visits = next((each for each in evidence if isinstance(each, InfirmaryEvidence)), None)
    if not late or not visits or (late.first, late.last) != (visits.first, visits.last):
        return None
    return (late, visits) if grew(late) and grew(visits) else None


def _attendance_fact(evidence: Sequence[Evidence]) -> AttendanceEvidence | None:
    """The fact told beside a survey: the months if there are, else the first fact of attendance."""
    facts = [each for each in evidence if isinstance(each, AttendanceEvidence)]
    return next((each for each in facts if isinstance(each, MonthEvidence)), facts[0] if facts else None)


def _notices(reasons: Sequence[Reason], language: Language) -> list[Sentence]:
    """The head's duty to report is told once, whatever the evidence it stands on."""
    seven = any(Rule.streak_7 in reason.rules for reason in reasons)
    return [_IN[language].SEVEN_IN_A_ROW] if seven else []
