"""Whom an alert is for: by post and relation on that school day. Nobody found: the vice-principal, counted."""

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from contracts.alerts import Recipient
from contracts.codes import Basis, Item, StaffRole
from contracts.risk import RiskAssessed

#: Posts in the order in which an unseen alert climbs.
LADDER = (StaffRole.homeroom, StaffRole.grade_head, StaffRole.vice_principal, StaffRole.principal)
_PRINCIPAL_FIRST = (StaffRole.principal, StaffRole.vice_principal)


class Post(Struct, frozen=True):
    """Who holds a post in [valid_from, valid_to)."""

    staff_id: str
    school: str
    role: StaffRole
    valid_from: date
    valid_to: date
    grade: int | None = None
    class_id: str | None = None


def holders(posts: Sequence[Post], role: StaffRole, assessment: RiskAssessed) -> list[Recipient]:
    """Who holds ``role`` for this child on the assessed day."""
    return [
        Recipient(role, post.staff_id)
        for post in posts
        if post.role is role
        and post.valid_from <= assessment.as_of < post.valid_to
        and (role is not StaffRole.homeroom or post.class_id == assessment.class_id)
        and (role is not StaffRole.grade_head or post.grade == assessment.grade)
    ]


def roles_for(assessment: RiskAssessed, policy: str) -> tuple[StaffRole, ...]:
    """Which posts an assessment is for, under the municipality's policy."""
    items = {reason.item for reason in assessment.reasons}
    nurse = (StaffRole.nurse,) if Item.infirmary_count in items else ()
    if policy == "principal_first":
        return _PRINCIPAL_FIRST
    if assessment.basis is Basis.combined:
        return (*nurse, StaffRole.vice_principal)
    return (StaffRole.homeroom, StaffRole.grade_head, *nurse)


def route(posts: Sequence[Post], assessment: RiskAssessed, policy: str) -> list[Recipient]:
    """Recipients; if the first post is vacant, the vice-principal stands in (without a staff id if there is none)."""
    roles = roles_for(assessment, policy)
    found = [recipient for role in roles for recipient in holders(posts, role, assessment)]
    if not any(recipient.role is roles[0] for recipient in found):
        found += holders(posts, StaffRole.vice_principal, assessment) or [Recipient(StaffRole.vice_principal)]
    return list({(recipient.role, recipient.staff_id): recipient for recipient in found}.values())


def next_step(posts: Sequence[Post], assessment: RiskAssessed, told: Sequence[Recipient]) -> list[Recipient]:
    """The next post up the ladder that was not told yet; empty at the top."""
    known = {recipient.role for recipient in told}
    for role in LADDER:
        if role not in known and (found := holders(posts, role, assessment)):
            return found
    return []
