"""The decision and the relation, as tables of cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product

import pytest

from contracts.codes import Item, StaffRole
from services.gateway.access import (
    RESPONDERS,
    ROLE_ITEMS,
    SENSITIVE,
    Action,
    AuthLevel,
    Viewer,
    decide,
    decide_best,
)
from services.gateway.relation import Held, Placed, Relation, relate

TODAY = date(2025, 6, 16)
YEAR = (date(2025, 4, 1), date(2026, 4, 1))
VIEWER = Viewer("account", "staff", "name", "session", ())
PLACE = Placed("AAAA", 5, "AAAA/2025/5/1", *YEAR)
RELATIONS = {role: Relation(role, str(role)) for role in StaffRole}


def held(role: StaffRole, **changes: object) -> Held:
    post = Held(role, "AAAA", 5, "AAAA/2025/5/1", *YEAR, granted=True)
    return replace(post, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("item", "action"), list(product(Item, Action)))
def test_a_stranger_may_nothing_but_her_own_account(item: Item, action: Action) -> None:
    allowed = decide(VIEWER, None, item, action, AuthLevel.second_factor).allowed
    assert allowed == (action is Action.account)


@pytest.mark.parametrize(("role", "item", "action"), list(product(StaffRole, Item, Action)))
def test_nobody_may_anything_without_a_session(role: StaffRole, item: Item, action: Action) -> None:
    assert not decide(VIEWER, RELATIONS[role], item, action, AuthLevel.none).allowed


@pytest.mark.parametrize(
    ("role", "yes", "no"),
    [
        (
            StaffRole.homeroom,
            {Item.attendance, Item.survey, Item.infirmary_count},
            {Item.infirmary_detail, Item.health},
        ),
        (StaffRole.grade_head, {Item.attendance, Item.guidance}, {Item.infirmary_detail, Item.welfare}),
        (
            StaffRole.nurse,
            {Item.infirmary_detail, Item.health},
            {Item.attainment, Item.welfare, Item.counselling},
        ),
        (StaffRole.counsellor, {Item.infirmary_detail}, {Item.health, Item.attainment, Item.welfare}),
        (StaffRole.vice_principal, {Item.infirmary_detail, Item.attainment, Item.health}, set()),
        (StaffRole.operator, set(), set(Item)),
    ],
)
def test_items_of_posts(role: StaffRole, yes: set[Item], no: set[Item]) -> None:
    for item in yes:
        assert decide(VIEWER, RELATIONS[role], item, Action.view, AuthLevel.password).allowed, item
    for item in no:
        assert not decide(VIEWER, RELATIONS[role], item, Action.view, AuthLevel.second_factor).allowed, item


@pytest.mark.parametrize("item", SENSITIVE)
def test_sensitive_items_need_a_second_factor(item: Item) -> None:
    for role, items in ROLE_ITEMS.items():
        if item not in items:
            continue
        assert not decide(VIEWER, RELATIONS[role], item, Action.view, AuthLevel.password).allowed
        assert decide(VIEWER, RELATIONS[role], item, Action.view, AuthLevel.second_factor).allowed


def test_a_granted_item_opens_that_item_only() -> None:
    relation = Relation(StaffRole.homeroom, "homeroom", frozenset({Item.health}))
    assert decide(VIEWER, relation, Item.health, Action.view, AuthLevel.password).allowed
    assert not decide(VIEWER, relation, Item.attainment, Action.view, AuthLevel.password).allowed


@pytest.mark.parametrize("item", [Item.registry, Item.attendance, Item.survey])
def test_the_board_counts_unless_its_policy_is_principal_first(item: Item) -> None:
    board = RELATIONS[StaffRole.board]
    assert not decide(VIEWER, board, item, Action.list, AuthLevel.password).allowed
    first = replace(VIEWER, board_sees_children=True)
    assert decide(first, board, item, Action.list, AuthLevel.password).allowed
    assert not decide(first, board, item, Action.respond, AuthLevel.password).allowed


def test_who_answers_and_writes() -> None:
    for role in StaffRole:
        allowed = decide(VIEWER, RELATIONS[role], Item.attendance, Action.respond, AuthLevel.password).allowed
        assert allowed == (role in RESPONDERS)


def test_offices() -> None:
    operator = replace(VIEWER, held=(held(StaffRole.operator, school=None),))
    administrator = replace(VIEWER, administrator=True)
    board = replace(VIEWER, held=(held(StaffRole.board, school=None),))
    level = AuthLevel.password
    assert decide(operator, None, Item.operations, Action.operate, level).allowed
    assert not decide(operator, None, Item.attendance, Action.operate, level).allowed
    assert not decide(operator, None, Item.registry, Action.administer, level).allowed
    assert decide(administrator, None, Item.registry, Action.administer, level).allowed
    assert decide(board, None, Item.attendance, Action.tally, level).allowed
    assert not decide(operator, None, Item.attendance, Action.tally, level).allowed


def test_the_nearest_relation_that_allows_is_named() -> None:
    relations = (RELATIONS[StaffRole.homeroom], RELATIONS[StaffRole.nurse])
    found = decide_best(VIEWER, relations, Item.infirmary_detail, Action.view, AuthLevel.password)
    assert (found.allowed, found.rule) == (True, "nurse")
    refused = decide_best(VIEWER, relations, Item.welfare, Action.view, AuthLevel.password)
    assert (refused.allowed, refused.rule) == (False, "homeroom-without-welfare")


@pytest.mark.parametrize(
    ("post", "reaches"),
    [
        (held(StaffRole.homeroom), True),
        (held(StaffRole.homeroom, granted=False), True),
        (held(StaffRole.homeroom, class_id="AAAA/2025/5/2"), False),
        (held(StaffRole.homeroom, class_id=None), False),
        (held(StaffRole.grade_head, class_id=None, granted=False), True),
        (held(StaffRole.grade_head, granted=False, valid_from=date(2024, 4, 1)), True),
        (held(StaffRole.grade_head, granted=False, valid_to=date(2025, 10, 1)), True),
        (held(StaffRole.grade_head, granted=False, valid_to=date(2026, 4, 2)), False),  # a year too long
        (held(StaffRole.homeroom, granted=False, valid_to=date.max), False),
        (held(StaffRole.grade_head, grade=6), False),
        (held(StaffRole.grade_head, school="BBBB"), False),
        (held(StaffRole.grade_head, grade=None), False),
        (held(StaffRole.nurse), True),
        (held(StaffRole.nurse, granted=False), False),  # the school system opens classes and grades only
        (held(StaffRole.principal, granted=False), False),
        (held(StaffRole.vice_principal, school="BBBB"), False),
        (held(StaffRole.principal, school=None), False),
        (held(StaffRole.board, school=None), True),
        (held(StaffRole.board, school="BBBB"), False),
        (held(StaffRole.operator, school=None), False),
        (held(StaffRole.nurse, valid_from=date(2025, 6, 17)), False),
        (held(StaffRole.nurse, valid_from=TODAY), True),
        (held(StaffRole.nurse, valid_to=TODAY), False),  # valid_to is exclusive
        (held(StaffRole.nurse, valid_to=date(2025, 6, 17)), True),
    ],
)
def test_relation(post: Held, reaches: bool) -> None:
    assert bool(relate([post], [PLACE], TODAY)) == reaches


def test_a_child_who_left_is_related_to_the_new_school_only() -> None:
    places = [
        replace(PLACE, valid_to=TODAY),
        Placed("BBBB", 5, "BBBB/2025/5/1", TODAY, YEAR[1]),
    ]
    assert relate([held(StaffRole.homeroom)], places, TODAY) == ()
    new = held(StaffRole.homeroom, school="BBBB", class_id="BBBB/2025/5/1")
    assert [each.rule for each in relate([new], places, TODAY)] == ["homeroom"]


def test_relations_come_nearest_first() -> None:
    posts = [held(StaffRole.principal), held(StaffRole.grade_head), held(StaffRole.homeroom)]
    assert [each.rule for each in relate(posts, [PLACE], TODAY)] == ["homeroom", "grade", "school-head"]


@pytest.mark.parametrize(("item", "action"), list(product(Item, Action)))
def test_another_system_fetches_its_key_s_items_and_does_nothing_else(item: Item, action: Action) -> None:
    granted = frozenset({Item.attendance, Item.survey, Item.welfare})  # the last by mistake
    system = replace(VIEWER, receives=granted)
    allowed = decide(system, None, item, action, AuthLevel.password).allowed
    assert allowed == (action is Action.receive and item in {Item.attendance, Item.survey})


@pytest.mark.parametrize("role", list(StaffRole))
def test_no_post_opens_what_is_for_systems(role: StaffRole) -> None:
    viewer = replace(VIEWER, administrator=True, held=(held(role),))
    assert not decide(
        viewer, RELATIONS[role], Item.attendance, Action.receive, AuthLevel.second_factor
    ).allowed
