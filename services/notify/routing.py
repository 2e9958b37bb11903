"""Whom an alert is for: by post and relation on a school day. Nobody found: the vice-principal, counted."""

from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from contracts.alerts import Recipient
from contracts.codes import SURVEYS_ABOUT_TEACHER, Item, StaffRole
from contracts.features import SurveyEvidence
from contracts.risk import RiskAssessed

#: Policy: the principal hears first, teachers through the principal.
PRINCIPAL_FIRST = "principal_first"
#: Posts in the order in which an unseen alert climbs.
LADDER = (StaffRole.homeroom, StaffRole.grade_head, StaffRole.vice_principal, StaffRole.principal)
_HEADS = LADDER[2:]
#: Posts that alerts are for; the others are never looked up.
ROLES = (*LADDER, StaffRole.nurse)


class Post(Struct, frozen=True):
    """Who holds a post in [valid_from, valid_to)."""

    staff_id: str
    school: str
    role: StaffRole
    valid_from: date
    valid_to: date
    grade: int | None = None
    class_id: str | None = None


def holders(posts: Iterable[Post], role: StaffRole, assessment: RiskAssessed, on: date) -> list[Recipient]:
    """Who holds ``role`` for this child on a day."""
    return [
        Recipient(role, post.staff_id)
        for post in posts
        if post.role is role
        and post.school == assessment.school
        and post.valid_from <= on < post.valid_to
        and (role is not StaffRole.homeroom or post.class_id == assessment.class_id)
        and (role is not StaffRole.grade_head or post.grade == assessment.grade)
    ]


def roles_for(assessment: RiskAssessed, policy: str) -> tuple[StaffRole, ...]:
    """Which posts an assessment is for; the first of them is the one that must not be vacant."""
    if policy == PRINCIPAL_FIRST:
        return (StaffRole.principal, StaffRole.vice_principal)
    infirmary = any(reason.item is Item.infirmary_count for reason in assessment.reasons)
    nurse = (StaffRole.nurse,) if infirmary else ()
    if _about_teacher(assessment):
        return (StaffRole.vice_principal, *nurse)
    return (StaffRole.homeroom, StaffRole.grade_head, *nurse)


def _about_teacher(assessment: RiskAssessed) -> bool:
    """Whether a reason rests on answers about the teacher; she is not the one to be told that there are such."""
    evidence = (reason.evidence for reason in assessment.reasons)
    return any(isinstance(e, SurveyEvidence) and e.survey in SURVEYS_ABOUT_TEACHER for e in evidence)


def route(posts: Sequence[Post], assessment: RiskAssessed, policy: str, on: date) -> list[Recipient]:
    """Recipients on a day; where the first post is vacant the vice-principal stands in, without an id if need be."""
    roles = roles_for(assessment, policy)
    found = [recipient for role in roles for recipient in holders(posts, role, assessment, on)]
    if not any(recipient.role is roles[0] for recipient in found):
        found += holders(posts, StaffRole.vice_principal, assessment, on)
    return list(dict.fromkeys(found)) or [Recipient(StaffRole.vice_principal)]


def next_step(
    posts: Sequence[Post], assessment: RiskAssessed, policy: str, told: Iterable[Recipient], on: date
) -> list[Recipient]:
    """The next post up that somebody holds, above all that were told; empty at the top.

    What is told to the heads first, or rests on answers about the teacher, never climbs down to a teacher.
    """
    known = {recipient.role for recipient in told if recipient.staff_id}
    highest = max((n for n, role in enumerate(LADDER) if role in known), default=-1)
    heads_only = policy == PRINCIPAL_FIRST or _about_teacher(assessment)
    for role in LADDER[highest + 1 :]:
        if heads_only and role not in _HEADS:
            continue
        if found := holders(posts, role, assessment, on):
            return found
    return []
