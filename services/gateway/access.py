"""The one decision: may this viewer, in this relation, do this with this item? Denied unless a rule says yes.

Row-level security is a second wall built from its own copy of the table (``migrations``); a test holds the
two together. Nothing here knows HTTP or the database.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from contracts.codes import Item, StaffRole
from services.gateway.relation import Held, Relation


class Action(StrEnum):
    """What a route does; each route declares exactly one."""

    list = "list"  # lines about several children
    view = "view"  # one child
    search = "search"
    respond = "respond"  # acknowledge, close
    note = "note"
    tally = "tally"  # numbers without children
    operate = "operate"  # health of the pipeline
    administer = "administer"  # grants, operation log
    account = "account"  # one's own session, password, language
    receive = "receive"  # another system fetches what it was told of


class AuthLevel(IntEnum):
    """How surely the session knows who it is."""

    none = 0
    password = 1
    second_factor = 2


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. ``held``: every post and grant valid today; ``board_sees_children``: policy principal_first.

    ``receives``: the viewer is another system with a key for these items, and nobody who holds a post.
    """

    account_id: str
    staff_id: str
    name: str
    session: str
    held: tuple[Held, ...]
    administrator: bool = False
    board_sees_children: bool = False
    receives: frozenset[Item] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """``rule`` names the rule that allowed or refused; it goes into the audit row."""

    allowed: bool
    rule: str


_TEACHER = frozenset({Item.registry, Item.attendance, Item.survey, Item.infirmary_count, Item.guidance})
_CARE = _TEACHER | {Item.infirmary_detail}
_HEAD = _CARE | {
    Item.health,
    Item.attainment,
    Item.counselling,
    Item.bullying,
    Item.welfare,
    Item.sos,
}
#: What each post may know of the children it is related to (domain: アクセス権限; design: audience of a reason).
ROLE_ITEMS: dict[StaffRole, frozenset[Item]] = {
    StaffRole.homeroom: _TEACHER,
    StaffRole.grade_head: _TEACHER,
    StaffRole.guidance_head: _TEACHER | {Item.bullying},
    StaffRole.nurse: _CARE | {Item.health},
    StaffRole.counsellor: _CARE | {Item.counselling, Item.sos},
    StaffRole.vice_principal: _HEAD,
    StaffRole.principal: _HEAD,
    StaffRole.board: frozenset({Item.registry, Item.attendance, Item.survey, Item.infirmary_count}),
    StaffRole.operator: frozenset(),
}
#: Items that need a second factor at the moment of access.
SENSITIVE = frozenset({Item.counselling, Item.bullying, Item.welfare, Item.sos})
#: What another system may ever be told; what is sensitive or coded in detail is for people alone.
RECEIVABLE = frozenset({Item.attendance, Item.survey, Item.infirmary_count})
#: Who may answer alerts and write notes: people who meet the child.
RESPONDERS = frozenset(ROLE_ITEMS) - {StaffRole.board, StaffRole.operator}
#: Who may hear what children say about teachers and families.
CARERS = frozenset({StaffRole.nurse, StaffRole.counsellor, StaffRole.vice_principal, StaffRole.principal})
#: Who hears first under the policy principal_first, and may pass an alert on to those who meet the child.
HEADS = frozenset({StaffRole.vice_principal, StaffRole.principal})
_READS = frozenset({Action.list, Action.view, Action.search})
_WRITES = frozenset({Action.respond, Action.note})
#: Posts that may see numbers about schools, without children.
COUNTERS = frozenset({StaffRole.board, StaffRole.principal, StaffRole.vice_principal})


def items_of(relation: Relation) -> frozenset[Item]:
    """Everything the relation opens, sensitive items included."""
    return ROLE_ITEMS[relation.role] | relation.items


def decide(
    viewer: Viewer, relation: Relation | None, item: Item, action: Action, auth_level: AuthLevel
) -> Decision:
    """Whether ``viewer`` may do ``action`` with ``item``; ``relation`` None = related to no child in question."""
    if auth_level < AuthLevel.password:
        return Decision(False, "no-session")
    if action is Action.receive or viewer.receives is not None:
        return _decide_receiver(viewer, item, action)
    if action is Action.account:
        return Decision(True, "own-account")
    if action in (Action.operate, Action.administer, Action.tally):
        return _decide_office(viewer, item, action)
    if relation is None:
        return Decision(False, "no-relation")
    return _decide_child(viewer, relation, item, action, auth_level)


def _decide_receiver(viewer: Viewer, item: Item, action: Action) -> Decision:
    """Another system fetches and does nothing else; its relation to a child is that it was told of it."""
    if viewer.receives is None:
        return Decision(False, "not-a-receiver")
    if action is not Action.receive:
        return Decision(False, "receiver-only-fetches")
    allowed = item in viewer.receives & RECEIVABLE
    return Decision(allowed, "receiver" if allowed else f"receiver-without-{item}")


def _decide_office(viewer: Viewer, item: Item, action: Action) -> Decision:
    roles = {each.role for each in viewer.held}
    if action is Action.administer:
        return Decision(
            viewer.administrator, "administrator" if viewer.administrator else "not-administrator"
        )
    if action is Action.operate:
        allowed = item is Item.operations and (StaffRole.operator in roles or viewer.administrator)
        return Decision(allowed, "operator" if allowed else "not-operator")
    counting = roles & COUNTERS
    return Decision(bool(counting), "counts" if counting else "no-counts")


def _decide_child(
    viewer: Viewer, relation: Relation, item: Item, action: Action, auth_level: AuthLevel
) -> Decision:
    if relation.role is StaffRole.board and not viewer.board_sees_children:
        return Decision(False, "board-counts-only")
    if item not in items_of(relation):
        return Decision(False, f"{relation.rule}-without-{item}")
    if item in SENSITIVE and auth_level < AuthLevel.second_factor:
        return Decision(False, "second-factor-needed")
    if action in _READS or (action in _WRITES and relation.role in RESPONDERS):
        return Decision(True, relation.rule)
    return Decision(False, f"{relation.rule}-without-{action}")


def decide_best(
    viewer: Viewer, relations: tuple[Relation, ...], item: Item, action: Action, auth_level: AuthLevel
) -> Decision:
    """The first relation that allows it; otherwise the first refusal. Relations come nearest first."""
    refusals: list[Decision] = []
    for relation in relations or (None,):
        decision = decide(viewer, relation, item, action, auth_level)
        if decision.allowed:
            return decision
        refusals.append(decision)
    return refusals[0]
