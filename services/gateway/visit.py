"""One transaction of one viewer: who looks, what was decided, what was shown. Readers work on this and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contracts.codes import Item, LongAbsenceRule, StaffRole
from services.gateway import access
from services.gateway.access import Action, AuthLevel, Decision, Viewer
from services.gateway.audit import Entry
from services.gateway.relation import Placed, Relation, relate
from services.gateway.views import ChildLine
from services.kit.lanes import Transaction


class Denied(Exception):
    """The decision was no; the transaction is rolled back and the refusal audited."""


@dataclass(slots=True)
class Visit:
    """``entry`` is the audit row that grows; ``today`` the school date; ``rule`` that of 長期欠席."""

    tx: Transaction
    viewer: Viewer
    level: AuthLevel
    today: date
    demo: bool
    entry: Entry
    rule: LongAbsenceRule = LongAbsenceRule.toda_2021
    _known: dict[tuple[str, int, str], tuple[Relation, ...]] = field(default_factory=dict)

    def relations(self, row: Mapping[str, Any]) -> tuple[Relation, ...]:
        """The viewer's relations to a child whose place is in ``row``."""
        key = (row["school"], row["grade"], row["class_id"])
        if key not in self._known:
            place = Placed(*key, row["valid_from"], row["valid_to"])
            self._known[key] = relate(self.viewer.held, [place], self.today)
        return self._known[key]

    def decision(self, relations: tuple[Relation, ...], item: Item, action: Action) -> Decision:
        """The one decision, noted in the operation log."""
        found = access.decide_best(self.viewer, relations, item, action, self.level)
        if found.allowed:
            self.entry.decide(found.rule)
        return found

    def may(self, relations: tuple[Relation, ...], item: Item, action: Action) -> bool:
        """Whether it is allowed."""
        return self.decision(relations, item, action).allowed

    def require(self, relations: tuple[Relation, ...], item: Item, action: Action) -> str:
        """The rule that allows it. Raises Denied."""
        found = self.decision(relations, item, action)
        if not found.allowed:
            raise Denied(found.rule)
        return found.rule

    def line(self, row: Mapping[str, Any], item: Item, action: Action) -> ChildLine | None:
        """A child's line if the viewer may have it, noted as shown; else None."""
        found = self.decision(self.relations(row), item, action)
        if not found.allowed:
            return None
        self.entry.show([row["linkage_id"]], [Item.registry, item])
        return ChildLine(
            linkage_id=row["linkage_id"],
            name=row["name"],
            kana=row["kana"],
            school=row["school"],
            school_name=row["school_name"],
            class_id=row["class_id"],
            grade=row["grade"],
            class_label=row["class_label"],
            number=row["number"],
            why=found.rule,
        )

    def lines(self, rows: Iterable[Mapping[str, Any]], item: Item, action: Action) -> dict[str, ChildLine]:
        """Lines of the children the viewer may have, in order; a child in two classes has one."""
        found: dict[str, ChildLine] = {}
        for row in rows:
            if row["linkage_id"] not in found:
                line = self.line(row, item, action)
                if line is not None:
                    found[row["linkage_id"]] = line
        return found

    def sees(self, relations: tuple[Relation, ...], audience: str) -> bool:
        """Whether answers about the teacher or the family may be shown: to those who care for the child only."""
        roles = {relation.role for relation in relations}
        if StaffRole.homeroom in roles and audience == "survey_about_teacher":
            return False
        return audience == "survey" or bool(roles & access.CARERS)
