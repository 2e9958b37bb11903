"""What scoring tells notify: a band with reasons, keyed by school. Reasons are codes, numbers and dates."""

from datetime import date

from msgspec import Struct

from contracts.codes import Band, Basis, Decider, Item, LongAbsence, Rule
from contracts.facts import Fact
from contracts.features import Evidence
from contracts.scalars import ClassId, Count, Grade, LinkageId, SchoolId, Version


class Reason(Struct, frozen=True, gc=False):
    """One observable fact behind a band; ``item`` decides who may read it."""

    item: Item
    rules: list[Rule]
    evidence: Evidence


class RiskAssessed(Fact, frozen=True):
    """The band of a child on one basis at one school. Natural key: linkage_id, basis, school; greatest version wins.

    A school that the child has left is told a farewell: band none, and a class of another school.

    ``episode`` is the settled school day on which the band last rose from none (None while it is none).
    ``place`` orders children who compete for the budget (greater first); it is never shown to anybody.
    """

    linkage_id: LinkageId
    school: SchoolId
    class_id: ClassId
    grade: Grade
    basis: Basis
    band: Band
    as_of: date
    decided_by: Decider
    reasons: list[Reason]
    long_absence: LongAbsence
    place: Count
    version: Version
    episode: date | None = None
    model_day: date | None = None
