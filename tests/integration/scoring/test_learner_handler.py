"""The learner in a real database: all lanes of a close, in any order, over restarts, give the same models."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import numpy as np
import pytest
from msgspec.structs import replace

from contracts.codes import Basis
from contracts.envelope import Event
from contracts.features import CombinedLabelMatured, LabelMatured, ModelPublished
from contracts.operations import ScoreboardPublished
from services.scoring import learner, store
from services.scoring.app import shelve
from services.scoring.learner import State
from services.scoring.learner_handler import LearnerHandler, _lines
from services.scoring.naming import Tally
from services.scoring.scoreboard import MODEL, Board
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf
from tests.integration.scoring.lanes import Driver, told
from tests.support.database import service_database
from tests.unit.scoring.builders import absent_days, day_of, event, label_row, values

LANES = 4
CLOSES = 6


@pytest.fixture
async def pool() -> AsyncIterator[asyncpg.Pool]:
    async with service_database("scoring") as found:
        yield found


def _driver(pool: asyncpg.Pool) -> Driver:
    return Driver(LearnerHandler(Settings(secrets_dir=Path())), pool, "labels-matured", 1)


def _closes(combined: bool = False) -> list[list[Event]]:
    """For each close one event per lane."""
    draw = np.random.default_rng(2)
    found = []
    for close in range(CLOSES):
        lanes = []
        for lane in range(LANES):
            rows = []
            for child in range(lane * 100, lane * 100 + 50):
                away = draw.random() < 0.2
                numbers = absent_days(8) if away else values()
                rows.append(
                    label_row(
                        child,
                        close,
                        bool(away),
                        [*numbers, *[1.0] * (9 * combined)],
                        close + 20 if away else None,
                    )
                )
            kind = CombinedLabelMatured if combined else LabelMatured
            body = kind(lane=lane, lanes=LANES, closed_on=day_of(close + 56), rows=rows, version=1)
            lanes.append(event(body, close * LANES + lane))
        found.append(lanes)
    return found


def _models(bodies: list[object]) -> list[ModelPublished]:
    return [body for body in bodies if isinstance(body, ModelPublished)]


async def _learn(order_seed: int) -> list[ModelPublished]:
    """Lanes advance at their own pace; polls and restarts fall anywhere."""
    draw = random.Random(order_seed)
    queues = [[lanes[lane] for lanes in _closes()] for lane in range(LANES)]
    arrived: list[Event] = []
    while any(queues):
        arrived.append(draw.choice([queue for queue in queues if queue]).pop(0))
    models: list[ModelPublished] = []
    async with service_database("scoring") as pool:
        driver = _driver(pool)
        while arrived:
            size = draw.randint(1, 6)
            models += _models(told(await driver.poll({0: arrived[:size]})))
            arrived = arrived[size:]
            if draw.random() < 0.4:
                driver.restart()
    return models


async def test_any_pace_of_the_lanes_gives_the_same_models() -> None:
    first, second = await _learn(1), await _learn(2)
    assert [model.closed_on for model in first] == [day_of(close + 56) for close in range(CLOSES)]
    assert first == second
    assert first[-1].labels == CLOSES * LANES * 50


async def test_a_close_waits_for_all_its_lanes(pool: asyncpg.Pool) -> None:
    driver, lanes = _driver(pool), _closes()[0]
    assert told(await driver.poll({0: lanes[:-1]})) == []
    driver.restart()
    bodies = told(await driver.poll({0: lanes[-1:]}))
    assert len(_models(bodies)) == 1
    (board,) = [body for body in bodies if isinstance(body, ScoreboardPublished)]
    assert {"model", "total", "rule-band", "streak-3"} <= {line.method for line in board.lines}


def test_the_board_shows_the_figures_that_decide() -> None:
    whole = {MODEL: Tally(40, 20, 100, [30, 20]), "rate-10": Tally(200, 60, 100, [60, 40])}
    contested = {MODEL: Tally(40, 20, 40, [30, 20]), "rate-10": Tally(80, 24, 40, [24, 16])}
    state = State(board=Board(tallies={2025: whole}, contested={2025: contested}))
    assert learner._leads(state)
    lines = {line.method: line for line in _lines(state.board)}
    model, rule = lines[MODEL], lines["rate-10"]
    assert (model.recall_lead_5, rule.recall_lead_5) == (0.3, 0.6)
    assert (model.contested_recall_lead_5, rule.contested_recall_lead_5) == (0.75, 0.6)
    assert (model.contested_named, model.contested_cases, model.contested_precision) == (40, 40, 0.5)


async def test_both_bases_learn_apart(pool: asyncpg.Pool) -> None:
    driver = _driver(pool)
    events = [e for lanes in (_closes()[0], _closes(combined=True)[0]) for e in lanes]
    models = _models(told(await driver.poll({0: events})))
    assert {model.basis for model in models} == {"attendance", "combined"}


async def test_a_learned_close_cannot_be_learned_again(pool: asyncpg.Pool) -> None:
    driver, lanes = _driver(pool), _closes()[0]
    await driver.poll({0: lanes})
    effects = await driver.poll({0: lanes})
    assert effects.stale[0] == LANES
    assert told(effects) == []


async def test_models_can_be_shelved_from_the_database(pool: asyncpg.Pool) -> None:
    driver = _driver(pool)
    for lanes in _closes():
        await driver.poll({0: lanes})
    shelf = Shelf()
    async with pool.acquire() as connection:
        for body in await store.models(connection, 500):
            shelve(shelf, body)
    newest = shelf.before(Basis.attendance, day_of(100).toordinal())
    assert newest is not None
    assert newest.closed_on == day_of(CLOSES - 1 + 56)


async def test_rolled_back_learning_leaves_nothing(pool: asyncpg.Pool) -> None:
    driver, lanes = _driver(pool), _closes()[0]
    lost = _models(told(await driver.poll({0: lanes}, commit=False)))
    again = _models(told(await driver.poll({0: lanes})))
    assert again == lost


def _in_parts(lanes: list[Event], version: int = 1) -> list[Event]:
    """The same rows, each lane in two events."""
    found = []
    for number, whole in enumerate(lanes):
        body = whole.body
        assert isinstance(body, LabelMatured)
        for part, rows in enumerate((body.rows[:20], body.rows[20:])):
            told_now = replace(body, rows=rows, part=part, parts=2, version=version)
            found.append(event(told_now, 1000 + 2 * number + part))
    return found


async def test_lanes_in_parts_are_learned_as_one_in_any_order(pool: asyncpg.Pool) -> None:
    lanes = _closes()[0]
    async with service_database("scoring") as other:
        expected = _models(told(await _driver(other).poll({0: lanes})))
    driver, parts = _driver(pool), _in_parts(lanes)
    random.Random(3).shuffle(parts)
    for each in parts[:-1]:
        assert told(await driver.poll({0: [each]})) == []
        driver.restart()
    assert _models(told(await driver.poll({0: parts[-1:]}))) == expected


async def test_what_a_lane_tells_anew_replaces_all_its_parts(pool: asyncpg.Pool) -> None:
    driver, lanes = _driver(pool), _closes()[0]
    await driver.poll({0: _in_parts(lanes[:1])})
    driver.restart()
    anew = _in_parts(lanes[:1], version=2)
    await driver.poll({0: [anew[1], *lanes[1:]]})
    driver.restart()
    late = await driver.poll({0: _in_parts(lanes[:1])})
    assert (late.stale[0], told(late)) == (2, [])
    (model,) = _models(told(await driver.poll({0: anew[:1]})))
    assert model.labels == LANES * 50
