"""Which definition of 長期欠席 holds in a school year, as one lane knows it.

A rule is a fact with a version like any other: the newest one that was set for a year or an earlier one holds.
Its version is part of every vector's version, so a changed rule makes newer vectors, and so does changing back.
"""

from collections.abc import Mapping
from typing import NamedTuple

from contracts.codes import LongAbsenceRule
from contracts.facts import LongAbsenceRuleSet


class LaneRule(NamedTuple):
    """A rule, its version, and the last piece of children that it was told of."""

    rule: LongAbsenceRule
    version: int
    part: int


#: What holds where nothing was ever set; it adds nothing to a version.
FIRST = LaneRule(LongAbsenceRule.toda_2021, 0, 0)
#: Rules by the first school year that they hold for.
Rules = Mapping[int, LaneRule]


def rule_of(rules: Rules, school_year: int) -> LaneRule:
    """The rule of a school year."""
    if not rules:
        return FIRST
    since = (each for first, each in rules.items() if first <= school_year)
    return max(since, key=lambda each: each.version, default=FIRST)


def is_newer(held: LaneRule | None, body: LongAbsenceRuleSet) -> bool:
    """Whether a lane has not heard this piece of this rule before."""
    return held is None or (body.version, body.part) > (held.version, held.part)


def in_part(linkage_id: str, body: LongAbsenceRuleSet) -> bool:
    """Whether a child belongs to a piece: linkage IDs are as good as drawn, so pieces are of one size."""
    return int(linkage_id[:4], 16) % body.parts == body.part
