"""The live scoreboard counts as the independent judge of the evaluation does, whatever the order of closes allows."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from evaluation.naming import NEVER, Namings, judge, name_daily, name_monthly
from services.scoring.naming import BUDGET, SILENT_DAYS, Namer, Tally
from services.scoring.scoreboard import MODEL, RULE_BAND, TOTAL, Board, Candidate

_DAYS = 130
_PUPILS = 60
_FIRST = date(2025, 5, 1)


def _school_days() -> list[int]:
    found, day = [], _FIRST
    while len(found) < _DAYS + 40:
        if day.weekday() < 5 and day.month not in (8,):
            found.append(day.toordinal())
        day += timedelta(days=1)
    return found


class Drawn:
    """Random scores and crossings of a few schools."""

    def __init__(self, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.days = _school_days()
        self.school = np.repeat(np.arange(3), _PUPILS // 3)
        crosses = draw.random(_PUPILS) < 0.4
        self.crossed = np.where(crosses, draw.integers(10, _DAYS + 38, _PUPILS), NEVER)
        self.margin = draw.normal(-1.5, 1.0, (_PUPILS, len(self.days)))
        self.total = draw.integers(0, 30, (_PUPILS, len(self.days))).astype(float)
        self.pace = draw.random((_PUPILS, len(self.days)))
        self.month = np.array([date.fromordinal(day).month for day in self.days])

    def at_risk(self, day: int) -> list[int]:
        return [pupil for pupil in range(_PUPILS) if self.crossed[pupil] > day]

    def candidate(self, pupil: int, day: int) -> Candidate:
        crossed = int(self.crossed[pupil])
        lead = crossed - day
        return Candidate(
            f"{pupil:032x}",
            5 <= lead <= 40,
            self.days[crossed] if crossed < NEVER and lead <= 40 else 0,
            0,
            float(self.pace[pupil, day]),
            2 if self.pace[pupil, day] > 0.9 else 0,
            float(self.total[pupil, day]),
            0.0,
            float(self.margin[pupil, day]),
        )

    def board(self) -> Board:
        """Fed close by close, packed and unpacked on the way as a restart would."""
        board = Board()
        for position in range(len(self.days)):
            as_of = position - 40
            rows: dict[str, dict[int, list[Candidate]]] = {}
            for pupil in self.at_risk(as_of) if as_of >= 0 else []:
                by_day = rows.setdefault(f"S{self.school[pupil]}", {})
                by_day.setdefault(self.days[as_of], []).append(self.candidate(pupil, as_of))
            known = dict.fromkeys(rows, self.days[as_of])
            board.take(rows, known)
            if position % 50 == 0:
                board = msgspec.msgpack.decode(msgspec.msgpack.encode(board), type=Board)
        return board

    def masked(self, scores: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        at_risk = self.crossed[:, None] > np.arange(len(self.days))
        return np.where(at_risk, scores, -np.inf)[:, :_DAYS]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("method", [MODEL, RULE_BAND, TOTAL])
def test_counts_like_the_independent_judge(seed: int, method: str) -> None:
    drawn = Drawn(seed)
    tally = drawn.board().total(method, contested=True)
    scores = {
        MODEL: np.where(drawn.margin >= 0, drawn.margin, -np.inf),
        RULE_BAND: np.where(drawn.pace > 0.9, drawn.pace, -np.inf),
        TOTAL: drawn.total,
    }[method]
    month = drawn.month[:_DAYS]
    name = name_monthly if method == TOTAL else name_daily
    namings: Namings = name(drawn.masked(scores), drawn.school, month)
    verdict = judge(
        namings, np.where(drawn.crossed < _DAYS, drawn.crossed, NEVER), month, np.ones(_PUPILS, bool)
    )
    right = drawn.crossed[namings.pupil] - namings.day
    assert tally.named == verdict.named
    assert tally.correct == int(((right >= 5) & (right <= 40)).sum())
    assert tally.cases == verdict.cases
    assert [tally.recall(5), tally.recall(10)] == pytest.approx(list(verdict.recall))


def test_budget_and_silence() -> None:
    namer = Namer()
    everybody = [(float(n), f"{n}") for n in range(8)]
    assert namer.name(0, 5, everybody) == ["7", "6", "5", "4", "3"]
    assert namer.name(1, 5, everybody) == []
    assert namer.name(20, 6, everybody) == ["2", "1", "0"]
    assert namer.name(1 + SILENT_DAYS, 6, everybody) == ["7", "6"]
    assert BUDGET == 5


def test_ties_go_by_linkage_id_and_august_names_nobody() -> None:
    assert Namer().name(0, 8, [(1.0, "a")]) == []
    assert Namer(left=1).name(0, 0, [(1.0, "a")]) == []
    assert Namer().name(0, 5, [(1.0, c) for c in "fedcba"]) == list("abcde")


def test_nothing_known_is_no_figure() -> None:
    assert Tally().recall(5) is None
    assert Tally().precision() is None


def test_a_new_school_year_leaves_unfinished_days_behind() -> None:
    board = Board()
    day = date(2026, 3, 2).toordinal()
    crosser = Candidate("a" * 32, True, day + 10, 0, 0.0, 0, 3.0)
    board.take({"S0": {day: [crosser]}}, {"S0": day - 20})
    april = date(2026, 4, 10).toordinal()
    quiet = Candidate("b" * 32, False, 0, 0, 0.0, 0, 0.0)
    board.take({"S0": {april: [quiet]}}, {"S0": april})
    assert board.total(TOTAL).cases == 0
    assert board.schools["S0"].pending == {}
    assert board.schools["S0"].cases == {}


def test_erased_pupils_leave_the_board() -> None:
    drawn = Drawn(1)
    board = drawn.board()
    everybody = {f"{pupil:032x}" for pupil in range(_PUPILS)}
    board.forget(everybody)
    assert not any(pupil in msgspec.json.encode(board).decode() for pupil in everybody)
