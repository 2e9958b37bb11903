"""Subscribers on a real database: load, decide, save, send."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.alerts import AlertEnded, AlertRaised, AlertRetracted
from contracts.codes import Basis, Retraction, StaffRole
from contracts.facts import PupilErased
from services.notify.settings import Settings
from tests.integration.notify.bench import Bench, by_lane, emitted, event
from tests.unit.notify.samples import (
    AS_OF,
    EPISODE,
    LADDER,
    OTHER_SCHOOL,
    SCHOOL,
    assessed,
    child,
    farewell,
    name_of,
    post,
    staff,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = timedelta(days=1)
R = StaffRole


def day(number: int) -> date:
    return AS_OF + number * DAY


async def test_an_assessment_becomes_an_alert_for_the_right_people(bench: Bench) -> None:
    await bench.assign(*LADDER)
    await bench.assess(assessed(band=2, version=10))
    [out] = bench.sent
    body = out.body
    assert isinstance(body, AlertRaised)
    assert [r.staff_id for r in body.recipients] == [staff("homeroom"), staff("grade_head")]
    assert (out.topic, out.key, out.subject) == ("alerts", SCHOOL, child(1))
    assert out.cause is not None
    assert out.cause.body == assessed(band=2, version=10)
    assert [row[1] for row in await bench.standing()] == [name_of()]


async def test_versions_beyond_64_bits_are_kept_whole(bench: Bench) -> None:
    great = 1 << 80
    await bench.assess(assessed(version=great + 1))
    assert (await bench.assess(assessed(version=great))).stale.total() == 1
    await bench.assess(assessed(version=great + 2, band=0))
    assert [body.version for body in bench.bodies(AlertRaised, AlertRetracted)] == [
        4 * (great + 1) + 2,
        4 * (great + 2),
    ]


async def test_three_sick_days_become_a_suspension_and_the_alert_goes(bench: Bench) -> None:
    await bench.assess(assessed(version=10))
    effects = await bench.assess(assessed(version=20, band=0))
    assert emitted(effects) == {"AlertRetracted": 1}
    assert await bench.standing() == []
    await bench.assess(assessed(version=30))
    assert len(await bench.standing()) == 1


async def test_stale_and_repeated_assessments_are_counted_in_their_lane(bench: Bench) -> None:
    first = [event(assessed(1, version=10)), event(assessed(1, version=10)), event(assessed(1, version=9))]
    effects = await bench.poll(bench.risks, {2: first})
    assert (effects.stale, emitted(effects)) == ({2: 2}, {"AlertRaised": 1})
    effects = await bench.poll(bench.risks, {2: first})
    assert (effects.stale, emitted(effects)) == ({2: 3}, {})


async def test_a_child_who_moves_is_withdrawn_there_and_raised_here(bench: Bench) -> None:
    await bench.assess(assessed(version=10))
    moved = assessed(version=30, school=OTHER_SCHOOL)
    await bench.assess(moved)
    await bench.assess(farewell(version=29))
    [gone] = bench.bodies(AlertRetracted)
    assert (gone.why, gone.school, gone.alert_id) == (Retraction.moved, SCHOOL, name_of())
    assert [row[0] for row in await bench.standing()] == [OTHER_SCHOOL]


# --- the budget ---


async def test_the_budget_grows_with_the_school_and_never_shrinks_in_the_morning(bench: Bench) -> None:
    await bench.count(150, day(0), lane=0)
    await bench.count(151, day(0), lane=1)
    await bench.count(4, day(1), lane=0)
    await bench.count(160, day(-300), lane=0)
    await bench.assess(*(assessed(n) for n in range(1, 8)))
    assert sum(not body.held for body in bench.bodies(AlertRaised)) == 5  # 1.5 of each 100 of 301


async def test_places_are_of_the_month_and_survive_from_poll_to_poll(bench: Bench) -> None:
    for number in range(1, 6):
        await bench.assess(assessed(number, version=10))
    assert [body.held for body in bench.bodies(AlertRaised)] == [False] * 3 + [True] * 2
    bench.sent.clear()
    await bench.assess(*(assessed(n, version=11, as_of=date(2025, 7, 1)) for n in range(1, 6)))
    assert not any(body.held for body in bench.bodies(AlertRaised))
    placed = {row["linkage_id"]: row["placed_in"].month for row in await bench.rows("alert")}
    assert [placed[child(n)] for n in range(1, 6)] == [6, 6, 6, 7, 7]


async def test_schools_do_not_share_a_budget(bench: Bench) -> None:
    here = [assessed(n) for n in range(1, 4)]
    there = [assessed(n, school=OTHER_SCHOOL) for n in range(4, 7)]
    await bench.assess(*here, *there)
    assert not any(body.held for body in bench.bodies(AlertRaised))


async def test_history_raises_nothing(bench: Bench, settings: Settings) -> None:
    later = Bench(bench.pool, settings.model_copy(update={"alerts_from": day(1)}))
    await later.assess(assessed(version=10))
    assert (later.sent, len(await later.rows("assessment"))) == ([], 1)
    await later.assess(assessed(version=11, as_of=day(1)))
    assert [body.episode for body in later.bodies(AlertRaised)] == [EPISODE]


# --- erasure ---


async def test_an_erased_child_is_withdrawn_forgotten_and_stays_away(bench: Bench) -> None:
    await bench.assess(assessed(1, version=10), assessed(2, version=10))
    await bench.see(name_of(1), 1)
    gone = event(PupilErased(child(1)))
    effects = await bench.poll(bench.risks, {lane: [gone] for lane in range(6)})
    assert emitted(effects) == {"AlertRetracted": 1}
    [body] = bench.bodies(AlertRetracted)
    assert (body.why, body.linkage_id) == (Retraction.erased, child(1))
    for table in ("assessment", "alert", "seen"):
        assert child(1) not in {row["linkage_id"] for row in await bench.rows(table)}
    late = await bench.assess(assessed(1, version=30), assessed(2, version=30))
    assert (late.erased.total(), emitted(late)) == (1, {"AlertRaised": 1})
    assert (await bench.see(name_of(1), 1)).erased.total() == 1
    assert await bench.rows("seen") == []


async def test_erased_in_the_same_poll_nothing_of_the_child_is_told(bench: Bench) -> None:
    lanes = by_lane("risk-assessed", [event(assessed(1))])
    [(lane, events)] = lanes.items()
    effects = await bench.poll(bench.risks, {lane: [*events, event(PupilErased(child(1)))]})
    assert (emitted(effects), effects.erased[lane]) == ({}, 1)
    assert await bench.rows("alert") == []


# --- posts and time ---


async def test_a_filled_post_is_told_with_a_version_that_wins(bench: Bench) -> None:
    await bench.assess(assessed(version=10))
    assert bench.sent[0].body.recipients[0].staff_id is None  # type: ignore[attr-defined]
    effects = await bench.assign(*LADDER)
    assert emitted(effects) == {"AlertRaised": 1}
    before, after = bench.bodies(AlertRaised)
    assert after.version > before.version
    assert [r.staff_id for r in after.recipients] == [staff("homeroom"), staff("grade_head")]
    assert len({out.id for out in bench.sent}) == 2
    assert emitted(await bench.assign(*LADDER)) == {}


async def test_an_older_word_on_a_post_does_not_win(bench: Bench) -> None:
    await bench.assign(post(R.homeroom, "right"), second=20)
    await bench.assign(post(R.homeroom, "wrong"), second=10)
    await bench.assess(assessed(version=10))
    [body] = bench.bodies(AlertRaised)
    assert [r.staff_id for r in body.recipients] == [staff("right")]


async def test_a_post_that_ended_is_held_by_its_successor(bench: Bench) -> None:
    await bench.assign(post(R.homeroom, "old", valid_to=day(1)), name="1")
    await bench.assign(post(R.homeroom, "new", valid_from=day(1)), name="2")
    await bench.assess(assessed(version=10))
    await bench.assess(assessed(version=11, as_of=day(1)))
    assert [body.recipients[0].staff_id for body in bench.bodies(AlertRaised)] == [staff("old"), staff("new")]


async def test_an_unseen_alert_climbs_by_school_days(bench: Bench) -> None:
    await bench.assign(*LADDER)
    await bench.assess(assessed(version=10))
    for number in range(6):
        await bench.confirm(day(number))
        await bench.confirm(day(number))
    assert bench.steps() == [(1, ["vice_principal"]), (2, ["principal"])]


async def test_a_day_of_which_no_class_is_confirmed_is_no_school_day(bench: Bench) -> None:
    await bench.assign(*LADDER)
    await bench.assess(assessed(version=10))
    await bench.confirm(day(1), day(2), confirmed=0)
    assert bench.steps() == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_what_was_seen_climbs_no_further_even_if_the_answer_is_read_first(
    bench: Bench, when: str
) -> None:
    await bench.assign(*LADDER)
    if when == "before":
        await bench.see(name_of())
    await bench.assess(assessed(version=10))
    if when == "after":
        await bench.see(name_of())
    await bench.confirm(day(1), day(2), day(3))
    assert bench.steps() == []


async def test_a_step_is_taken_once_even_when_the_days_are_read_again(bench: Bench) -> None:
    await bench.assign(*LADDER)
    await bench.assess(assessed(version=10))
    await bench.confirm(day(1), day(2))
    await bench.confirm(day(1), day(2))
    assert bench.steps() == [(1, ["vice_principal"])]


async def test_after_a_restore_a_step_has_the_same_id(bench: Bench) -> None:
    ids = []
    for _ in range(2):
        await bench.clear()
        await bench.assign(*LADDER)
        await bench.assess(assessed(version=10))
        await bench.confirm(day(1))
        await bench.confirm(day(2))
        ids.append([out.id for out in bench.sent])
    assert ids[0] == ids[1]


async def test_a_step_stays_with_the_alert_when_it_is_told_anew(bench: Bench) -> None:
    await bench.assign(*LADDER)
    await bench.assess(assessed(version=10))
    await bench.confirm(day(1), day(2))
    await bench.assess(assessed(version=11, as_of=day(2)))
    await bench.confirm(day(3), day(4))
    assert bench.steps() == [(1, ["vice_principal"]), (2, ["principal"])]


async def test_an_alert_whose_days_passed_climbs_no_further(bench: Bench) -> None:
    await bench.assign(*LADDER)
    await bench.assess(assessed(version=10))
    await bench.assess(assessed(version=11, band=0, as_of=day(1)))
    await bench.confirm(day(1), day(2))
    assert (bench.steps(), len(bench.bodies(AlertEnded))) == ([], 1)


async def test_both_bases_at_once(bench: Bench) -> None:
    await bench.assign(*LADDER)
    await bench.assess(assessed(band=1, version=10), assessed(band=3, version=12, basis=Basis.combined))
    roles = {b.basis: [r.role for r in b.recipients] for b in bench.bodies(AlertRaised)}
    assert roles == {
        Basis.attendance: [R.homeroom, R.grade_head],
        Basis.combined: [R.homeroom, R.grade_head],
    }
